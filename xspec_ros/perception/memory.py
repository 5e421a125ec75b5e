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

"""Memory of a process that opens model after model: what is freed goes back to the system."""

from __future__ import annotations

import ctypes
import sys

M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
MMAP_BYTES = 1 << 20
ARENAS = 2


def settle_memory() -> bool:
    """Let glibc return the buffers of a closed model; call it before threads are made.

    Left alone it raises its own threshold after the first large buffer that is freed, keeps
    those of the next models in the heaps of whichever threads opened them, and the process grows
    although nothing leaks (docs/ros2.md has the figures).

    Returns:
        True where it was done; False where the C library is another one.
    """
    if sys.platform != 'linux':
        return False
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, MMAP_BYTES)) and bool(mallopt(M_ARENA_MAX, ARENAS))


def trim_memory() -> None:
    """Give back what lies free in the heaps after a model was closed; glibc only."""
    if sys.platform == 'linux' and hasattr(libc := ctypes.CDLL(None), 'malloc_trim'):
        libc.malloc_trim(0)
