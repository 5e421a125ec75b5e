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

"""Pair thermal and RGB frames by stamp: pure, deterministic, the same live and offline.

docs/sync.md says what is promised and how it is decided.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from statistics import median
from typing import Literal

from xspec_ros.core.frame import Frame, Modality, Pair
from xspec_ros.core.sync_advice import advise, SyncAdvice
from xspec_ros.core.sync_axes import Axis, other_input, StampAxes
from xspec_ros.core.sync_counts import StreamMeter, SyncCounts
from xspec_ros.core.sync_held import gap_between, Held, stamp_of
from xspec_ros.core.sync_values import (
    DropCause,
    Dropped,
    Paired,
    SyncEvent,
    SyncSettings,
    Unpaired,
    UnpairedCause,
)

__all__ = [
    'Dropped',
    'PairSynchronizer',
    'Paired',
    'SyncAdvice',
    'SyncCounts',
    'SyncEvent',
    'SyncSettings',
    'Unpaired',
]

_NS_PER_MS = 1_000_000
_NS_PER_S = 1_000_000_000
_SEEN_STAMPS = 128  # stamps an input remembers to tell a duplicate from an old frame
_INTERVALS = 9  # reference intervals behind the period estimate
_PERIOD_SHARE = 0.8  # the next reference is not expected before this share of a period
# A later reference takes a partner away only when it is nearer by this factor. With 1, two
# cameras of one rate half a period apart lost 13 % of their pairs to jitter of 1 ms.
_RIVAL_FACTOR = 1.5


class PairSynchronizer:
    """Pairs every reference frame with its nearest partner; each frame is used at most once.

    Nothing but stamps and the order of calls decides, no clock is read. Not thread-safe: the
    caller holds its own lock and runs its own code on the returned events outside of it.

    Args:
        settings: How to pair.
    """

    def __init__(self, settings: SyncSettings | None = None) -> None:
        self._set(settings or SyncSettings())
        self._meter = StreamMeter(self._reference)
        self._clear()

    def _set(self, settings: SyncSettings) -> None:
        self.settings = settings
        self._reference: Modality = settings.reference
        self._partner: Modality = other_input(self._reference)
        self._offset: dict[Modality, int] = {
            'rgb': round(settings.rgb_offset_ms * _NS_PER_MS),
            'thermal': round(settings.thermal_offset_ms * _NS_PER_MS),
        }
        self._slop = round(settings.slop_ms * _NS_PER_MS)
        self._max_wait = round(settings.max_wait_ms * _NS_PER_MS)
        self._axes = StampAxes(
            jump_ns=round(settings.jump_threshold_s * _NS_PER_S),
            stale_ns=round(settings.stale_after_s * _NS_PER_S),
        )

    def _clear(self) -> None:
        self._held: dict[Modality, list[Held]] = {'rgb': [], 'thermal': []}
        self._seen: dict[Modality, deque[int]] = {
            'rgb': deque(maxlen=_SEEN_STAMPS),
            'thermal': deque(maxlen=_SEEN_STAMPS),
        }
        self._bytes = 0
        self._last_out: int | None = None
        self._last_reference: int | None = None
        self._last_used: int | None = None
        self._evicted: deque[int] = deque(maxlen=_SEEN_STAMPS)
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)

    @property
    def epoch(self) -> int:
        """Number of backward jumps so far."""
        return self._meter.epochs

    @property
    def counts(self) -> SyncCounts:
        """What became of every frame so far."""
        waiting = {m: len(self._held[m]) for m in self._held}
        return self._meter.counts(waiting, self._bytes)

    def advice(self) -> SyncAdvice | None:
        """Say what keeps pairs from being found; None while nothing worth a word does."""
        cause = self._meter.main_cause()
        return None if cause is None else advise(cause, self.counts, self.settings)

    def push(self, frame: Frame) -> list[SyncEvent]:
        """Take one frame in the order of arrival.

        Args:
            frame: A decoded frame of either input.

        Returns:
            Everything that this frame made final, in increasing order of stamps.
        """
        modality = frame.modality
        stamp = frame.stamp_ns + self._offset[modality]
        self._meter.received[modality] += 1
        events: list[SyncEvent] = []
        if self._axes.is_jump(modality, stamp):
            events += self._new_epoch(modality, stamp)
        elif self._axes.is_straggler(modality, stamp):
            return [self._drop(frame, 'old')]
        refused = self._refuse(modality, stamp)
        self._note_arrival(modality, stamp)
        if refused is not None:
            return [*events, self._drop(frame, refused), *self._settle()]
        if self._is_fallback(modality):
            return [*events, self._fall_back(frame, stamp)]
        waits = modality == self._reference
        held = Held(stamp, frame, self._axes.inputs_now() if waits else {})
        insort(self._held[modality], held, key=stamp_of)
        self._bytes += held.size
        return [*events, *self._settle(), *self._make_room()]

    def advance(self, now_stamp_ns: int) -> list[SyncEvent]:
        """Tell the time on the axis of the stamps, so that waiting ends without new frames.

        A reference's wait on this axis starts at the first call after its arrival: it is never
        cut short, and it is at most one call interval too long.

        Args:
            now_stamp_ns: For example the node's clock; only differences count.
        """
        events: list[SyncEvent] = []
        if self._axes.is_jump('clock', now_stamp_ns):
            events += self._new_epoch('clock', now_stamp_ns)
        self._axes.tick('clock', now_stamp_ns)
        self._start_waits('clock', now_stamp_ns)
        return [*events, *self._settle()]

    def flush(self) -> list[SyncEvent]:
        """Decide everything that waits with what there is: the end of the stream."""
        events = self._settle(end='end')
        self._release(len(self._held[self._partner]), 'unpaired')
        return events

    def retune(self, settings: SyncSettings) -> list[SyncEvent]:
        """Pair by other settings; counts go on. Returns what waited, decided by the old ones."""
        events = self.flush()
        self._set(settings)
        self._clear()
        self._meter.forget()
        return events

    def restart(self) -> list[SyncEvent]:
        """Begin a new epoch because the clock says so, before any stamp does."""
        return self._new_epoch('clock', 0)

    # Arrival

    def _new_epoch(self, axis: Axis, stamp: int) -> list[SyncEvent]:
        events = self._settle(end='epoch')
        self._release(len(self._held[self._partner]), 'unpaired')
        self._axes.restart(axis, stamp)
        self._clear()
        self._meter.epochs += 1
        return events

    def _note_arrival(self, modality: Modality, stamp: int) -> None:
        own = self._axes.latest.get(modality)
        self._meter.arrived(modality, stamp, own, self._axes.latest.get(other_input(modality)))
        self._axes.heard(modality, stamp)
        self._start_waits(modality, stamp)
        if own is None or stamp > own or stamp not in self._seen[modality]:
            self._seen[modality].append(stamp)

    def _start_waits(self, axis: Axis, stamp: int) -> None:
        """Let references that came before an axis was first seen wait on it from here."""
        for held in self._held[self._reference]:
            held.base.setdefault(axis, stamp)

    def _refuse(self, modality: Modality, stamp: int) -> Literal['old', 'duplicate'] | None:
        if stamp <= self._axes.latest.get(modality, stamp - 1) and stamp in self._seen[modality]:
            return 'duplicate'
        if self._last_out is None:
            return None
        if modality == self._reference:
            return 'old' if stamp <= self._last_out else None
        used = self._last_used is not None and stamp <= self._last_used
        return 'old' if used or stamp < self._last_out - self._slop else None

    def _drop(self, frame: Frame, cause: Literal['old', 'duplicate']) -> Dropped:
        self._meter.dropped[frame.modality, cause] += 1
        return Dropped(frame=frame, cause=cause, epoch=self.epoch)

    def _is_fallback(self, modality: Modality) -> bool:
        if not self.settings.rgb_fallback or modality != 'rgb' or self._partner != 'rgb':
            return False
        return self._axes.is_silent('thermal') and not self._held['thermal']

    def _fall_back(self, frame: Frame, stamp: int) -> SyncEvent:
        if self._last_out is not None and stamp <= self._last_out:
            return self._drop(frame, 'old')
        self._last_out = stamp
        self._meter.dropped[frame.modality, 'unpaired'] += 1
        return Unpaired(frame=frame, cause='missing', epoch=self.epoch)

    # Decision

    def _settle(self, end: Literal['end', 'epoch'] | None = None) -> list[SyncEvent]:
        """Decide references from the oldest on, until one has to wait."""
        events: list[SyncEvent] = []
        queue = self._held[self._reference]
        while queue:
            event = self._decide(queue[0], end)
            if event is None:
                break
            events.append(event)
        return events

    def _decide(
        self, head: Held, end: Literal['end', 'epoch', 'overflow'] | None
    ) -> SyncEvent | None:
        partners = self._held[self._partner]
        index = bisect_right(partners, head.stamp, key=stamp_of)
        near = sorted(partners[max(0, index - 1) : index + 1], key=lambda p: gap_between(p, head))
        if self._last_used is not None and self._last_used >= head.stamp:
            # Its nearest later partner is used. Taking the one after would push the references
            # that follow further and further from theirs.
            return self._leave(head, [], passed=True, end=end)
        exact = bool(near) and near[0].stamp == head.stamp
        passed = self._axes.latest.get(self._partner, head.stamp) > head.stamp
        patient = end is None and not self._has_waited(head)
        if patient and not (exact or passed or self._axes.is_silent(self._partner)):
            return None
        for partner in near:
            if gap_between(partner, head) > self._slop:
                break
            owner = self._owner(head, partner)
            if owner == 'unknown' and patient:
                return None
            if owner != 'other':
                return self._pair(head, partner)
        return self._leave(head, near, passed=passed, end=end)

    def _owner(self, head: Held, partner: Held) -> Literal['head', 'other', 'unknown']:
        """Tell whether a later reference is much nearer to a partner and has no better one.

        Only where the reference's own rhythm lets one come so soon: a slow reference never
        waits for its successor. The rule looks at stamps alone, not at what has arrived, so
        that the order of arrival does not change the answer.
        """
        gap = partner.stamp - head.stamp
        if gap <= 0 or not self._intervals:
            return 'head'
        reach = gap / _RIVAL_FACTOR
        if gap + reach <= _PERIOD_SHARE * median(self._intervals):
            return 'head'
        newest_partner = self._axes.latest[self._partner]
        for rival in self._held[self._reference][1:]:
            if rival.stamp >= partner.stamp + reach:
                return 'head'
            if abs(rival.stamp - partner.stamp) >= reach:
                continue
            if rival.stamp <= partner.stamp:
                return 'other'
            if not self._has_nearer(rival, rival.stamp - partner.stamp):
                return 'other' if newest_partner > rival.stamp else 'unknown'
        return 'unknown'

    def _has_nearer(self, rival: Held, gap: int) -> bool:
        partners = self._held[self._partner]
        index = bisect_right(partners, rival.stamp - gap, key=stamp_of)
        return index < len(partners) and partners[index].stamp < rival.stamp + gap

    def _has_waited(self, head: Held) -> bool:
        latest = self._axes.latest
        return any(latest[axis] - base >= self._max_wait for axis, base in head.base.items())

    def _pair(self, head: Held, partner: Held) -> Paired:
        self._close(head)
        self._last_used = partner.stamp
        partners = self._held[self._partner]
        index = bisect_left(partners, partner.stamp, key=stamp_of)
        self._release(index, 'unpaired')
        self._bytes -= partners.pop(0).size
        rgb, thermal = (partner, head) if self._partner == 'rgb' else (head, partner)
        skew = rgb.stamp - thermal.stamp
        self._meter.pair_made(skew)
        pair = Pair(thermal=thermal.frame, rgb=rgb.frame, skew_ns=skew)
        return Paired(pair=pair, epoch=self.epoch)

    def _leave(
        self,
        head: Held,
        near: list[Held],
        *,
        passed: bool,
        end: Literal['end', 'epoch', 'overflow'] | None,
    ) -> Unpaired:
        cause = self._cause(head, near, passed=passed, end=end)
        stamps = [partner.stamp for partner in near]
        if self._last_used is not None:
            stamps.append(self._last_used)
        gaps = sorted((stamp - head.stamp for stamp in stamps), key=abs)
        sign = 1 if self._partner == 'rgb' else -1
        self._meter.left_alone(cause, sign * gaps[0] if gaps else None)
        self._close(head)
        useless = bisect_left(self._held[self._partner], head.stamp - self._slop, key=stamp_of)
        self._release(useless, 'unpaired')
        return Unpaired(frame=head.frame, cause=cause, epoch=self.epoch)

    def _cause(
        self,
        head: Held,
        near: list[Held],
        *,
        passed: bool,
        end: Literal['end', 'epoch', 'overflow'] | None,
    ) -> UnpairedCause:
        if near and gap_between(near[0], head) <= self._slop:
            return 'taken'
        if self._last_used is not None and abs(self._last_used - head.stamp) <= self._slop:
            return 'taken'
        if any(abs(stamp - head.stamp) <= self._slop for stamp in self._evicted):
            return 'overflow'
        if passed:
            return 'slop'
        if end is not None:
            return end
        never = self._partner not in self._axes.latest
        return 'missing' if never or self._axes.is_silent(self._partner) else 'late'

    def _close(self, head: Held) -> None:
        self._held[self._reference].pop(0)
        self._bytes -= head.size
        if self._last_reference is not None:
            self._intervals.append(head.stamp - self._last_reference)
        self._last_out = self._last_reference = head.stamp

    # Memory

    def _release(self, number: int, cause: DropCause) -> None:
        """Let go of the oldest partners."""
        partners = self._held[self._partner]
        self._bytes -= sum(held.size for held in partners[:number])
        del partners[:number]
        self._meter.dropped[self._partner, cause] += number

    def _make_room(self) -> list[SyncEvent]:
        events: list[SyncEvent] = []
        references, partners = self._held[self._reference], self._held[self._partner]
        while len(partners) > self.settings.max_frames or (
            self._bytes > self.settings.max_bytes and partners
        ):
            self._evicted.append(partners[0].stamp)
            self._release(1, 'overflow')
        while len(references) > self.settings.max_frames or (
            self._bytes > self.settings.max_bytes and references
        ):
            event = self._decide(references[0], 'overflow')
            if event is not None:
                events.append(event)
        return events
