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

"""Register a rig: RGB to thermal, from many pairs that it took itself, and how far to trust it.

A rig's homography is one for all its pairs, so what single pairs hardly tell, in the dark or
across the spectrum, is pooled: a search over zoom, turn and shift, then correlation of blocks
from coarse to fine. Nothing is taken on trust: the residual is measured on pairs that the
homography was not fitted to, and pairs must agree better than pictures that do not belong
together.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.registration.blocks import find_blocks, Level, rgb_on_level, Surfaces
from xspec_ros.core.registration.coarse import search, ZOOMS
from xspec_ros.core.registration.fit import find_peaks, Fit, fit_surfaces, standardise
from xspec_ros.core.registration.structure import resize, structure, View
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.geometry import Matrix

MIN_PAIRS = 8
MAX_RESIDUAL = 0.006  # of the thermal width: 3.8 pixels of 640
MIN_MATCHES = 20
MIN_INLIERS = 10
MIN_INLIER_SHARE = 0.5
MIN_CHANCE_SIGMA = 4.0
MATCH_QUALITY = 6.0
MATCH_INFORMATION = 0.5
FOLDS = 4
GUESSES = 3
GUESS_PAIRS = 16
LEVELS = (
    Level(width=160, block=40, reach=10, scales=(10.0, 5.0, 3.0)),
    Level(width=320, block=64, reach=10, scales=(8.0, 4.0, 2.0)),
    Level(width=640, block=96, reach=10, scales=(6.0, 3.0, 1.5)),
)
CHECK = Level(width=320, block=64, reach=16, scales=(8.0, 4.0, 2.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What was found, and whether to use it.

    Attributes:
        homography: (3, 3) from RGB to thermal pixels, along pixel edges.
        rgb_hw: Rows and columns of the RGB pictures.
        thermal_hw: Rows and columns of the thermal pictures.
        pairs: Pairs that were used.
        residual_px: Median distance in thermal pixels between where the homography puts a
            block of a pair and where it is found, in pairs that it was not fitted to (with
            fewer than ``FOLDS`` pairs: blocks); NaN where nothing could be matched.
        residual_p90_px: Nine of ten are nearer than this.
        matches: Blocks of single pairs that the residual is of.
        blocks: Blocks of the thermal picture that the fit went through.
        inliers: Those that agree with it within ``INLIER_PX``.
        beyond_chance: How much better pairs agree than pictures that do not belong together,
            in standard errors; NaN with fewer than ``FOLDS`` pairs.
        problem: Why it must not be used; empty where nothing speaks against it.
        hint: What to do about that.
    """

    homography: Matrix
    rgb_hw: tuple[int, int]
    thermal_hw: tuple[int, int]
    pairs: int
    residual_px: float
    residual_p90_px: float
    matches: int
    blocks: int
    inliers: int
    beyond_chance: float
    problem: str = ''
    hint: str = ''


@dataclass(frozen=True, slots=True)
class _Residual:
    """Distances in thermal pixels of blocks of single pairs, held out from the fit."""

    distances: NDArray[np.float64]

    def at(self, share: float) -> float:
        return float(np.quantile(self.distances, share)) if len(self.distances) else float('nan')


def count_steps(pairs: int) -> int:
    """Return how often ``register`` calls its ``step`` for this many pairs."""
    few = min(pairs, GUESS_PAIRS)
    return len(ZOOMS) + 2 * GUESSES * few + (len(LEVELS) + 1) * pairs


