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

"""Shapes of cars: profiles drawn out to flat faces that know which way they look."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
import math

import numpy as np

from xspec_ros.synth.canvas import Array, Colour, scaled
from xspec_ros.synth.noise import TILE

_COLOURS: tuple[Colour, ...] = (
    (216.0, 218.0, 220.0), (150.0, 154.0, 158.0), (34.0, 35.0, 38.0), (62.0, 66.0, 72.0),
    (120.0, 24.0, 28.0), (30.0, 48.0, 96.0), (190.0, 186.0, 170.0), (60.0, 90.0, 84.0),
    (206.0, 172.0, 40.0), (96.0, 110.0, 130.0),
)  # fmt: skip
# Side profiles as shares of length and height: the lower body's shoulder line and the glass
# house above it, each from front to rear.
_PROFILES: dict[str, tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]] = {
    'sedan': (
        (
            (0.5, 0.30),
            (0.5, 0.44),
            (0.46, 0.52),
            (0.22, 0.60),
            (-0.36, 0.62),
            (-0.48, 0.58),
            (-0.5, 0.45),
            (-0.5, 0.24),
        ),
        ((0.22, 0.60), (0.05, 0.96), (-0.06, 1.0), (-0.2, 0.97), (-0.37, 0.62)),
    ),
    'hatch': (
        (
            (0.5, 0.28),
            (0.5, 0.45),
            (0.44, 0.52),
            (0.26, 0.58),
            (-0.46, 0.60),
            (-0.5, 0.45),
            (-0.5, 0.24),
        ),
        ((0.27, 0.58), (0.08, 0.95), (-0.05, 1.0), (-0.38, 0.96), (-0.47, 0.60)),
    ),
    'van': (
        (
            (0.5, 0.24),
            (0.5, 0.42),
            (0.45, 0.48),
            (0.38, 0.5),
            (-0.49, 0.5),
            (-0.5, 0.4),
            (-0.5, 0.2),
        ),
        ((0.39, 0.5), (0.24, 0.94), (0.16, 1.0), (-0.44, 0.99), (-0.49, 0.5)),
    ),
    'suv': (
        (
            (0.5, 0.3),
            (0.5, 0.5),
            (0.46, 0.57),
            (0.22, 0.6),
            (-0.48, 0.62),
            (-0.5, 0.48),
            (-0.5, 0.27),
        ),
        ((0.22, 0.6), (0.09, 0.95), (-0.02, 1.0), (-0.42, 0.98), (-0.49, 0.62)),
    ),
    'truck': (
        (
            (0.5, 0.2),
            (0.5, 0.34),
            (0.48, 0.38),
            (0.28, 0.38),
            (-0.5, 0.38),
            (-0.5, 0.3),
            (-0.5, 0.22),
        ),
        ((0.485, 0.38), (0.44, 0.74), (0.28, 0.76), (0.28, 0.74), (0.28, 0.38)),
    ),
}
_SIZES: dict[str, tuple[float, float, float]] = {
    'sedan': (4.5, 1.75, 1.44),
    'hatch': (3.9, 1.68, 1.52),
    'van': (4.2, 1.72, 1.92),
    'suv': (4.5, 1.84, 1.68),
    'truck': (5.4, 1.95, 2.6),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CarBody:
    """One car's make and state.

    Attributes:
        kind: Profile name.
        size: Length, width, height in metres.
        colour: Paint under full light.
        running: 0 = cold, 1 = engine, exhaust and tyres at working temperature.
        cabin: Kelvin by which the cabin is warmer than the air.
        absorb: How strongly the paint heats in the sun, 0 to 1.
        gloss: Share of reflected sky on painted faces.
        grain: Offset into the noise.
    """

    kind: str
    size: tuple[float, float, float]
    colour: Colour
    running: float
    cabin: float
    absorb: float
    gloss: float
    grain: tuple[int, int]


def draw_car_body(rng: np.random.Generator, *, moving: bool, night: bool) -> CarBody:
    """Draw a car."""
    kind = str(
        rng.choice(['sedan', 'hatch', 'van', 'suv', 'truck'], p=[0.26, 0.26, 0.22, 0.18, 0.08])
    )
    colour = scaled(_COLOURS[int(rng.integers(len(_COLOURS)))], float(rng.uniform(0.85, 1.1)))
    size = tuple(float(side * rng.uniform(0.93, 1.07)) for side in _SIZES[kind])
    recent = rng.random() < 0.25
    running = (
        float(rng.uniform(0.55, 1.0))
        if moving
        else float(rng.uniform(0.15, 0.7))
        if recent
        else 0.0
    )
    return CarBody(
        kind=kind,
        size=(size[0], size[1], size[2]),
        colour=colour,
        running=running,
        cabin=float(rng.uniform(0.0, 6.0)) * (1.0 if moving or not night else 0.2),
        absorb=1.0 - sum(colour) / 3.0 / 300.0,
        gloss=float(rng.uniform(0.05, 0.16)),
        grain=(int(rng.integers(TILE)), int(rng.integers(TILE))),
    )


Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Face:
    """One flat face of a car.

    Attributes:
        corners: (n, 3) forward, right, up in metres.
        part: What it is made of.
        heat: Kelvin by which it is warmer than its material from within.
        normal: (3,) outward direction.
    """

    corners: Array
    part: str
    heat: float
    normal: Array


def _face(corners: Array, part: str, heat: float, outward: tuple[float, float, float]) -> Face:
    (ax, ay, az), (bx, by, bz) = (corners[1:3] - corners[0]).tolist()
    normal = np.array((ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx))
    normal = normal / max(math.sqrt(float(normal @ normal)), 1e-9)
    return Face(corners, part, heat, normal if float(normal @ np.array(outward)) >= 0 else -normal)


@lru_cache(maxsize=256)
def build_faces(car: CarBody) -> tuple[Face, ...]:
    """Return a car's faces."""
    lower, upper = _PROFILES[car.kind]
    length, width, height = car.size
    half, roof = 0.5 * width, 0.5 * width * (0.98 if car.kind == 'truck' else 0.8)
    run = car.running
    faces = [_face(_floor(length, half, height), 'floor', 7.0 * run, (0.0, 0.0, -1.0))]
    bottom = ((-0.5, 0.13), (0.5, 0.13))
    for sign in (-1.0, 1.0):
        out = (0.0, sign, 0.0)
        side = _extrude((*lower, *bottom), car.size, sign * half)
        faces.append(_face(side, 'side', 0.6 * run, out))
        faces.append(
            _face(_taper(upper, car.size, sign, half, roof), 'post', 0.3 * car.cabin, out)
        )
        faces.extend(_side_windows(car, _taper(upper, car.size, sign, half, roof), sign))
    faces.extend(_lower_faces(lower, car.size, half, run))
    faces.extend(_upper_faces(car, upper, half, roof))
    if car.kind == 'truck':
        faces.extend(_box(car))
    return tuple(faces)


