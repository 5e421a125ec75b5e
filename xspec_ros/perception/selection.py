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

"""Which pairs to keep: by trigger, by rate, by uncertainty, and never the same view twice."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from math import ceil
from typing import Literal, NamedTuple, Protocol, TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray
    from xspec_ros.perception.harvest_settings import HarvestSettings
    from xspec_ros.perception.shots import ShotPair

Skip: TypeAlias = Literal[
    'shutter',
    'untriggered',
    'certain',
    'no_confidence',
    'rate',
    'duplicate',
    'queue',
    'budget',
    'disk',
]

HELD_PAIRS = 64
HELD_BYTES = 256 * 2**20
KEPT_CONFIDENCES = 256
ENOUGH_PAIRS = 20  # before so many were seen, none is among the least certain
# A gap may be this share of a period short of it, so that a camera whose own rate is the wanted
# one does not lose every second frame to jitter. The average is never above the rate.
GAP_SLACK = 0.2
VIEW_HW = (24, 32)
CONTRAST = (5, 95)  # percentiles of a view between which its contrast lies
NS_PER_MS = 1e6
NS_PER_S = 1_000_000_000


class Verdict(NamedTuple):
    """What is decided about a pair.

    Attributes:
        pair: The pair.
        skip: Why it is not wanted; None when it is.
    """

    pair: ShotPair
    skip: Skip | None


class Chooser(Protocol):
    """Decides which pairs are wanted, in the order in which they come."""

    def take(self, pair: ShotPair, now_ns: int) -> list[Verdict]:
        """Take one pair; return what became decided."""

    def settle(self, now_ns: int) -> list[Verdict]:
        """Return what the passing of time decides."""

    def flush(self) -> list[Verdict]:
        """Decide everything that waits: the stream has ended or begins anew."""

    def apply(self, settings: HarvestSettings) -> list[Verdict]:
        """Take changed parameters; return what they decide."""

    def __len__(self) -> int:
        """Return the number of pairs that wait."""


class EveryPair:
    """Wants every pair; the rate is limited elsewhere."""

    def take(self, pair: ShotPair, now_ns: int) -> list[Verdict]:  # noqa: ARG002 - Chooser's
        """Take one pair."""
        return [Verdict(pair, None)]

    def settle(self, now_ns: int) -> list[Verdict]:  # noqa: ARG002 - Chooser's
        """Return nothing: nothing waits."""
        return []

    def flush(self) -> list[Verdict]:
        """Return nothing: nothing waits."""
        return []

    def apply(self, settings: HarvestSettings) -> list[Verdict]:  # noqa: ARG002 - Chooser's
        """Change nothing."""
        return []

    def __len__(self) -> int:
        """Return 0."""
        return 0


class OnTrigger:
    """Wants the next pairs after a trigger, and the last ones before it.

    Args:
        settings: Numbers of pairs after and before.
    """

    def __init__(self, settings: HarvestSettings) -> None:
        self._settings = settings
        self._wanted = 0
        self._before: deque[ShotPair] = deque()
        self._bytes = 0

    def trigger(self) -> list[Verdict]:
        """Ask for pairs; a trigger during another one starts its count over."""
        earlier = [Verdict(self._pop(), None) for _ in range(len(self))]
        self._wanted = self._settings.trigger_pairs
        return earlier

    def take(self, pair: ShotPair, now_ns: int) -> list[Verdict]:  # noqa: ARG002 - Chooser's
        """Want the pair, or hold it in case a trigger comes."""
        if self._wanted > 0:
            self._wanted -= 1
            return [Verdict(pair, None)]
        self._before.append(pair)
        self._bytes += pair.nbytes
        return self._let_go()

    def settle(self, now_ns: int) -> list[Verdict]:  # noqa: ARG002 - Chooser's
        """Return nothing: time decides nothing here."""
        return []

    def flush(self) -> list[Verdict]:
        """Let go of all pairs that no trigger asked for."""
        return [Verdict(self._pop(), 'untriggered') for _ in range(len(self))]

    def apply(self, settings: HarvestSettings) -> list[Verdict]:
        """Take other numbers."""
        self._settings = settings
        return self._let_go()

    def __len__(self) -> int:
        """Return the number of pairs that wait."""
        return len(self._before)

    def _let_go(self) -> list[Verdict]:
        gone = []
        while len(self) > self._settings.before_pairs or (len(self) and self._bytes > HELD_BYTES):
            gone.append(Verdict(self._pop(), 'untriggered'))
        return gone

    def _pop(self) -> ShotPair:
        pair = self._before.popleft()
        self._bytes -= pair.nbytes
        return pair


class LeastCertain:
    """Wants the pairs whose answer had a low mean confidence.

    A pair waits for the confidence map with its thermal stamp. Maps come in the order of the
    frames, so a pair that a later map has passed will get none.

    Args:
        settings: What counts as low, and how long to wait.

    Raises:
        ConfigError: Nothing counts as low.
    """

    def __init__(self, settings: HarvestSettings) -> None:
        self._values: dict[int, float] = {}
        self._newest: int | None = None
        self._held: deque[tuple[ShotPair, int]] = deque()
        self._bytes = 0
        self._recent: deque[float] = deque()
        self._ordered: list[float] = []
        self.apply(settings)

    def hear(self, stamp_ns: int, confidence: float) -> None:
        """Note the mean confidence of the answer to one thermal frame.

        Args:
            stamp_ns: Stamp of the frame.
            confidence: Mean over the picture, 0 to 1.
        """
        self._values.pop(stamp_ns, None)
        self._values[stamp_ns] = confidence
        self._newest = stamp_ns
        if len(self._values) > KEPT_CONFIDENCES:
            del self._values[next(iter(self._values))]

    @property
    def median(self) -> float | None:
        """Median of the recent mean confidences; None before the first."""
        return self._ordered[len(self._ordered) // 2] if self._ordered else None

    def take(self, pair: ShotPair, now_ns: int) -> list[Verdict]:
        """Hold the pair until its confidence is known."""
        self._held.append((pair, now_ns))
        self._bytes += pair.nbytes
        gone = []
        while len(self) > HELD_PAIRS or (len(self) > 1 and self._bytes > HELD_BYTES):
            gone.append(Verdict(self._pop(), 'no_confidence'))
        return [*gone, *self.settle(now_ns)]

    def settle(self, now_ns: int) -> list[Verdict]:
        """Decide the pairs whose confidence is known or will not come."""
        decided: list[Verdict] = []
        wait_ns = self._settings.confidence_wait_ms * NS_PER_MS
        while self._held:
            pair, since_ns = self._held[0]
            value = self._values.pop(pair.stamp_ns, None)
            if value is not None:
                decided.append(Verdict(self._pop(), None if self._is_low(value) else 'certain'))
            elif now_ns - since_ns >= wait_ns or self._is_passed(pair.stamp_ns):
                decided.append(Verdict(self._pop(), 'no_confidence'))
            else:
                break
        return decided

    def flush(self) -> list[Verdict]:
        """Give up the pairs that wait; maps of another epoch say nothing about order."""
        gone = [Verdict(self._pop(), 'no_confidence') for _ in range(len(self))]
        self._values.clear()
        self._newest = None
        return gone

    def apply(self, settings: HarvestSettings) -> list[Verdict]:
        """Take other thresholds.

        Raises:
            ConfigError: Nothing counts as low any more.
        """
        if settings.below_confidence == 0 and settings.least_certain == 0:
            message = 'keep_by is uncertainty, below_confidence and least_certain are both 0'
            raise ConfigError(message, hint='give one of them a value above 0')
        self._settings = settings
        while len(self._recent) > settings.recent_pairs:
            self._forget_oldest()
        return []

    def __len__(self) -> int:
        """Return the number of pairs that wait."""
        return len(self._held)

    def _is_passed(self, stamp_ns: int) -> bool:
        return self._newest is not None and self._newest > stamp_ns

    def _is_low(self, value: float) -> bool:
        """Judge a value and add it to the recent ones; of many equal ones none is low."""
        insort(self._ordered, value)
        self._recent.append(value)
        if len(self._recent) > self._settings.recent_pairs:
            self._forget_oldest()
        rank = bisect_right(self._ordered, value)
        known = len(self._ordered)
        among_least = known >= ENOUGH_PAIRS and rank <= self._settings.least_certain * known
        return value < self._settings.below_confidence or among_least

    def _forget_oldest(self) -> None:
        oldest = self._recent.popleft()
        del self._ordered[bisect_right(self._ordered, oldest) - 1]

    def _pop(self) -> ShotPair:
        pair, _ = self._held.popleft()
        self._bytes -= pair.nbytes
        return pair


class RateGate:
    """Lets stamps through so that n of them span at least n - 1 periods, less a slack.

    Args:
        rate_hz: Most a second.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = ceil(NS_PER_S / rate_hz)
        self._slack_ns = int(GAP_SLACK * self._period_ns)
        self._due_ns: int | None = None

    def allows(self, stamp_ns: int) -> bool:
        """Tell whether a stamp may pass."""
        return self._due_ns is None or stamp_ns >= self._due_ns - self._slack_ns

    def passed(self, stamp_ns: int) -> None:
        """Note that it did."""
        due_ns = stamp_ns if self._due_ns is None else max(self._due_ns, stamp_ns)
        self._due_ns = due_ns + self._period_ns

    def reset(self) -> None:
        """Begin anew: stamps went back."""
        self._due_ns = None


