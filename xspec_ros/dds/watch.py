"""Watching one camera on the bus: silent, losing frames, back again. No clock is read here."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal, TypeAlias

from xspec_ros.dds.environment import buffer_advice

Level: TypeAlias = Literal['info', 'warning', 'error']

WINDOW = 150
MIN_GAPS = 20
LOSS_SHARE = 0.02
JITTER_ALLOWANCE = 0.65  # in periods: a gap counts as a loss from 1.65 periods on
REPEAT_AFTER_NS = 10_000_000_000
MAX_GAP_NS = 10_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the user should know, told once.

    Attributes:
        level: How bad it is.
        kind: Short name, for example ``silent`` or ``loss``.
        text: One line: what, where, what to do.
    """

    level: Level
    kind: str
    text: str


class LossMeter:
    """Estimates frames lost on the way from gaps in the stamps; DDS itself reports none."""

    def __init__(self) -> None:
        self.missed = 0
        self._last_ns: int | None = None
        self._gaps: deque[int] = deque(maxlen=WINDOW)
        self._misses: deque[int] = deque(maxlen=WINDOW)

    def add(self, stamp_ns: int) -> None:
        """Take the stamp of a message, in order of arrival; jumps and repeats are passed over."""
        gap = 0 if self._last_ns is None else stamp_ns - self._last_ns
        self._last_ns = stamp_ns
        if not 0 < gap < MAX_GAP_NS:
            return
        self._gaps.append(gap)
        if len(self._gaps) < MIN_GAPS:
            return
        missed = max(0, int(gap / self.period_ns() - JITTER_ALLOWANCE))
        self._misses.append(missed)
        self.missed += missed

    def period_ns(self) -> int:
        """Return the time between frames, from the short gaps: losses lengthen the others."""
        if not self._gaps:
            return 0
        low = sorted(self._gaps)[len(self._gaps) // 5]
        short = [gap for gap in self._gaps if gap < 1.5 * low]
        return sum(short) // len(short)

    def share(self) -> float:
        """Return the share of recent frames that did not arrive."""
        missed = sum(self._misses)
        return missed / (missed + len(self._misses)) if self._misses else 0.0


class InputWatch:
    """One camera input.

    Args:
        name: ``rgb`` or ``thermal``.
        topic: ROS topic.
        stale_after_s: Silence after which the camera counts as dead.
    """

    def __init__(self, name: str, topic: str, stale_after_s: float) -> None:
        self.name = name
        self.topic = topic
        self.received = 0
        self.largest = 0
        self.loss = LossMeter()
        self.dead = False
        self._stale_after_ns = int(stale_after_s * 1e9)
        self._last_ns = 0
        self._told_loss_ns: int | None = None

    def add(self, stamp_ns: int, size: int, now_ns: int) -> None:
        """Take note of one message.

        Args:
            stamp_ns: Its header stamp.
            size: Its bytes.
            now_ns: Monotonic time of arrival.
        """
        self.received += 1
        self.largest = max(self.largest, size)
        self.loss.add(stamp_ns)
        self._last_ns = now_ns

    def age_s(self, now_ns: int) -> float:
        """Return seconds since the last message."""
        return (now_ns - self._last_ns) / 1e9

    def check(self, now_ns: int, granted: int | None) -> list[Notice]:
        """Return what is new.

        Args:
            now_ns: Monotonic time.
            granted: Largest receive buffer of this system, None where unknown.
        """
        if not self.received:
            return []
        return [*self._check_life(now_ns), *self._check_loss(now_ns, granted)]

    def _check_life(self, now_ns: int) -> list[Notice]:
        silent = now_ns - self._last_ns > self._stale_after_ns
        if silent == self.dead:
            return []
        self.dead = silent
        if silent:
            text = (
                f'{self.name} camera is dead: {self.topic} silent for {self.age_s(now_ns):.1f} s'
            )
            return [Notice(level='error', kind='dead', text=text)]
        return [
            Notice(level='info', kind='back', text=f'{self.name} camera is back: {self.topic}')
        ]

    def _check_loss(self, now_ns: int, granted: int | None) -> list[Notice]:
        share = self.loss.share()
        told = self._told_loss_ns
        if share <= LOSS_SHARE or (told is not None and now_ns - told < REPEAT_AFTER_NS):
            return []
        self._told_loss_ns = now_ns
        advice = buffer_advice(self.largest, granted)
        cause = advice or 'the camera skips them, or network or processor are too busy'
        text = f'{self.name}: {share:.0%} of the frames of {self.topic} do not arrive '
        text += f'(gaps in the stamps): {cause}'
        return [Notice(level='warning', kind='loss', text=text)]
