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

"""How the stream is doing: rates, latencies, dead and frozen cameras. Reads no clock."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from dataclasses import dataclass
import random
from typing import Literal, TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspec_ros.core.frame import Modality

STAGES = ('decode', 'wait', 'infer', 'encode', 'total')
QUANTILES = {'p50': 0.5, 'p95': 0.95, 'p99': 0.99}
CameraState: TypeAlias = Literal['waiting', 'alive', 'shutter', 'frozen', 'stuck', 'dead']

_NS_PER_S = 1_000_000_000
_RESERVOIR = 20_000
_RECENT = 300  # values a stage behind the quantiles of the diagnostics
_RATE_WINDOW = 150
_MIN_GAPS = 20
_JITTER_ALLOWANCE = 0.65  # in periods: a gap counts as a loss from 1.65 periods on
_MAX_GAP_NS = 10_000_000_000
_PAUSE_NS = 1_000_000_000  # a longer gap, of many periods, is a camera that was away
_PAUSE_PERIODS = 10


class LogThrottle:
    """Lets one message a period through for each key; the rest only counts.

    Args:
        period_s: Quiet time after a message.
    """

    def __init__(self, period_s: float = 5.0) -> None:
        self._period = round(period_s * _NS_PER_S)
        self._last: dict[str, int] = {}

    def allows(self, key: str, now_ns: int) -> bool:
        """Tell whether to log now.

        Args:
            key: For example the counter's path.
            now_ns: Monotonic time.
        """
        last = self._last.get(key)
        if last is not None and 0 <= now_ns - last < self._period:
            return False
        self._last[key] = now_ns
        return True


class RateMeter:
    """Rate and losses of one input by its stamps, over the last 150 frames.

    A lost sample is seen nowhere else: DDS reports none even where most are lost.
    """

    def __init__(self) -> None:
        self.missed = 0
        self._last_ns: int | None = None
        self._gaps: deque[int] = deque(maxlen=_RATE_WINDOW)
        self._misses: deque[int] = deque(maxlen=_RATE_WINDOW)

    def add(self, stamp_ns: int) -> None:
        """Take the stamp of a message, in order of arrival; jumps and repeats are passed over."""
        gap = 0 if self._last_ns is None else stamp_ns - self._last_ns
        self._last_ns = stamp_ns
        if not 0 < gap < _MAX_GAP_NS:
            return
        self._gaps.append(gap)
        if len(self._gaps) < _MIN_GAPS:
            return
        periods = gap / self.period_ns()
        missed = max(0, int(periods - _JITTER_ALLOWANCE))
        self.missed += missed
        if gap <= _PAUSE_NS or periods <= _PAUSE_PERIODS:
            self._misses.append(missed)

    def period_ns(self) -> int:
        """Return the time between frames, from the short gaps: losses lengthen the others."""
        if not self._gaps:
            return 0
        gaps = sorted(self._gaps)  # a copy: another thread may add
        low = gaps[len(gaps) // 5]
        short = [gap for gap in gaps if gap < 1.5 * low]
        return sum(short) // len(short)

    def rate_hz(self) -> float | None:
        """Return the frames a second that the camera sends; None before the second frame."""
        period_ns = self.period_ns()
        return _NS_PER_S / period_ns if period_ns else None

    def share(self) -> float:
        """Return the share of recent frames that did not arrive while the camera was there."""
        missed = sum(self._misses)
        return missed / (missed + len(self._misses)) if self._misses else 0.0


class LatencyRecorder:
    """Latencies a stage: exact mean and maximum, quantiles of a bounded sample.

    Up to 20,000 values a stage are kept as they are, beyond that a uniform sample of all of them
    (reservoir sampling with a fixed seed).

    Args:
        stages: Names in the order of the summary.
    """

    def __init__(self, stages: Iterable[str] = STAGES) -> None:
        self._samples: dict[str, array[float]] = {stage: array('d') for stage in stages}
        self._recent: dict[str, deque[float]] = {
            stage: deque(maxlen=_RECENT) for stage in self._samples
        }
        self._number: Counter[str] = Counter()
        self._sum: dict[str, float] = dict.fromkeys(self._samples, 0.0)
        self._max: dict[str, float] = dict.fromkeys(self._samples, 0.0)
        self._random = random.Random(0)

    def record(self, stage: str, latency_ms: float) -> None:
        """Add one value.

        Args:
            stage: One of the stages.
            latency_ms: How long it took.
        """
        samples = self._samples[stage]
        self._recent[stage].append(latency_ms)
        self._number[stage] += 1
        self._sum[stage] += latency_ms
        self._max[stage] = max(latency_ms, self._max[stage])
        if len(samples) < _RESERVOIR:
            samples.append(latency_ms)
            return
        place = self._random.randrange(self._number[stage])
        if place < _RESERVOIR:
            samples[place] = latency_ms

    def summary(self) -> dict[str, dict[str, float | None]]:
        """Return ``{stage: {p50, p95, p99, max, mean}}`` in ms; None where nothing ran."""
        return {stage: self._summary(stage) for stage in self._samples}

    def recent(self, stage: str) -> dict[str, float | None]:
        """Return ``{p50, p95, p99}`` in ms of the last 300 values; None where nothing ran.

        Args:
            stage: One of the stages.
        """
        ordered = sorted(self._recent[stage])
        return {
            name: _quantile(ordered, fraction) if ordered else None
            for name, fraction in QUANTILES.items()
        }

    def _summary(self, stage: str) -> dict[str, float | None]:
        ordered = sorted(self._samples[stage])
        if not ordered:
            return dict.fromkeys((*QUANTILES, 'max', 'mean'))
        values: dict[str, float | None] = {
            name: round(_quantile(ordered, fraction), 4) for name, fraction in QUANTILES.items()
        }
        values['max'] = round(self._max[stage], 4)
        values['mean'] = round(self._sum[stage] / self._number[stage], 4)
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraHealth:
    """One camera at one moment.

    Attributes:
        modality: Which camera.
        state: ``waiting`` (not heard yet), ``alive``, ``shutter`` (uniform pictures, normal for
            a moment), ``frozen`` (identical pictures with advancing stamps, likewise),
            ``stuck`` (either for longer than ``ffc_max_s``), ``dead`` (silent for longer than
            ``stale_after_s``).
        silent_s: Time since the last frame, or since the watch began.
        still_s: How long the picture has been uniform or identical; 0 when it moves.
    """

    modality: Modality
    state: CameraState
    silent_s: float
    still_s: float

    @property
    def is_error(self) -> bool:
        """Tell whether a person has to look at this camera."""
        return self.state in ('stuck', 'dead')

    @property
    def message(self) -> str:
        """One line for log and diagnostics."""
        name = self.modality
        match self.state:
            case 'waiting':
                return f'{name}: no frame yet for {self.silent_s:.1f} s'
            case 'dead':
                return f'{name}: no frame for {self.silent_s:.1f} s: check camera, topic and QoS'
            case 'stuck':
                return f'{name}: same picture for {self.still_s:.1f} s: the camera hangs'
            case 'shutter' | 'frozen':
                return f'{name}: {self.state} for {self.still_s:.1f} s'
            case _:
                return f'{name}: alive'


class CameraWatch:
    """Notices cameras that are dead, stuck, or behind their shutter; recovers by itself.

    Args:
        modalities: The cameras that are expected.
        start_ns: Monotonic time the watch begins.
        stale_after_s: Silence that makes a camera dead.
        ffc_max_s: Longest shutter event (flat-field correction) that is normal.
    """

    def __init__(
        self,
        modalities: Iterable[Modality] = ('rgb', 'thermal'),
        *,
        start_ns: int = 0,
        stale_after_s: float = 1.0,
        ffc_max_s: float = 3.0,
    ) -> None:
        self._modalities = tuple(modalities)
        self._start = start_ns
        self._stale = round(stale_after_s * _NS_PER_S)
        self._ffc_max = round(ffc_max_s * _NS_PER_S)
        self._heard: dict[Modality, int] = {}
        self._still: dict[Modality, tuple[Literal['shutter', 'frozen'], int]] = {}

    def heard(
        self, modality: Modality, now_ns: int, *, shutter: bool = False, frozen: bool = False
    ) -> None:
        """Note a frame that arrived.

        Args:
            modality: Its camera.
            now_ns: Monotonic time of arrival.
            shutter: The picture is uniform.
            frozen: The picture is identical to the one before.
        """
        self._heard[modality] = now_ns
        if shutter or frozen:
            since = self._still[modality][1] if modality in self._still else now_ns
            self._still[modality] = ('shutter' if shutter else 'frozen', since)
        else:
            self._still.pop(modality, None)

    def health(self, modality: Modality, now_ns: int) -> CameraHealth:
        """Return one camera's state.

        Args:
            modality: Which camera.
            now_ns: Monotonic time.
        """
        silent = now_ns - self._heard.get(modality, self._start)
        kind, since = self._still.get(modality, (None, now_ns))
        state: CameraState = 'alive'
        if silent > self._stale:
            state = 'dead'
        elif modality not in self._heard:
            state = 'waiting'
        elif kind is not None:
            state = 'stuck' if now_ns - since > self._ffc_max else kind
        return CameraHealth(
            modality=modality,
            state=state,
            silent_s=silent / _NS_PER_S,
            still_s=(now_ns - since) / _NS_PER_S,
        )

    def all(self, now_ns: int) -> list[CameraHealth]:
        """Return every expected camera's state."""
        return [self.health(modality, now_ns) for modality in self._modalities]

    def dead(self, now_ns: int) -> tuple[Modality, ...]:
        """Return the cameras that are silent for too long."""
        return tuple(h.modality for h in self.all(now_ns) if h.state == 'dead')


def _quantile(ordered: list[float], fraction: float) -> float:
    """Return a quantile of a sorted, non-empty list, linear between ranks."""
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
