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

"""Registration of a rig against known truth.

Synthetic drives whose RGB camera looks through a known homography, drives with a baseline (the
truth then depends on depth), inputs that must be refused, and, where the data sets are there,
pairs with a known warp and one real rig measured three times.

    python -m benchmarks.register
    python -m benchmarks.register --only warps --data D
    python -m benchmarks.register --only thirds --data D
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
import json
from pathlib import Path
import sys
import time
from typing import Any, TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from xspec_ros.core.geometry import invert_homography, warp_points
from xspec_ros.core.registration import register, View, view_of
from xspec_ros.datasets import open_dataset
from xspec_ros.synth import drive, DriveFrame, DriveSettings
from xspec_ros.synth.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.registration import Registration

    Points: TypeAlias = NDArray[np.float64]

Row = dict[str, object]

SIZE_WH = (640, 480)
RATE_HZ = 2.0  # so that frames differ
NEAR_M, MIDDLE_M, FAR_M = 6.0, 15.0, 60.0
HALVES = ('tuned on', 'held back')
SETS = ('MSRS', 'RoadScene')


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One synthetic drive.

    Attributes:
        seed: World, weather, noise, and the homography.
        night: Whether it is night.
        baseline_m: RGB camera to the right of the thermal one.
    """

    seed: int
    night: bool
    baseline_m: float = 0.0

    def settings(self, pairs: int) -> DriveSettings:
        """Return the settings of the drive."""
        return DriveSettings(
            frames=pairs,
            seed=self.seed,
            night=self.night,
            size_wh=SIZE_WH,
            rate_hz=RATE_HZ,
            baseline_m=self.baseline_m,
            shutter_every_s=0.0,
        )


def draw_homography(seed: int) -> Points:
    """Draw a rig: other field of view, shift, turn, a little perspective.

    Returns:
        (3, 3) from RGB to thermal pixel edges: zoom 0.75 to 1.5, turn up to 3 degrees, shift up
        to 15 % of the width and 9 % of the height.
    """
    rng = np.random.default_rng([seed, 11])
    width, height = SIZE_WH
    zoom, turn = np.exp(rng.uniform(np.log(0.75), np.log(1.5))), np.deg2rad(rng.uniform(-3, 3))
    cosine, sine = zoom * np.cos(turn), zoom * np.sin(turn)
    x = width * (0.5 + rng.uniform(-0.15, 0.15))
    y = height * (0.5 + rng.uniform(-0.09, 0.09))
    similar = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    similar[2, :2] = rng.uniform(-2e-5, 2e-5, 2)
    away, back = np.eye(3), np.eye(3)
    away[:2, 2], back[:2, 2] = (-width / 2.0, -height / 2.0), (x, y)
    return np.asarray(back @ similar @ away, np.float64)


def through(rgb: NDArray[np.uint8], homography: Points) -> NDArray[np.uint8]:
    """Return what an RGB camera sees that a homography carries to this picture's grid."""
    edges = np.eye(3)
    edges[:2, 2] = 0.5
    matrix = np.linalg.inv(np.linalg.inv(edges) @ homography @ edges)
    warped: Any = cv2.warpPerspective(rgb, matrix, SIZE_WH, flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8)


def views_of(frames: Iterable[DriveFrame], homography: Points) -> list[View]:
    """Return the pairs of a drive, RGB seen through a homography."""
    found = [
        view_of(through(frame.rgb, homography), frame.thermal)
        for frame in frames
        if frame.rgb is not None and frame.thermal is not None
    ]
    return [view for view in found if view is not None]


def errors_on_grid(found: Points, true: Points) -> Points:
    """Return distances in thermal pixels, every 20 pixels where the RGB camera sees."""
    width, height = SIZE_WH
    x, y = np.meshgrid(np.arange(10.0, width, 20.0), np.arange(10.0, height, 20.0))
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    in_rgb = warp_points(grid, invert_homography(true))
    seen = ((in_rgb >= 0.0) & (in_rgb <= np.array(SIZE_WH))).all(axis=1)
    return np.asarray(np.linalg.norm(warp_points(in_rgb[seen], found) - grid[seen], axis=1))


def best_homography(rgb_xy: Points, thermal_xy: Points) -> Points:
    """Return the (3, 3) homography that least squares give for known places."""
    found, _ = cv2.findHomography(rgb_xy, thermal_xy, 0)
    return np.asarray(found, np.float64)


def measure_known(pairs: int, seeds: Sequence[int]) -> list[Row]:
    """Register drives whose homography is known."""
    rows: list[Row] = []
    for night in (False, True):
        for seed in seeds:
            case = Case(seed=seed, night=night)
            true = draw_homography(seed)
            found, seconds = _timed(views_of(drive(case.settings(pairs)), true))
            off = errors_on_grid(found.homography, true)
            rows.append(
                {'case': 'known', 'seed': seed, 'night': night}
                | {'error_mean_px': round(float(off.mean()), 2)}
                | {'error_max_px': round(float(off.max()), 2)}
                | _told(found, seconds)
            )
    return rows


