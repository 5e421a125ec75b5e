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

"""What covers the ground: asphalt, paving, verges, paint, repairs, manholes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.synth.canvas import Colour, scaled
from xspec_ros.synth.ground import GRASS, PERIOD_M, rectangle, ROAD, SIDEWALK

if TYPE_CHECKING:
    from xspec_ros.synth.layout import Site


def lay_ground(site: Site) -> None:
    """Asphalt, sidewalks, verges, kerbs, paint, patches, manholes."""
    rng, plan, street = site.rng, site.plan, site.street
    tone = float(rng.uniform(70.0, 112.0))
    asphalt = (tone, tone * 1.01, tone * float(rng.uniform(0.98, 1.06)))
    plan.strip(-25.0, 25.0, asphalt, ROAD)
    for side, walk in zip((-1.0, 1.0), street.walks, strict=True):
        pave = float(rng.uniform(110.0, 165.0))
        colour = (
            pave,
            pave * float(rng.uniform(0.93, 1.0)),
            pave * float(rng.uniform(0.85, 0.97)),
        )
        verge = rng.random() < 0.55
        green = scaled((88.0, 108.0, 54.0), float(rng.uniform(0.6, 1.1)))
        outer = (street.half + walk, 25.0)
        _side_strip(site, side, outer, green if verge else colour, GRASS if verge else SIDEWALK)
        _side_strip(site, side, (street.half, street.half + walk), colour, SIDEWALK)
        if walk:
            _side_strip(
                site, side, (street.half, street.half + 0.16), scaled(colour, 1.2), SIDEWALK
            )
            joint = float(rng.uniform(0.6, 2.0))
            for station in np.arange(0.0, PERIOD_M, joint).tolist():
                low, high = sorted((side * street.half, side * (street.half + walk)))
                row = (low, high, station, station)
                plan.box(plan.albedo, row, scaled(colour, 0.8))
                plan.box(plan.extra, row, 0.3)
    _patches(site, asphalt)
    _markings(site)


def _side_strip(
    site: Site, side: float, reach: tuple[float, float], colour: Colour, label: int
) -> None:
    low, high = sorted((side * reach[0], side * reach[1]))
    site.plan.strip(low, high, colour, label)


def _patches(site: Site, asphalt: Colour) -> None:
    """Repairs, cracks and manholes."""
    rng, plan, half = site.rng, site.plan, site.street.half
    for _ in range(int(rng.integers(2, 12))):
        left, start = float(rng.uniform(-half, half - 1.0)), float(rng.uniform(0.0, PERIOD_M))
        box = rectangle(
            left,
            min(half, left + float(rng.uniform(0.6, 3.0))),
            start,
            start + float(rng.uniform(1.0, 12.0)),
        )
        plan.fill(plan.albedo, box, scaled(asphalt, float(rng.uniform(0.65, 1.2))))
        plan.fill(plan.extra, box, float(rng.uniform(-0.5, 0.6)))
    for _ in range(int(rng.integers(2, 9))):
        centre = np.array([float(rng.uniform(-half, half)), float(rng.uniform(0.0, PERIOD_M))])
        ring = np.arange(12) * math.pi / 6
        disc = centre + 0.36 * np.stack([np.cos(ring), np.sin(ring)], axis=1)
        plan.fill(plan.albedo, disc, scaled(asphalt, float(rng.uniform(0.5, 0.9))))
        plan.fill(plan.extra, disc, float(rng.uniform(-1.5, 3.0)))


def _markings(site: Site) -> None:
    """Edge lines, centre line, crossings: white or orange paint."""
    rng, plan, street = site.rng, site.plan, site.street
    white = (205.0, 205.0, 198.0) if rng.random() < 0.8 else (206.0, 150.0, 60.0)
    lines: list[tuple[float, float, float]] = []
    if not street.campus or rng.random() < 0.3:
        lines.append((0.0, 5.0 if rng.random() < 0.6 else PERIOD_M, 5.0))
    if rng.random() < 0.5:
        lines += [(-street.half + 0.35, PERIOD_M, 0.0), (street.half - 0.35, PERIOD_M, 0.0)]
    for lateral, dash, gap in lines:
        for station in np.arange(0.0, PERIOD_M, dash + gap).tolist():
            box = (lateral - 0.08, lateral + 0.08, station, station + dash)
            plan.box(plan.albedo, box, white)
            plan.box(plan.bright, box, 1)
    for _ in range(int(rng.integers(0, 4))):
        start = float(rng.uniform(0.0, PERIOD_M))
        for left in np.arange(-street.half + 0.4, street.half - 0.4, 0.95).tolist():
            box = (left, left + 0.5, start, start + 3.2)
            plan.box(plan.albedo, box, (198.0, 198.0, 192.0))
            plan.box(plan.bright, box, 1)