class SceneChange:
    """Compares thermal pictures at 32 by 24 pixels, whatever their level.

    Averaging over many pixels removes the noise, subtracting the mean the drift of the sensor.

    Args:
        min_change: Mean absolute difference that makes a view new, as a share of its contrast.
    """

    def __init__(self, min_change: float) -> None:
        self._min_change = min_change
        self._kept: NDArray[np.float32] | None = None

    def is_new(self, image: PixelArray) -> bool:
        """Tell whether a picture differs enough from the last one kept.

        Args:
            image: (H, W) thermal picture.
        """
        return self._min_change == 0 or change(self._kept, view(image)) >= self._min_change

    def kept(self, image: PixelArray) -> None:
        """Note that a picture was kept."""
        if self._min_change > 0:
            self._kept = view(image)


def view(image: PixelArray) -> NDArray[np.float32]:
    """Return a thermal picture as (24, 32) float32 of mean 0."""
    small = cv2.resize(image, VIEW_HW[::-1], interpolation=cv2.INTER_AREA)
    level: NDArray[np.float32] = np.asarray(small, np.float32)
    return level - np.float32(level.mean())


def change(before: NDArray[np.float32] | None, now: NDArray[np.float32]) -> float:
    """Return the mean absolute difference of two views as a share of the contrast, at most 1."""
    if before is None:
        return 1.0
    low, high = np.percentile(now, CONTRAST)
    difference = float(np.abs(now - before).mean())
    contrast = float(high - low)
    return min(1.0, difference / contrast) if contrast > 0 else float(difference > 0)


def chooser_of(settings: HarvestSettings) -> Chooser:
    """Return the chooser that the parameters ask for.

    Raises:
        ConfigError: The parameters do not fit together.
    """
    if settings.keep_by == 'trigger':
        return OnTrigger(settings)
    return LeastCertain(settings) if settings.keep_by == 'uncertainty' else EveryPair()