def measure_baseline(pairs: int, seeds: Sequence[int], baselines_m: Sequence[float]) -> list[Row]:
    """Register drives with parallax; the truth is that of points at known places."""
    rows: list[Row] = []
    for baseline_m in baselines_m:
        for seed in seeds:
            case = Case(seed=seed, night=bool(seed % 2), baseline_m=baseline_m)
            settings, true = case.settings(pairs), draw_homography(seed)
            found, seconds = _timed(views_of(drive(settings), true))
            row: Row = {'case': 'baseline', 'baseline_m': baseline_m, 'seed': seed}
            row |= {'night': case.night}
            for name, low, high in (('near', NEAR_M, MIDDLE_M), ('far', MIDDLE_M, FAR_M)):
                thermal, rgb = _places(settings, low, high)
                rgb = warp_points(rgb, invert_homography(true))
                best = best_homography(rgb, thermal)
                for what, matrix in (('error', found.homography), ('best', best)):
                    off = np.linalg.norm(warp_points(rgb, matrix) - thermal, axis=1)
                    row[f'{name}_{what}_px'] = round(float(off.mean()), 2)
            rows.append(row | _told(found, seconds))
    return rows


def _places(settings: DriveSettings, low_m: float, high_m: float) -> tuple[Points, Points]:
    """Return where points of the drive lie in both pictures: 0 to 3 m high, 8 m to each side."""
    rng = np.random.default_rng([settings.seed, 12])
    world, thermal, rgb = World(settings), [], []
    for index in range(0, settings.frames, 4):
        camera = world.camera(index / settings.rate_hz)
        count = 200
        ahead = 1.0 / rng.uniform(1.0 / high_m, 1.0 / low_m, count)
        points = np.stack([rng.uniform(-8, 8, count), ahead, rng.uniform(0, 3, count)], axis=1)
        first = camera.project(points)
        second = camera.shifted(settings.baseline_m).project(points)
        inside = ((first > 0.0) & (first < SIZE_WH) & (second > 0.0) & (second < SIZE_WH)).all(1)
        thermal.append(first[inside])
        rgb.append(second[inside])
    return np.concatenate(thermal), np.concatenate(rgb)


def measure_refusals(pairs: int) -> list[Row]:
    """Register what must be refused."""
    first, second = (
        list(drive(Case(seed=seed, night=False).settings(pairs))) for seed in (21, 22)
    )
    rng = np.random.default_rng(0)
    shift = pairs // 3
    cases: dict[str, list[tuple[Any, Any]]] = {
        'pairs shuffled': [
            (frame.rgb, first[(index + shift) % pairs].thermal)
            for index, frame in enumerate(first)
        ],
        'two unrelated cameras': [(a.rgb, b.thermal) for a, b in zip(first, second, strict=True)],
        'thermal is noise': [(frame.rgb, _noise(frame, rng)) for frame in first],
        'RGB is black': [(np.zeros_like(frame.rgb), frame.thermal) for frame in first],
    }
    rows: list[Row] = []
    for name, given in cases.items():
        views = [view_of(rgb, thermal) for rgb, thermal in given]
        usable = [view for view in views if view is not None]
        if not usable:
            rows.append({'case': name, 'refused': True, 'why': 'no usable pair'})
            continue
        found, seconds = _timed(usable)
        rows.append({'case': name} | _told(found, seconds))
    return rows


def _noise(frame: DriveFrame, rng: np.random.Generator) -> NDArray[np.uint16]:
    shape = np.asarray(frame.thermal).shape
    return np.asarray(7000.0 + 8.0 * rng.standard_normal(shape), np.uint16)


def measure_warps(folder: Path) -> list[Row]:
    """Register pairs one by one against their known elastic warp."""
    with (folder / 'split.csv').open(encoding='utf-8') as file:
        names = [(row['name'], row['day_or_night']) for row in csv.DictReader(file)]
    rows: list[Row] = []
    for index, (name, light) in enumerate(names):
        thermal, rgb, warped_xy, rgb_xy = _warp(folder / 'pool', name)
        view = view_of(rgb, thermal)
        if view is None:
            continue
        found, seconds = _timed([view], min_pairs=1)
        best = best_homography(rgb_xy[::7], warped_xy[::7])
        row: Row = {'case': 'warp', 'name': name, 'light': light, 'half': HALVES[index % 2]}
        row |= {'set': SETS[name.startswith('RS_')]}
        for what, matrix in (('error', found.homography), ('best', best), ('identity', np.eye(3))):
            off = np.linalg.norm(warp_points(rgb_xy, matrix) - warped_xy, axis=1)
            row[f'{what}_px'] = round(float(off.mean()), 2)
        rows.append(row | _told(found, seconds))
    groups = [('half', half) for half in HALVES] + [('set', name) for name in SETS]
    return rows + [_summary(rows, key, value) for key, value in groups]