def _floor(length: float, half: float, height: float) -> Array:
    low, front = 0.13 * height, 0.5 * length
    return np.array(
        [[front, -half, low], [front, half, low], [-front, half, low], [-front, -half, low]]
    )


def _extrude(points: Outline, size: tuple[float, float, float], right: float) -> Array:
    outline = np.array(points)
    across = np.full(len(outline), right)
    return np.stack([outline[:, 0] * size[0], across, outline[:, 1] * size[2]], axis=1)


def _taper(
    upper: Outline, size: tuple[float, float, float], sign: float, half: float, roof: float
) -> Array:
    """One side of the glass house, leaning in towards the roof."""
    outline = np.array(upper)
    low, high = outline[:, 1].min(), outline[:, 1].max()
    share = (outline[:, 1] - low) / max(float(high - low), 1e-6)
    across = sign * (half * 0.98 + (roof - half * 0.98) * share)
    return np.stack([outline[:, 0] * size[0], across, outline[:, 1] * size[2]], axis=1)


def _side_windows(car: CarBody, outline: Array, sign: float) -> list[Face]:
    centre = outline.mean(axis=0)
    glass = centre + (outline - centre) * (0.86, 1.0, 0.74)
    glass[:, 1] = outline[:, 1] + sign * 0.004
    out = (0.0, sign, 0.0)
    if car.kind == 'truck':
        return [_face(glass, 'glass', 0.0, out)]
    middle = float(centre[0])
    panes = (_cut(glass, middle + 0.04, 1.0), _cut(glass, middle - 0.04, -1.0))
    return [_face(pane, 'glass', 0.0, out) for pane in panes]


