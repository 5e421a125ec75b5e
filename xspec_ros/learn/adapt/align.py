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

"""Whether a drive's RGB pictures can be laid on its thermal pictures, and how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.registration import (
    beyond_chance,
    count_steps,
    MIN_CHANCE_SIGMA,
    MIN_PAIRS,
    register,
    view_of,
)
from xspec_ros.core.rig import homography_rows, Rig
from xspec_ros.errors import ConfigError
from xspec_ros.learn.data.daylight import is_day

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspec_ros.core.geometry import Matrix
    from xspec_ros.core.registration import View
    from xspec_ros.datasets import Dataset, Sample

LOOKED_AT = 4  # pictures opened for each pair by day that is wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What is known of a rig.

    Attributes:
        used: Whether RGB is used.
        reason: Why, or why not.
        rig: How RGB is laid on the thermal grid; None where it lies there already.
        pairs: Pairs by day that were looked at.
        residual_px: Of the registration, where one was made.
        beyond_chance: How much better pairs agree than pictures of different moments, in
            standard errors.
    """

    used: bool
    reason: str
    rig: Rig | None = None
    pairs: int = 0
    residual_px: float | None = None
    beyond_chance: float | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as JSON-ready values."""
        homography = self.rig.homography if self.used and self.rig is not None else None
        return {
            'used': self.used,
            'reason': self.reason,
            'pairs': self.pairs,
            'residual_px': self.residual_px,
            'beyond_chance': self.beyond_chance,
            'homography': homography,
        }


def align(
    frames: Dataset,
    *,
    rig: Rig | None,
    registered: bool,
    most: int,
    step: Callable[[], None] = lambda: None,
) -> Alignment:
    """Find out whether RGB may teach, from pairs by day.

    A rig that is given, and pairs that are said to share one grid, are held against chance all
    the same: RGB of other moments, or of another drive, must not teach.

    Args:
        frames: Chosen frames with their partners, all of one size.
        rig: What is known of the cameras.
        registered: The pairs are said to share one grid.
        most: Pairs to use.
        step: Called after every piece of work, see ``count_work``.

    Raises:
        ConfigError: The rig is of other cameras.
    """
    views = _views(frames, most, step)
    if len(views) < MIN_PAIRS:
        reason = f'{len(views)} usable pairs by day, {MIN_PAIRS} are needed'
        return Alignment(used=False, reason=reason, pairs=len(views))
    rgb_hw, thermal_hw = views[0].rgb_hw, views[0].thermal_hw
    if rig is not None:
        if not rig.fits(rgb_hw, thermal_hw=thermal_hw):
            message = f'the rig is of other cameras: RGB {_wh(rgb_hw)}, thermal {_wh(thermal_hw)}'
            raise ConfigError(message, hint='register these cameras (xspec register)')
        return _checked(views, rig.homography_from(rgb_hw), rig, 'the given rig')
    if registered and rgb_hw == thermal_hw:
        return _checked(views, np.eye(3), None, 'the grid that the data set has')
    return _registered(views, step)


def count_work(most: int) -> int:
    """Return how often ``align`` calls its ``step``, at most."""
    return LOOKED_AT * most + count_steps(most)


def _checked(views: Sequence[View], homography: Matrix, rig: Rig | None, what: str) -> Alignment:
    sigma = beyond_chance(views, homography)
    fits = sigma >= MIN_CHANCE_SIGMA
    verdict = f'{what} fits' if fits else f'{what} does not fit: the cameras hardly agree'
    return Alignment(
        used=bool(fits),
        reason=f'{verdict} ({sigma:.1f} standard errors beyond chance, {MIN_CHANCE_SIGMA:g} '
        'are asked for)',
        rig=rig,
        pairs=len(views),
        beyond_chance=sigma,
    )


def _registered(views: Sequence[View], step: Callable[[], None]) -> Alignment:
    found = register(views, step=step)
    residual = None if np.isnan(found.residual_px) else found.residual_px
    if found.problem:
        return Alignment(
            used=False,
            reason=f'not registered: {found.problem}',
            pairs=found.pairs,
            residual_px=residual,
            beyond_chance=found.beyond_chance,
        )
    rig = Rig(
        homography=homography_rows(found.homography),
        rgb_hw=found.rgb_hw,
        thermal_hw=found.thermal_hw,
        residual_px=residual,
        pairs=found.pairs,
    )
    return Alignment(
        used=True,
        reason=f'registered from {found.pairs} pairs, residual {found.residual_px:.1f} px',
        rig=rig,
        pairs=found.pairs,
        residual_px=residual,
        beyond_chance=found.beyond_chance,
    )


def _views(frames: Dataset, most: int, step: Callable[[], None]) -> list[View]:
    """Return working copies of pairs by day in the order of the drive, spread over it."""
    pairs = [
        place
        for place, entry in enumerate(frames.entries)
        if entry.rgb is not None and entry.thermal is not None and entry.day is not False
    ]
    wanted = min(len(pairs), LOOKED_AT * most)
    spread = np.linspace(0, max(0, len(pairs) - 1), wanted).round().astype(int)
    # First every LOOKED_AT-th place, then those between: by day the first round is enough.
    order = [place for first in range(LOOKED_AT) for place in spread[first::LOOKED_AT].tolist()]
    found: dict[int, View] = {}
    for place in dict.fromkeys(order):
        if len(found) == most:
            break
        step()
        view = _view(frames[pairs[place]])
        if view is not None:
            found[place] = view
    return [found[place] for place in sorted(found)]


def _view(sample: Sample) -> View | None:
    if sample.rgb is None or sample.thermal is None:
        return None
    day = is_day(sample.rgb) if sample.day is None else sample.day
    return view_of(sample.rgb, sample.thermal) if day else None


def _wh(size_hw: tuple[int, int]) -> str:
    return f'{size_hw[1]}x{size_hw[0]}'
