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

"""Which frames of drives are worth learning from: they show a scene, and not the same twice.

Drives go through a sieve frame by frame; of a frame only 24 x 32 numbers stay. What stays is
thinned to the frames that cover the drives best: each one added is the one that differs most
from all that were taken (farthest-point sampling, Gonzalez 1985).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
import math
from typing import Literal, TYPE_CHECKING, TypeAlias

import numpy as np

from xspec_ros.core.shutter import is_constant, sample_pixels
from xspec_ros.learn.adapt.quality import Quality, quality_of
from xspec_ros.perception.selection import change, CONTRAST, view, VIEW_HW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray
    from xspec_ros.learn.adapt.settings import AdaptSettings

Cause: TypeAlias = Literal[
    'undecodable', 'shutter', 'empty', 'noise', 'blurred', 'duplicate', 'limit', 'beside'
]
HELD = 8  # candidates held for each frame that is taken at the end
STRETCH_FRAMES = 4
MOST_STRETCHES = 4
LARGEST_GAP = 0.02  # of a drive's time, on either side of what is kept aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One thermal frame while it is looked at.

    Attributes:
        index: Its place among the thermal frames of the drive.
        time_s: When it was taken; None for pictures that do not say.
        image: (H, W) uint8 or uint16; None where it cannot be decoded.
    """

    index: int
    time_s: float | None
    image: PixelArray | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is remembered of a frame.

    Attributes:
        drive: Number of its drive.
        index: Its place among the thermal frames of the drive.
        time_s: When it was taken, where known.
        view: (24, 32) float32, see ``perception.selection``.
        sharpness: See ``Quality``.
        follower: Place of a frame that shows the same scene a moment later, where there is one.
    """

    drive: int
    index: int
    time_s: float | None
    view: NDArray[np.float32]
    sharpness: float
    follower: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The frames that were chosen, in the order of the drives.

    Attributes:
        training: To learn from.
        aside: To measure on.
    """

    training: tuple[Candidate, ...]
    aside: tuple[Candidate, ...]

    def __len__(self) -> int:
        """Return how many were chosen."""
        return len(self.training) + len(self.aside)


class Sieve:
    """Takes drives frame by frame and keeps what could be learned from.

    Every frame taken ends up among the candidates or is counted in ``rejected``.

    Args:
        settings: What counts as a picture and as new.
    """

    def __init__(self, settings: AdaptSettings) -> None:
        self.settings = settings
        self.read = 0
        self.rejected: Counter[Cause] = Counter()
        self._kept: list[Candidate] = []
        self._drive = -1
        self._last: NDArray[np.float32] | None = None
        self._awaiting = False
        self._stride, self._skipped = 1, 0

    def begin_drive(self) -> None:
        """Go on to the next drive."""
        self._drive += 1
        self._last, self._awaiting = None, False

    def take(self, shot: Shot) -> None:
        """Look at one frame."""
        self.read += 1
        if shot.image is None:
            self.rejected['undecodable'] += 1
            return
        if is_constant(shot.image, sample_pixels(shot.image)):
            self.rejected['shutter'] += 1
            return
        seen = view(shot.image)
        if change(self._last, seen) < self.settings.min_change:
            self._follow(shot, seen)
            self.rejected['duplicate'] += 1
            return
        quality = quality_of(shot.image)
        cause = self._cause(quality)
        if cause is not None:
            self.rejected[cause] += 1
            return
        self._follow(shot, seen)
        self._last = seen
        self._keep(shot, seen, quality)

    def candidates(self) -> list[Candidate]:
        """Return what is left, the blurred frames of each drive counted and taken out."""
        limit = {
            drive: self.settings.least_sharpness
            * float(np.median([c.sharpness for c in self._kept if c.drive == drive]))
            for drive in {candidate.drive for candidate in self._kept}
        }
        sharp = [one for one in self._kept if one.sharpness >= limit[one.drive]]
        self.rejected['blurred'] += len(self._kept) - len(sharp)
        self._kept = sharp
        return sharp

    def _cause(self, quality: Quality) -> Cause | None:
        if quality.contrast < self.settings.least_contrast:
            return 'empty'
        return 'noise' if quality.correlation < self.settings.least_correlation else None

    def _follow(self, shot: Shot, seen: NDArray[np.float32]) -> None:
        """Note the first frame after a kept one, unless it comes late or repeats it bit by bit."""
        if not self._awaiting:
            return
        self._awaiting = False
        kept = self._kept[-1]
        if kept.time_s is None or shot.time_s is None or np.array_equal(kept.view, seen):
            return
        if 0.0 < shot.time_s - kept.time_s <= self.settings.follow_s:
            self._kept[-1] = replace(kept, follower=shot.index)

    def _keep(self, shot: Shot, seen: NDArray[np.float32], quality: Quality) -> None:
        """Keep a candidate; with too many of them every second one goes, now and from now on."""
        self._skipped += 1
        if self._skipped < self._stride:
            self.rejected['limit'] += 1
            return
        self._skipped = 0
        self._awaiting = True
        self._kept.append(
            Candidate(
                drive=self._drive,
                index=shot.index,
                time_s=shot.time_s,
                view=seen,
                sharpness=quality.sharpness,
            )
        )
        if len(self._kept) > HELD * self.settings.frames:
            count = len(self._kept)
            self._kept = self._kept[(count - 1) % 2 :: 2]  # the newest stays: it may be followed
            self._stride *= 2
            self.rejected['limit'] += count - len(self._kept)


