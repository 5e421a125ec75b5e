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

"""What pairing counts and measures."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.core.frame import Modality
    from xspec_ros.core.sync_values import DropCause, UnpairedCause

MODALITIES: tuple[Modality, Modality] = ('rgb', 'thermal')

_NS_PER_MS = 1e6
_WINDOW = 256  # arrivals and decisions that the medians look back on
_RECENT = 64  # decisions that the advice looks back on
_ADVICE_SHARE = 0.2  # share of recent references with one cause that is worth a word


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncCounts:
    """What became of every frame so far; values of one moment.

    For each input, ``received = paired + dropped_* + waiting``.

    Attributes:
        received: Frames pushed, by input.
        paired: Pairs handed out.
        dropped_old: Frames behind what was already decided, by input.
        dropped_unpaired: Frames that were given up without a partner, by input. Of the input
            that is not the reference these are the frames nobody needed: normal at 30 against
            9 Hz.
        dropped_overflow: Frames pushed out by the frame or byte limit, by input.
        dropped_duplicate: Frames with a stamp already seen, by input.
        unpaired_by: References without a partner, by cause.
        waiting: Frames held now, by input.
        held_bytes: Pixel bytes held now.
        epochs: Resets by a backward jump.
        skew_p50_ms: Median of |RGB - thermal| over recent pairs; None before the first.
        skew_p95_ms: 95th percentile of the same.
        offset_ms: Median of (nearest RGB stamp - thermal stamp) over recent references, offsets
            applied, whether or not it was within ``slop_ms``; None before the first.
        rgb_lead_ms: How far RGB stamps run ahead of thermal stamps that arrive at the same
            moment, median; negative when RGB is late or its clock is behind. None until both
            inputs were seen.
        rgb_period_ms: Median time between RGB stamps; None before the second.
    """

    received: Mapping[Modality, int]
    paired: int
    dropped_old: Mapping[Modality, int]
    dropped_unpaired: Mapping[Modality, int]
    dropped_overflow: Mapping[Modality, int]
    dropped_duplicate: Mapping[Modality, int]
    unpaired_by: Mapping[UnpairedCause, int]
    waiting: Mapping[Modality, int]
    held_bytes: int
    epochs: int
    skew_p50_ms: float | None
    skew_p95_ms: float | None
    offset_ms: float | None
    rgb_lead_ms: float | None
    rgb_period_ms: float | None


def percentile(values: list[int], fraction: float) -> int:
    """Return the nearest-rank percentile of a non-empty list."""
    ordered = sorted(values)
    return ordered[max(0, ceil(fraction * len(ordered)) - 1)]


class StreamMeter:
    """Counts frames and measures stamps in bounded memory; holds no frame.

    Args:
        reference: The input that gets one answer a frame.
    """

    def __init__(self, reference: Modality) -> None:
        self._reference = reference
        self.received: Counter[Modality] = Counter()
        self.dropped: Counter[tuple[Modality, DropCause]] = Counter()
        self.unpaired: Counter[UnpairedCause] = Counter()
        self.paired = 0
        self.epochs = 0
        self.forget()

    def forget(self) -> None:
        """Begin the measurements afresh; the counts go on."""
        self._skews: deque[int] = deque(maxlen=_WINDOW)
        self._offsets: deque[int] = deque(maxlen=_WINDOW)
        self._outcomes: deque[UnpairedCause | None] = deque(maxlen=_RECENT)
        self._leads: dict[Modality, deque[int]] = {m: deque(maxlen=_WINDOW) for m in MODALITIES}
        self._steps: dict[Modality, deque[int]] = {m: deque(maxlen=_WINDOW) for m in MODALITIES}

    def arrived(
        self, modality: Modality, stamp_ns: int, own_ns: int | None, other_ns: int | None
    ) -> None:
        """Note how a frame's stamp lies against the newest stamps of both inputs.

        Args:
            modality: The frame's input.
            stamp_ns: Its stamp, offset applied.
            own_ns: Newest stamp of the same input before it; None when it is the first.
            other_ns: Newest stamp of the other input; None when there is none.
        """
        if own_ns is not None and stamp_ns > own_ns:
            self._steps[modality].append(stamp_ns - own_ns)
        if other_ns is not None:
            lead = stamp_ns - other_ns if modality == 'rgb' else other_ns - stamp_ns
            self._leads[modality].append(lead)

    def pair_made(self, skew_ns: int) -> None:
        """Count a pair and its RGB minus thermal stamp."""
        self.paired += 1
        self._skews.append(abs(skew_ns))
        self._offsets.append(skew_ns)
        self._outcomes.append(None)

    def left_alone(self, cause: UnpairedCause, nearest_ns: int | None) -> None:
        """Count a reference without partner.

        Args:
            cause: Why.
            nearest_ns: Nearest RGB minus thermal stamp at that moment, beyond slop or not.
        """
        self.unpaired[cause] += 1
        self.dropped[self._reference, 'overflow' if cause == 'overflow' else 'unpaired'] += 1
        self._outcomes.append(cause)
        if nearest_ns is not None:
            self._offsets.append(nearest_ns)

    def rgb_lead_ns(self) -> float | None:
        """Return how far RGB stamps run ahead at arrival; None until both inputs were seen.

        A thermal frame meets the newest RGB stamp, on average half an RGB period old; an RGB
        frame meets a thermal stamp half a thermal period old. Both are corrected, so that the
        result is near 0 for two punctual cameras whatever their rates.
        """
        if not all(self._leads.values()) or not all(self._steps.values()):
            return None
        half = {m: median(list(self._steps[m])) / 2 for m in MODALITIES}
        seen_by_thermal = median(list(self._leads['thermal'])) + half['rgb']
        seen_by_rgb = median(list(self._leads['rgb'])) - half['thermal']
        return (seen_by_thermal + seen_by_rgb) / 2

    def counts(self, waiting: Mapping[Modality, int], held_bytes: int) -> SyncCounts:
        """Return the values of this moment."""
        lead_ns = self.rgb_lead_ns()
        skews, steps, offsets = list(self._skews), list(self._steps['rgb']), list(self._offsets)
        return SyncCounts(
            received={m: self.received[m] for m in MODALITIES},
            paired=self.paired,
            dropped_old=self._by_input('old'),
            dropped_unpaired=self._by_input('unpaired'),
            dropped_overflow=self._by_input('overflow'),
            dropped_duplicate=self._by_input('duplicate'),
            unpaired_by=dict(self.unpaired),
            waiting=waiting,
            held_bytes=held_bytes,
            epochs=self.epochs,
            skew_p50_ms=percentile(skews, 0.5) / _NS_PER_MS if skews else None,
            skew_p95_ms=percentile(skews, 0.95) / _NS_PER_MS if skews else None,
            offset_ms=median(offsets) / _NS_PER_MS if offsets else None,
            rgb_lead_ms=None if lead_ns is None else lead_ns / _NS_PER_MS,
            rgb_period_ms=median(steps) / _NS_PER_MS if steps else None,
        )

    def main_cause(self) -> UnpairedCause | None:
        """Return the most common recent cause when it is worth a word, else None.

        ``taken`` is none: with a reference faster than its partner it is the normal case.
        """
        outcomes = list(self._outcomes)  # at once: another thread may be counting
        causes = Counter(cause for cause in outcomes if cause not in (None, 'taken', 'end'))
        if not causes:
            return None
        cause, times = causes.most_common(1)[0]
        return cause if times >= _ADVICE_SHARE * len(outcomes) else None

    def _by_input(self, cause: DropCause) -> dict[Modality, int]:
        return {m: self.dropped[m, cause] for m in MODALITIES}