def _cut(corners: Array, at: float, keep: float) -> Array:
    """Keep the part of a polygon before (+1) or behind (-1) a forward position."""
    kept: list[Array] = []
    for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if (first[0] - at) * keep >= 0:
            kept.append(first)
        if (first[0] - at) * (second[0] - at) < 0:
            share = (at - first[0]) / (second[0] - first[0])
            kept.append(first + share * (second - first))
    return np.array(kept) if len(kept) >= 3 else corners


def _across(
    first: tuple[float, float],
    second: tuple[float, float],
    size: tuple[float, float, float],
    half: float,
) -> Array:
    """A face from one side of the car to the other between two points of the profile."""
    (x0, z0), (x1, z1) = first, second
    return np.array(
        [
            [x0 * size[0], -half, z0 * size[2]],
            [x0 * size[0], half, z0 * size[2]],
            [x1 * size[0], half, z1 * size[2]],
            [x1 * size[0], -half, z1 * size[2]],
        ]
    )


_WARM = {'front': 5.0, 'hood': 8.0, 'rear': 1.2, 'deck': 0.0, 'front_low': 7.0, 'rear_low': 6.0}
_OUTWARD = {
    'front': (1.0, 0.0, 0.0), 'front_low': (1.0, 0.0, 0.0), 'hood': (0.0, 0.0, 1.0),
    'rear': (-1.0, 0.0, 0.0), 'rear_low': (-1.0, 0.0, 0.0), 'deck': (0.0, 0.0, 1.0),
}  # fmt: skip


def _lower_faces(
    lower: Outline, size: tuple[float, float, float], half: float, run: float
) -> list[Face]:
    """Bumpers, front, bonnet, boot and rear."""
    faces = []
    front, rear = lower[0], lower[-1]
    spans = [(front, (front[0], 0.13), 'front_low'), (rear, (rear[0], 0.13), 'rear_low')]
    for first, second in pairwise(lower):
        middle = 0.5 * (first[0] + second[0])
        end = 'front' if middle > 0.47 else 'rear' if middle < -0.47 else ''
        spans.append((first, second, end or ('hood' if middle > 0.1 else 'deck')))
    for first, second, part in spans:
        corners = _across(first, second, size, half)
        faces.append(_face(corners, part, _WARM[part] * run, _OUTWARD[part]))
    return faces


def _upper_faces(car: CarBody, upper: Outline, half: float, roof: float) -> list[Face]:
    """Roof, windscreen and rear window."""
    faces = []
    left = _taper(upper, car.size, -1.0, half, roof)
    right = _taper(upper, car.size, 1.0, half, roof)
    for index in range(len(upper) - 1):
        corners = np.stack([left[index], right[index], right[index + 1], left[index + 1]])
        rise = abs(float(corners[0, 2] - corners[2, 2]))
        run = abs(float(corners[0, 0] - corners[2, 0]))
        centre = corners.mean(axis=0)
        out = (0.5 * float(np.sign(centre[0] - 0.02)), 0.0, 1.0)
        if rise > 0.35 * run and rise > 0.2:
            faces.append(_face(corners, 'pillar', 0.5 * car.cabin, out))
            pane = centre + (corners - centre) * 0.88
            faces.append(_face(pane, 'screen', 0.0, out))
        else:
            faces.append(_face(corners, 'roof', 0.5 * car.cabin, out))
    return faces


def _box(car: CarBody) -> list[Face]:
    """The load box of a truck."""
    length, width, height = car.size
    ends, half, low = (0.26 * length, -0.5 * length), 0.5 * width, 0.3 * height
    corner = np.array([(x, r, z) for x in ends for r in (-half, half) for z in (low, height)])
    quads = (
        ((0, 1, 5, 4), 'side', (0.0, -1.0, 0.0)),
        ((2, 3, 7, 6), 'side', (0.0, 1.0, 0.0)),
        ((4, 5, 7, 6), 'box_rear', (-1.0, 0.0, 0.0)),
        ((0, 1, 3, 2), 'box_front', (1.0, 0.0, 0.0)),
        ((1, 3, 7, 5), 'roof', (0.0, 0.0, 1.0)),
    )
    return [_face(corner[list(quad)], part, 0.0, out) for quad, part, out in quads]