def choose(sieve: Sieve) -> Choice:
    """Choose the frames that cover the drives, and set some of them aside.

    Args:
        sieve: After the last drive; its counts are completed.
    """
    settings = sieve.settings
    candidates = sieve.candidates()
    views = np.array([candidate.view for candidate in candidates], np.float32)
    views = views.reshape(len(candidates), math.prod(VIEW_HW))
    places, nearest = spread(views, most=settings.frames, least=settings.min_change)
    near = int(np.count_nonzero((nearest >= 0) & (nearest < settings.min_change)))
    sieve.rejected['duplicate'] += near
    sieve.rejected['limit'] += len(candidates) - len(places) - near
    chosen = [candidates[place] for place in sorted(places)]
    choice = set_aside(chosen, settings)
    sieve.rejected['beside'] += len(chosen) - len(choice)
    return choice


def spread(
    views: NDArray[np.float32], *, most: int, least: float
) -> tuple[list[int], NDArray[np.float64]]:
    """Take views so that each one differs most from all that were taken before.

    Args:
        views: (N, P) float32.
        most: How many are wanted.
        least: None is taken that differs less than this.

    Returns:
        Their places, and (N,) float64: what every view differs from the nearest one taken, -1
        for those taken.
    """
    contrast = contrasts(views)
    places: list[int] = []
    nearest = np.ones(len(views))
    while len(places) < min(most, len(views)):
        place = int(nearest.argmax())
        if nearest[place] < least:
            break
        places.append(place)
        nearest = np.minimum(nearest, changes(views[place], views, contrast))
        nearest[place] = -1.0
    return places, nearest


def contrasts(views: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return (N,) float64 contrasts of (N, P) views, as ``selection.change`` takes them."""
    if not len(views):
        return np.zeros(0)
    low, high = np.percentile(views, CONTRAST, axis=1)
    return np.asarray(high - low, np.float64)


def changes(
    before: NDArray[np.float32], views: NDArray[np.float32], contrast: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what ``selection.change`` says of each view after ``before``.

    Args:
        before: (P,) float32.
        views: (N, P) float32.
        contrast: (N,) float64 of the views.

    Returns:
        (N,) float64 in [0, 1].
    """
    difference = np.abs(views - before).mean(axis=1, dtype=np.float64)
    flat = contrast <= 0
    share = difference / np.where(flat, 1.0, contrast)
    return np.asarray(np.minimum(1.0, np.where(flat, difference > 0, share)), np.float64)


def set_aside(chosen: Sequence[Candidate], settings: AdaptSettings) -> Choice:
    """Part what is measured on from what is learned from.

    Stretches of neighbouring frames are set aside, evenly over the drives. Frames beside them
    that are nearer in time than ``apart_s`` (less for a drive of seconds) are left out; where
    nothing says when a picture was taken, the next one on either side is.

    Args:
        chosen: In the order of the drives.
        settings: How many, how far apart.

    Returns:
        Both parts; with fewer than ``least_frames`` chosen nothing is set aside.
    """
    count = len(chosen)
    if count < settings.least_frames:
        return Choice(training=tuple(chosen), aside=())
    wanted = max(settings.least_aside, round(settings.aside_share * count))
    wanted = min(wanted, settings.most_aside, count // 3)
    stretches = max(1, min(MOST_STRETCHES, wanted // STRETCH_FRAMES))
    places: list[int] = []
    for number in range(stretches):
        size = wanted * (number + 1) // stretches - wanted * number // stretches
        middle = (number + 0.5) / stretches * count
        first = max(places[-1] + 1 if places else 0, min(round(middle - size / 2), count - size))
        places += range(first, first + size)
    aside, apart_s = set(places), _distances(chosen, settings.apart_s)
    training = [
        one
        for place, one in enumerate(chosen)
        if place not in aside and not _beside(place, chosen, places, apart_s[one.drive])
    ]
    return Choice(training=tuple(training), aside=tuple(chosen[place] for place in places))


def _distances(chosen: Sequence[Candidate], apart_s: float) -> dict[int, float]:
    """Return how far apart in time frames of each drive must be; a short drive has to share."""
    times: dict[int, list[float]] = {}
    for one in chosen:
        times.setdefault(one.drive, []).append(one.time_s or 0.0)
    return {
        drive: min(apart_s, (max(seen) - min(seen)) * LARGEST_GAP) for drive, seen in times.items()
    }


def _beside(place: int, chosen: Sequence[Candidate], aside: Sequence[int], apart_s: float) -> bool:
    """Tell whether a frame lies too near to one of those set aside."""
    own = chosen[place]
    for other_place in aside:
        other = chosen[other_place]
        if other.drive != own.drive:
            continue
        if own.time_s is None or other.time_s is None:
            near = abs(place - other_place) == 1
        else:
            near = abs(own.time_s - other.time_s) < apart_s
        if near:
            return True
    return False
