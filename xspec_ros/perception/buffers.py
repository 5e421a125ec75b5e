# Copyright 2026 xspec_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Whether the sockets of this machine hold the images that are sent to it."""

from __future__ import annotations

from pathlib import Path

RMEM_MAX = Path('/proc/sys/net/core/rmem_max')


def receive_buffer_bytes() -> int | None:
    """Return the largest receive buffer a socket can have here, None where nobody says."""
    try:
        return int(RMEM_MAX.read_text(encoding='ascii'))
    except (OSError, ValueError):
        return None


def buffer_advice(largest_message: int, granted: int | None) -> str:
    """Say what to do when the receive buffer is too small for the images, else nothing.

    Args:
        largest_message: Bytes of the largest image.
        granted: ``net.core.rmem_max`` in bytes, None where unknown.

    Returns:
        One line, empty when the buffer holds two such images.
    """
    if granted is None or granted >= 2 * largest_message:
        return ''
    wanted = 8 * 2**20
    while wanted < 2 * largest_message:
        wanted *= 2
    return (
        f'the receive buffer ({granted} bytes, net.core.rmem_max) holds less than two images of '
        f'{largest_message} bytes: frames will be lost; '
        f'run: sudo sysctl -w net.core.rmem_max={wanted}'
    )
