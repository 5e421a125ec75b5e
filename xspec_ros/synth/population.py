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

"""Who is about: walkers, groups, cyclists, traffic, parked cars and bicycles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.synth.bicycle import draw_bike
from xspec_ros.synth.car_body import draw_car_body
from xspec_ros.synth.ground import PERIOD_M, rectangle
from xspec_ros.synth.layout import Mover, Path, Site
from xspec_ros.synth.person import draw_body

if TYPE_CHECKING:
    from xspec_ros.synth.canvas import Array


def populate(site: Site) -> None:
    """Place everything that moves or could."""
    for side in (-1.0, 1.0):
        _park(site, side)
    _people(site)
    _traffic(site)


def _park(site: Site, side: float) -> None:
    """Parked cars and bicycles."""
    rng, street = site.rng, site.street
    if rng.random() < 0.4:
        station = float(rng.uniform(0.0, 40.0))
        while station < PERIOD_M - 8:
            if rng.random() < 0.5:
                lateral = side * (street.half - 1.0 + float(rng.uniform(-0.2, 0.3)))
                _parked_car(site, lateral, station, math.pi if rng.random() < 0.4 else 0.0)
            station += float(rng.uniform(6.0, 14.0))
    for _ in range(int(rng.integers(0, 4))):
        station = float(rng.uniform(0.0, PERIOD_M - 10))
        turned = rng.random() < 0.6
        lateral = side * (street.half + float(rng.uniform(0.3, 1.6)))
        for step in range(int(rng.integers(1, 8))):
            heading = (math.pi / 2 if turned else 0.0) + float(rng.normal(0.0, 0.15))
            path = Path(
                lateral=lateral,
                station=station + step * (0.65 if turned else 1.9),
                heading=heading,
            )
            site.layout.movers.append(Mover(path=path, bike=draw_bike(rng, ridden=False)))


def _parked_car(site: Site, lateral: float, station: float, heading: float) -> None:
    car = draw_car_body(site.rng, moving=False, night=site.light.night)
    path = Path(
        lateral=lateral, station=station, heading=heading + float(site.rng.normal(0.0, 0.03))
    )
    site.layout.movers.append(Mover(path=path, car=car))
    under = rectangle(lateral - 0.8, lateral + 0.8, station - 2.0, station + 2.0)
    site.plan.fill(site.plan.canopy, under, 255)
    for plane in site.plan.lit_past:
        site.plan.fill(plane, under, 40)
    site.plan.fill(site.plan.extra, under, 5.0 * car.running)
    for plane, shift in site.shadow_shifts(1.4):
        site.plan.fill(plane, hull(np.concatenate([under, under + shift])), 0)


def _people(site: Site) -> None:
    """Walkers, groups, people who wait, people who cross, cyclists."""
    rng, street = site.rng, site.street
    density = float(rng.choice([0.3, 0.8, 1.8], p=[0.25, 0.5, 0.25]))
    for _ in range(int(rng.poisson(13 * density))):
        side = float(rng.choice([-1.0, 1.0]))
        walk = street.walks[0 if side < 0 else 1]
        on_road = rng.random() < (0.55 if street.campus else 0.15)
        lateral = (
            float(rng.uniform(-street.half, street.half))
            if on_road
            else side * (street.half + float(rng.uniform(0.3, max(walk, 1.5))))
        )
        _group(site, lateral, float(rng.uniform(0.0, PERIOD_M)))
    for _ in range(int(rng.poisson(3 * density))):
        reach = street.half + 2.0
        path = Path(
            lateral=float(rng.uniform(-reach, reach)),
            station=float(rng.uniform(0.0, PERIOD_M)),
            across=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.8, 1.6)),
            bounds=(-reach, reach),
        )
        _walker(site, path)
    for _ in range(int(rng.poisson(4 * density))):
        away = rng.random() < 0.5
        path = Path(
            lateral=float(rng.uniform(-street.half, street.half)),
            station=float(rng.uniform(0.0, PERIOD_M)),
            along=float(rng.uniform(2.5, 5.5)) * (1.0 if away else -1.0),
        )
        body = draw_body(rng, site.temps.air, walking=True)
        site.layout.movers.append(
            Mover(
                path=path,
                body=body,
                bike=draw_bike(rng, ridden=True),
                cadence=float(rng.uniform(5.0, 8.0)),
            )
        )


def _group(site: Site, lateral: float, station: float) -> None:
    rng = site.rng
    count = int(rng.choice([1, 2, 3, 4], p=[0.55, 0.28, 0.12, 0.05]))
    stands = rng.random() < 0.25
    speed = float(rng.uniform(0.9, 1.7)) * float(rng.choice([-1.0, 1.0]))
    for index in range(count):
        heading = float(rng.uniform(-math.pi, math.pi))
        path = Path(
            lateral=lateral + 0.62 * index * float(rng.uniform(0.7, 1.2)),
            station=station + float(rng.uniform(-0.5, 0.5)),
            along=0.0 if stands else speed,
            heading=heading,
        )
        _walker(site, path)


def _walker(site: Site, path: Path) -> None:
    walking = bool(path.along or path.across)
    body = draw_body(site.rng, site.temps.air, walking=walking)
    pace = math.hypot(path.along, path.across)
    site.layout.movers.append(Mover(path=path, body=body, cadence=pace * 2.0 * math.pi / 1.4))


def _traffic(site: Site) -> None:
    """Cars that drive, one lane each way."""
    rng, street = site.rng, site.street
    keep = -1.0 if street.drive_left else 1.0
    for _ in range(int(rng.poisson(2.5))):
        coming = rng.random() < 0.5
        lane = keep * (-1.0 if coming else 1.0) * min(0.5 * street.half, 1.9)
        speed = float(rng.uniform(2.0, 11.0)) * (-1.0 if coming else 1.0)
        car = draw_car_body(rng, moving=True, night=site.light.night)
        path = Path(
            lateral=lane + float(rng.normal(0.0, 0.2)),
            station=float(rng.uniform(0.0, PERIOD_M)),
            along=speed,
        )
        site.layout.movers.append(Mover(path=path, car=car))
    if rng.random() < 0.25:
        lateral = float(rng.uniform(-street.half + 1.5, street.half - 1.5))
        car = draw_car_body(rng, moving=True, night=site.light.night)
        path = Path(
            lateral=lateral,
            station=float(rng.uniform(0.0, PERIOD_M)),
            across=float(rng.choice([-1.0, 1.0]) * rng.uniform(1.0, 3.0)),
            bounds=(-14.0, 14.0),
        )
        site.layout.movers.append(Mover(path=path, car=car))


def hull(points: Array) -> Array:
    """Convex hull of (n, 2) points."""
    return np.asarray(cv2.convexHull(points.astype(np.float32))[:, 0], np.float64)
