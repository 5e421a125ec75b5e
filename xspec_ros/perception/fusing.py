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

"""Mode fused: which cameras answer a frame, decided once its partner is known or given up."""

from __future__ import annotations

from dataclasses import replace
import logging
from time import perf_counter_ns
from typing import NamedTuple, TYPE_CHECKING

from xspec_ros.core.health import LogThrottle
from xspec_ros.core.sync import Dropped, Paired, Unpaired
from xspec_ros.perception.work import Work

if TYPE_CHECKING:
    from xspec_ros.core.frame import Frame, Pair
    from xspec_ros.core.radiometry import ToneTracker
    from xspec_ros.core.rig import Rig
    from xspec_ros.core.sync import SyncEvent
    from xspec_ros.perception.settings import Settings
    from xspec_ros.perception.work import IntakeCounts

log = logging.getLogger(__name__)

FULL_TONE = (0.0, 255.0)


class _Held(NamedTuple):
    work: Work
    shutter: bool


class Fusing:
    """Holds thermal frames until it is known which cameras answer them.

    Args:
        settings: Run-time parameters.
        rig: Registration of the cameras; None where RGB comes on the thermal grid.
        counts: Where lost frames are counted.

    Attributes:
        misfit: Why RGB of the latest pair could not be used; empty where it could.
        last_misfit: The same of the latest pair that had such a reason.
    """

    def __init__(self, settings: Settings, rig: Rig | None, counts: IntakeCounts) -> None:
        self.settings = settings
        self.misfit = ''
        self.last_misfit = ''
        self._rig = rig
        self._counts = counts
        self._held: dict[int, _Held] = {}
        self._throttle = LogThrottle()

    def hold(self, work: Work, *, shutter: bool) -> None:
        """Keep a thermal frame until pairing has decided.

        Args:
            work: The frame with its tone.
            shutter: Its picture is the closed shutter's: only RGB can answer it.
        """
        if work.thermal is not None:
            self._held[work.thermal.stamp_ns] = _Held(work, shutter)

    def retone(self, tone: ToneTracker) -> None:
        """Take the tone of another tracker for the frames that are held."""
        for stamp_ns, held in self._held.items():
            if held.work.thermal is not None:
                state = tone.update(held.work.thermal)
                work = replace(held.work, tone=(state.low, state.high))
                self._held[stamp_ns] = held._replace(work=work)

    def decide(self, events: list[SyncEvent]) -> list[Work]:
        """Turn pairing decisions into work, in their order; count what is not answered."""
        ready: list[Work | None] = []
        for event in events:
            match event:
                case Paired(pair=pair):
                    ready.append(self._together(pair))
                case Unpaired(frame=frame, cause=cause) if frame.modality == 'thermal':
                    if held := self._held.pop(frame.stamp_ns, None):
                        ready.append(self._thermal_alone(held, cause))
                case Unpaired(frame=frame):
                    ready.append(_rgb_alone(frame))
                case Dropped(frame=frame, cause=cause) if frame.modality == 'thermal':
                    if held := self._held.pop(frame.stamp_ns, None):
                        self._lose(held, cause)
        return [work for work in ready if work is not None]

    def _together(self, pair: Pair) -> Work | None:
        held = self._held.pop(pair.thermal.stamp_ns, None)
        if held is None:
            return None
        if not self._fits(pair):
            return self._thermal_alone(held, 'unregistered')
        if not held.shutter:
            return replace(held.work, rgb=pair.rgb, skew_ms=pair.skew_ns / 1e6)
        if self.settings.on_missing == 'silence':
            self._lose(held, 'unpaired')
            return None
        stamped = replace(pair.rgb, stamp_ns=pair.thermal.stamp_ns, frame_id=pair.thermal.frame_id)
        return replace(held.work, thermal=None, rgb=stamped, degraded='shutter')

    def _thermal_alone(self, held: _Held, cause: str) -> Work | None:
        if held.shutter or self.settings.on_missing == 'silence':
            self._lose(held, 'unpaired')
            return None
        return replace(held.work, degraded=cause)

    def _lose(self, held: _Held, cause: str) -> None:
        if held.shutter:
            self._counts.rejected['thermal']['shutter'] += 1
        else:
            self._counts.dropped[cause] += 1

    def _fits(self, pair: Pair) -> bool:
        """Tell whether RGB lies on the thermal grid, or can be brought there."""
        thermal, rgb = pair.thermal.size_hw, pair.rgb.size_hw
        if self._rig is None:
            turns = self.settings.thermal.rotate_deg, self.settings.rgb.rotate_deg
            fits = _upright(thermal, turns[0]) == _upright(rgb, turns[1])
            advice = 'measure the rig once: xspec register BAG --out rig.yaml; then give it as rig'
        else:
            fits = self._rig.fits(rgb, thermal_hw=thermal)
            advice = 'the rig was measured at other sizes: measure it again'
        self.misfit = ''
        if not fits:
            sizes = f'RGB {rgb[1]}x{rgb[0]}, thermal {thermal[1]}x{thermal[0]}'
            self.misfit = self.last_misfit = (
                f'RGB is not on the thermal grid ({sizes}) and is left out; {advice}'
            )
            self._counts.warnings['rgb/unregistered'] += 1
            if self._throttle.allows('unregistered', perf_counter_ns()):
                log.warning('%s', self.misfit)
        return fits


def _upright(size_hw: tuple[int, int], rotate_deg: int) -> tuple[int, int]:
    return size_hw[::-1] if rotate_deg % 180 else size_hw


def _rgb_alone(frame: Frame) -> Work:
    """Answer an RGB frame as mode ``rgb`` does, while the thermal camera is silent."""
    return Work(
        thermal=None,
        rgb=frame,
        tone=FULL_TONE,
        skew_ms=None,
        received_ns=frame.received_ns,
        decoded_ns=perf_counter_ns(),
        reference='rgb',
        degraded='thermal_silent',
    )
