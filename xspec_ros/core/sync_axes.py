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

"""Where every axis of stamps stands: progress, silence and jumps, without any clock."""

from __future__ import annotations

from typing import Literal, TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from xspec_ros.core.frame import Modality

Axis: TypeAlias = Literal['rgb', 'thermal', 'clock']

_STRAGGLER_NS = 2_000_000_000  # how long the other input may still deliver the old epoch


def other_input(modality: Modality) -> Modality:
    """Return the input that is not this one."""
    return 'rgb' if modality == 'thermal' else 'thermal'


class StampAxes:
    """Follows the newest stamp of both inputs and of an optional clock.

    Time that passes is read off each axis by itself, never off the difference of two: a camera
    whose clock is an hour off still tells how long something has waited.

    Args:
        jump_ns: A stamp further back than this is a jump.
        stale_ns: An input is silent when the other has gone on alone for longer.
    """

    def __init__(self, *, jump_ns: int, stale_ns: int) -> None:
        self._jump = jump_ns
        self._stale = stale_ns
        self._before: dict[Modality, int] = {}  # last stamps of inputs that have yet to jump
        self._start: tuple[Modality, int] | None = None  # the jump that began this epoch
        self.latest: dict[Axis, int] = {}
        self._heard: dict[Modality, int] = {}  # newest stamp of the other input at an arrival
        self._missed: dict[Modality, int] = {'rgb': 0, 'thermal': 0}  # other's frames since then

    def is_jump(self, axis: Axis, stamp_ns: int) -> bool:
        """Tell whether a stamp lies further behind its own axis than the threshold."""
        latest = self.latest.get(axis)
        return latest is not None and stamp_ns < latest - self._jump

    def restart(self, axis: Axis, stamp_ns: int) -> None:
        """Begin a new epoch with a jump on one axis."""
        self._before = {}
        self._start = None
        # A clock may step on its own: then the cameras go on and nothing of theirs is old.
        if axis != 'clock':
            other = other_input(axis)
            self._start = (axis, stamp_ns)
            if other in self.latest:
                self._before[other] = self.latest[other]
        self.latest = {}
        self._heard = {}
        self._missed = {'rgb': 0, 'thermal': 0}

    def is_straggler(self, modality: Modality, stamp_ns: int) -> bool:
        """Tell whether an input still delivers the epoch that the other one has left.

        Without this, one bag loop would count as two jumps whenever a camera is late, and the
        second would clear good frames. Bounded in time: an input that never follows is taken
        as it is.
        """
        before = self._before.get(modality)
        if before is None or self._start is None:
            return False
        axis, start = self._start
        newest = self.latest.get(axis, start)
        continues = stamp_ns >= before - self._jump and stamp_ns > newest + self._jump
        if continues and newest - start <= _STRAGGLER_NS:
            return True
        del self._before[modality]
        return False

    def tick(self, axis: Axis, stamp_ns: int) -> None:
        """Move an axis on; a stamp behind its newest leaves it where it is."""
        self.latest[axis] = max(stamp_ns, self.latest.get(axis, stamp_ns))

    def heard(self, modality: Modality, stamp_ns: int) -> None:
        """Move an input's axis on and note that the input lives."""
        other = other_input(modality)
        self.tick(modality, stamp_ns)
        if other in self.latest:
            self._heard[modality] = self.latest[other]
        self._heard.setdefault(other, stamp_ns)  # an input never heard is silent from here on
        self._missed[modality] = 0
        self._missed[other] += 1

    def is_silent(self, modality: Modality) -> bool:
        """Tell whether the other input has gone on alone for too long."""
        if self._missed[modality] < 2:  # the other may itself have just come back
            return False
        return self.latest[other_input(modality)] - self._heard[modality] > self._stale

    def inputs_now(self) -> dict[Axis, int]:
        """Return the newest stamps of the inputs: what a wait starts from.

        The clock is left out: it moves in steps, so its share of a wait begins with the next.
        """
        return {axis: stamp for axis, stamp in self.latest.items() if axis != 'clock'}