def register(
    views: Sequence[View],
    *,
    min_pairs: int = MIN_PAIRS,
    step: Callable[[], None] = lambda: None,
) -> Registration:
    """Estimate the homography of a rig and judge it.

    Args:
        views: Pairs; those of another size than most are left out.
        min_pairs: Fewer are refused.
        step: Called after every piece of work, at most ``count_steps`` times.

    Returns:
        What was found; see ``problem`` before it is used.

    Raises:
        DataError: There are fewer than ``min_pairs`` pairs of one size.
    """
    views = _of_one_size(views)
    if len(views) < max(1, min_pairs):
        message = f'{len(views)} usable pairs of one size, {min_pairs} are needed'
        raise DataError(message, hint='record a longer drive with structure in both pictures')
    levels = levels_for(views[0].thermal_hw[1])
    homography = _first(views, levels[0], step)
    for level in [*levels[1:], levels[-1]]:
        surfaces = find_blocks(views, homography, level, step=step)
        fit = fit_surfaces(surfaces, surfaces.alike)
        homography = _corrected(homography, fit, level, views[0].thermal_hw)
    check = replace(CHECK, width=min(CHECK.width, levels[-1].width))
    residual = _held_out(find_blocks(views, homography, check, step=step), views[0].thermal_hw)
    found = Registration(
        homography=homography / homography[2, 2],
        rgb_hw=views[0].rgb_hw,
        thermal_hw=views[0].thermal_hw,
        pairs=len(views),
        residual_px=residual.at(0.5),
        residual_p90_px=residual.at(0.9),
        matches=len(residual.distances),
        blocks=int(fit.used.sum()),
        inliers=int(fit.inlier.sum()),
        beyond_chance=_beyond_chance(views, homography, check),
    )
    problem, hint = _judge(found, _quarters(surfaces, fit))
    return replace(found, problem=problem, hint=hint)


def beyond_chance(views: Sequence[View], homography: Matrix) -> float:
    """Tell whether pairs belong together under a homography that is known already.

    Args:
        views: Pairs; those of another size than most are left out.
        homography: (3, 3) from RGB to thermal pixels.

    Returns:
        How much better pairs agree than pictures of different moments, in standard errors; NaN
        with fewer than ``FOLDS`` pairs. ``MIN_CHANCE_SIGMA`` is what ``register`` asks for.
    """
    views = _of_one_size(views)
    if not views:
        return float('nan')
    width = min(CHECK.width, levels_for(views[0].thermal_hw[1])[-1].width)
    return _beyond_chance(views, homography, replace(CHECK, width=width))


def levels_for(width: int) -> list[Level]:
    """Return the resolutions for a thermal picture of this many columns, the finest last."""
    levels = [level for level in LEVELS if level.width <= width] or [LEVELS[0]]
    finer = LEVELS[len(levels) :]
    if finer and width > 1.2 * levels[-1].width:
        block = max(levels[-1].block, round(finer[0].block * width / finer[0].width))
        levels.append(replace(finer[0], width=width, block=block))
    return levels


def _of_one_size(views: Sequence[View]) -> list[View]:
    if not views:
        return []
    sizes = Counter((view.rgb_hw, view.thermal_hw) for view in views)
    most = sizes.most_common(1)[0][0]
    return [view for view in views if (view.rgb_hw, view.thermal_hw) == most]


def _first(views: Sequence[View], level: Level, step: Callable[[], None]) -> Matrix:
    """Search coarsely, refine the best guesses and return the one that blocks like best."""
    chosen = np.linspace(0, len(views) - 1, min(GUESS_PAIRS, len(views))).round().astype(int)
    some = [views[index] for index in chosen.tolist()]
    best, best_score = np.eye(3), -1.0
    for guess in search(some, most=GUESSES, step=step):
        homography = guess.homography(some[0].rgb_hw, some[0].thermal_hw)
        score = 0.0
        for _ in range(2):
            surfaces = find_blocks(some, homography, level, step=step)
            fit = fit_surfaces(surfaces, surfaces.alike)
            homography = _corrected(homography, fit, level, some[0].thermal_hw)
            score = float((fit.peaks.quality * fit.inlier).sum())
        if score > best_score:
            best, best_score = homography, score
    return best


def _corrected(homography: Matrix, fit: Fit, level: Level, thermal_hw: tuple[int, int]) -> Matrix:
    scaling = level.scaling(thermal_hw)
    moved = np.linalg.inv(scaling) @ np.linalg.inv(fit.correction) @ scaling @ homography
    return np.asarray(moved / moved[2, 2], np.float64)


