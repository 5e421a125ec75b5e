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

"""A frame that waits for its partner, and the distance between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xspec_ros.core.frame import Frame
    from xspec_ros.core.sync_axes import Axis


class Held:
    """A frame that waits, with the state of every stamp axis when it arrived.

    Args:
        stamp: Of the frame with its input's offset, nanoseconds.
        frame: The frame.
        base: Newest stamp of every axis; empty for one that nothing waits for.
    """

    __slots__ = ('base', 'frame', 'size', 'stamp')

    def __init__(self, stamp: int, frame: Frame, base: dict[Axis, int]) -> None:
        self.stamp = stamp
        self.frame = frame
        self.size = frame.image.nbytes
        self.base = base


def stamp_of(held: Held) -> int:
    """Return what frames are ordered by."""
    return held.stamp


def gap_between(partner: Held, head: Held) -> int:
    """Return how far apart two frames are, nanoseconds."""
    return abs(partner.stamp - head.stamp)