def _warp(pool: Path, name: str) -> tuple[Any, Any, Points, Points]:
    """Read the warped thermal picture, RGB, and where each of its pixels lies in RGB."""
    rgb: Any = cv2.imread(str(pool / 'rgb' / f'{name}.jpg'))
    thermal: Any = cv2.imread(str(pool / 'thermal_warped' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
    stored: Any = cv2.imread(str(pool / 'flow' / f'{name}.png'), cv2.IMREAD_UNCHANGED)
    flow = (stored[..., [2, 1]].astype(np.float64) - 32768.0) / 64.0
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    here = np.stack([x.ravel(), y.ravel()], axis=1)
    there = here + flow.reshape(-1, 2)
    inside = ((there > 0.0) & (there < np.array([width, height]))).all(axis=1)
    return thermal, cv2.cvtColor(rgb, cv2.COLOR_BGR2RGB), here[inside], there[inside]


def _summary(rows: Sequence[Row], key: str, value: str) -> Row:
    """Return means over some of the pairs."""
    chosen = [row for row in rows if row[key] == value]
    taken = [row for row in chosen if not row['refused']]
    return {
        'case': f'warps, {value}',
        'pairs': len(chosen),
        'refused': len(chosen) - len(taken),
        'error_accepted_px': _mean(taken, 'error_px'),
        'best_accepted_px': _mean(taken, 'best_px'),
        'identity_accepted_px': _mean(taken, 'identity_px'),
        'worst_accepted_px': max((_number(row, 'error_px') for row in taken), default=None),
        'error_all_px': _mean(chosen, 'error_px'),
        'error_all_median_px': round(
            float(np.median([_number(row, 'error_px') for row in chosen])), 2
        ),
    }


def _mean(rows: Sequence[Row], key: str) -> float | None:
    return round(float(np.mean([_number(row, key) for row in rows])), 2) if rows else None


def _number(row: Row, key: str) -> float:
    value = row[key]
    return float(value) if isinstance(value, (int, float)) else float('nan')


def measure_thirds(folder: Path, pairs: int) -> list[Row]:
    """Register three disjoint thirds of a set of one rig, and compare the homographies."""
    dataset = open_dataset(folder)
    rows: list[Row] = []
    homographies: list[Points] = []
    for third in range(3):
        indices = range(third, len(dataset), 3)
        chosen = np.linspace(0, len(indices) - 1, min(pairs, len(indices))).round().astype(int)
        views = []
        for index in chosen.tolist():
            sample = dataset[indices[index]]
            if sample.rgb is not None and sample.thermal is not None:
                views.append(view_of(sample.rgb, sample.thermal))
        found, seconds = _timed([view for view in views if view is not None])
        homographies.append(found.homography)
        identity = errors_on_grid(found.homography, np.eye(3))
        rows.append(
            {'case': f'{folder.name}, third {third + 1}'}
            | {'from_identity_px': round(float(identity.mean()), 2)}
            | {'from_identity_max_px': round(float(identity.max()), 2)}
            | _told(found, seconds)
        )
    for one, other in ((0, 1), (0, 2), (1, 2)):
        off = errors_on_grid(homographies[one], homographies[other])
        apart: Row = {'case': f'{folder.name}, thirds {one + 1} and {other + 1}'}
        apart |= {'apart_mean_px': round(float(off.mean()), 2)}
        rows.append(apart | {'apart_max_px': round(float(off.max()), 2)})
    return rows


def _timed(views: Sequence[View], *, min_pairs: int = 8) -> tuple[Registration, float]:
    start = time.process_time()
    found = register(views, min_pairs=min_pairs)
    return found, time.process_time() - start


def _told(found: Registration, seconds: float) -> Row:
    """Return what the registration says about itself."""
    return {
        'residual_px': round(found.residual_px, 2),
        'residual_p90_px': round(found.residual_p90_px, 2),
        'pairs': found.pairs,
        'matches': found.matches,
        'inliers': f'{found.inliers}/{found.blocks}',
        'beyond_chance': round(found.beyond_chance, 1),
        'refused': bool(found.problem),
        'why': found.problem,
        'cpu_s': round(seconds, 1),
    }


def main() -> int:
    """Run the parts asked for; one JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--only', help='known, baseline, refused, warps or thirds')
    parser.add_argument('--pairs', type=int, default=16, help='pairs a drive')
    parser.add_argument('--seeds', type=int, default=4, help='drives a row')
    parser.add_argument('--data', type=Path, help='folder with superfusion_warp and msrs')
    given = parser.parse_args()
    cv2.setNumThreads(1)
    seeds = range(30, 30 + given.seeds)
    parts: dict[str, Callable[[], list[Row]]] = {
        'known': lambda: measure_known(given.pairs, seeds),
        'baseline': lambda: measure_baseline(given.pairs, seeds, (0.05, 0.1, 0.2, 0.4)),
        'refused': lambda: measure_refusals(given.pairs),
    }
    if given.data is not None:
        parts['warps'] = lambda: measure_warps(given.data / 'superfusion_warp')
        parts['thirds'] = lambda: measure_thirds(given.data / 'msrs', 3 * given.pairs)
    for name, part in parts.items():
        if given.only in {None, name}:
            for row in part():
                sys.stdout.write(json.dumps(row) + '\n')
                sys.stdout.flush()
    return 0


if __name__ == '__main__':
    sys.exit(main())