def _held_out(surfaces: Surfaces, thermal_hw: tuple[int, int]) -> _Residual:
    """Fit to three quarters of the pairs and match blocks of single pairs of the fourth."""
    count, blocks = surfaces.alike.shape[:2]
    by_pair = count >= FOLDS
    fold = np.arange(count) * FOLDS // count if by_pair else np.arange(blocks) % FOLDS
    distances = []
    for index in np.unique(fold).tolist():
        inside = fold == index
        if by_pair:
            fit = fit_surfaces(surfaces, surfaces.alike[~inside])
            tested, where = surfaces.alike[inside], surfaces.seen
        else:
            others = replace(surfaces, seen=surfaces.seen & ~inside)
            fit = fit_surfaces(others, surfaces.alike)
            tested, where = surfaces.alike, surfaces.seen & inside
        expected = fit.shifts_at(surfaces.centres)
        distances += [_matches(each, expected, where, surfaces.level) for each in tested]
    scale = thermal_hw[1] / surfaces.size_hw[1]
    return _Residual(np.concatenate(distances) * scale)


def _matches(
    alike: NDArray[np.float32],
    expected: NDArray[np.float64],
    where: NDArray[np.bool_],
    level: Level,
) -> NDArray[np.float64]:
    """Return distances in pixels of the level of the blocks of one pair that match clearly."""
    heights = standardise(alike[None], level.block)
    peaks = find_peaks(heights, np.zeros_like(expected), spread=1e3)
    weakest = np.linalg.eigvalsh(peaks.information)[:, 0]
    inside = (np.abs(peaks.shifts) < level.reach - 0.5).all(axis=1)
    clear = (peaks.quality >= MATCH_QUALITY) & (weakest >= MATCH_INFORMATION)
    off = np.linalg.norm(peaks.shifts - expected, axis=1)
    return np.asarray(off[where & inside & clear], np.float64)


def _beyond_chance(views: Sequence[View], homography: Matrix, level: Level) -> float:
    """Compare how pairs agree with how pictures of different moments do."""
    count = len(views)
    if count < FOLDS:
        return float('nan')
    size_hw = level.size_hw(views[0].thermal_hw)
    thermal = [structure(resize(view.thermal, size_hw)) for view in views]
    rgb = [structure(*rgb_on_level(view, homography, level)) for view in views]
    energy = [float(np.sqrt((np.abs(field) ** 2).sum())) + 1e-9 for field in (*thermal, *rgb)]
    # both orders of every pairing, by one matrix of products
    first = np.stack([field.ravel() for field in thermal])  # (F, pixels)
    second = np.stack([field.ravel() for field in rgb])
    alike = (first.conj() @ second.T).real / np.outer(energy[:count], energy[count:])
    own = np.diagonal(alike)
    others = np.array([alike[i, (i + count // 2) % count] for i in range(count)])
    spread = float(np.sqrt((own.var() + others.var()) / count)) + 1e-9
    return float(own.mean() - others.mean()) / spread


def _quarters(surfaces: Surfaces, fit: Fit) -> int:
    """Return in how many quarters of the area that both cameras see blocks agree."""
    if not fit.inlier.any():
        return 0
    seen = surfaces.centres[surfaces.seen]
    side = surfaces.centres[fit.inlier] > (seen.min(axis=0) + seen.max(axis=0)) / 2.0
    return len({(bool(right), bool(low)) for right, low in side})


def _judge(found: Registration, quarters: int) -> tuple[str, str]:
    """Return what speaks against a registration and what to do; empty when nothing does."""
    limit = MAX_RESIDUAL * found.thermal_hw[1]
    if found.matches < MIN_MATCHES:
        return (
            f'only {found.matches} blocks of {found.pairs} pairs are alike in both pictures',
            'record where both cameras see edges: buildings, cars, trees; by day if it was dark',
        )
    if not found.residual_px <= limit:
        return (
            f'residual {found.residual_px:.1f} px is above {limit:.1f} px',
            'the pictures do not belong together, or most of the scene is too near for one '
            'homography: drive where things are further away',
        )
    if found.inliers < MIN_INLIERS or found.inliers < MIN_INLIER_SHARE * found.blocks:
        return (
            f'{found.inliers} of {found.blocks} blocks agree with one homography',
            'record a drive with structure all over both pictures',
        )
    if quarters < 3:
        return (
            f'structure in {quarters} quarters of the picture only',
            'record a drive with structure all over both pictures',
        )
    if found.beyond_chance < MIN_CHANCE_SIGMA:
        return (
            'pairs are hardly more alike than pictures of different moments '
            f'({found.beyond_chance:.1f} standard errors)',
            'check the pairing (xspec bag info); a camera that stands still cannot be checked',
        )
    return '', ''
