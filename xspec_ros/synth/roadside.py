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

"""What stands along the road: buildings, groves, street trees, hedges, fences, posts."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
import math
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.synth import facades, plants
from xspec_ros.synth.canvas import Colour, scaled
from xspec_ros.synth.furniture import draw_post
from xspec_ros.synth.ground import PERIOD_M, rectangle
from xspec_ros.synth.layout import Site, Tree
from xspec_ros.synth.panels import Panel
from xspec_ros.synth.population import hull
from xspec_ros.synth.textures import LazyTexture, Texture

if TYPE_CHECKING:
    from collections.abc import Callable

BUILDING, FENCE, VEGETATION = 2, 3, 6
_LEAVES: tuple[Colour, ...] = (
    (64.0, 92.0, 38.0), (52.0, 78.0, 40.0), (96.0, 108.0, 44.0), (128.0, 98.0, 42.0),
)  # fmt: skip
_RING = np.stack([np.cos(np.arange(10) * np.pi / 5), np.sin(np.arange(10) * np.pi / 5)], axis=1)


def line_roadside(site: Site) -> None:
    """Place everything along both sides."""
    trees = _draw_trees(site)
    for side in (-1.0, 1.0):
        _build_side(site, side, trees)
        _plant_street_trees(site, side, trees)
        _set_posts(site, side)


def _draw_trees(site: Site) -> list[LazyTexture]:
    """Three kinds of trees for this world."""
    rng = site.rng
    # The first kind is broad: its crown stays above those who pass below it.
    kinds = [
        int(rng.integers(plants.BROAD_SHAPES)),
        *rng.integers(0, plants.TREE_SHAPES, 2).tolist(),
    ]
    made = []
    for kind in kinds:
        colour = scaled(_LEAVES[int(rng.integers(len(_LEAVES)))], float(rng.uniform(0.7, 1.2)))
        at = (6.0, float(rng.uniform(0.0, PERIOD_M)))
        made.append(LazyTexture(partial(_paint_tree, site, kind, colour, at, site.child())))
    return made


def _paint_tree(
    site: Site, kind: int, colour: Colour, at: tuple[float, float], rng: np.random.Generator
) -> Texture:
    shape = plants.tree_shape(kind)
    return plants.tree_texture(shape, colour, temps=site.temps, light=site.light, at=at, rng=rng)


def _build_side(site: Site, side: float, trees: list[LazyTexture]) -> None:
    """Buildings, walls, hedges and fences along one side."""
    rng, street = site.rng, site.street
    index = 0 if side < 0 else 1
    line = street.lines[index]
    station = float(rng.uniform(0.0, 10.0))
    end = station + PERIOD_M
    while station < end - 6.0:
        length = float(min(rng.uniform(10.0, 38.0), end - station))
        if rng.random() < 0.5:
            _building(site, side, line + float(rng.uniform(0.0, 3.0)), station, length)
        else:
            _grove(site, side, line, station, length, trees=trees)
        edge = rng.random()
        if edge < 0.26:
            tall = float(rng.uniform(0.6, 2.4))
            paint = partial(plants.hedge_texture, temps=site.temps, light=site.light)
            _long_wall(site, side, line - 0.4, (station, length, tall), paint, VEGETATION)
        elif edge < 0.56:
            _barrier(site, side, line - 0.3, (station, length), fence=edge < 0.44)
        if rng.random() < 0.16 and street.walks[index]:
            _barrier(site, side, street.half + 0.3, (station, min(length, 18.0)), fence=True)
        station += length + float(rng.choice([0.0, rng.uniform(1.0, 8.0)]))


_RECEDE = {BUILDING: 2.0, FENCE: 1.0, VEGETATION: 2.0}


def _long_wall(
    site: Site,
    side: float,
    lateral: float,
    extent: tuple[float, float, float],
    paint: Callable[..., Texture],
    class_id: int,
    *,
    recede: float | None = None,
) -> None:
    """A long panel parallel to the road, in pieces so that they sort by distance."""
    station, length, tall = extent
    at = (side * lateral, station + 0.5 * length)
    texture = LazyTexture(partial(paint, (length, tall), at=at, rng=site.child()))
    pieces = max(1, math.ceil(length / 14.0))
    cuts = [index / pieces for index in range(pieces + 1)]
    for low, high in pairwise(cuts):
        panel = Panel(
            start=(side * lateral, station + low * length),
            end=(side * lateral, station + high * length),
            bottom=0.0,
            top=tall,
            texture=texture,
            class_id=class_id,
            span=(low, high),
            recede=_RECEDE[class_id] if recede is None else recede,
        )
        site.layout.panels.append(panel)


def _building(site: Site, side: float, lateral: float, station: float, length: float) -> None:
    """The side along the road and the end that faces the camera."""
    rng = site.rng
    style = facades.draw_style(rng)
    tall = float(style.storey * rng.integers(1, 8) + 0.6)
    facing: facades.Facing = 'left' if side > 0 else 'right'
    paint = partial(facades.facade, style=style, temps=site.temps, light=site.light)
    _long_wall(
        site,
        side,
        lateral,
        (station, length, tall),
        partial(paint, facing=facing),
        BUILDING,
        recede=5.0,
    )
    depth = float(rng.uniform(8.0, 16.0))
    low, high = sorted((side * lateral, side * (lateral + depth)))
    at = (side * lateral, station)
    end = partial(paint, (depth, tall), facing='front', at=at, rng=site.child())
    site.layout.panels.append(
        Panel(
            start=(low, station),
            end=(high, station),
            bottom=0.0,
            top=tall,
            texture=LazyTexture(end),
            class_id=BUILDING,
            recede=5.0,
        )
    )
    near, far = sorted((side * lateral, side * (lateral + 9.0)))
    base = rectangle(near, far, station, station + length)
    for plane, shift in site.shadow_shifts(tall):
        site.plan.fill(plane, hull(np.concatenate([base, base + shift])), 0)


def _tree(site: Site, at: tuple[float, float], height: float, trees: list[LazyTexture]) -> None:
    """A tree, its shadow now and earlier, and the sky it hides."""
    rng, plan = site.rng, site.plan
    lateral, station = at
    texture = trees[int(rng.integers(len(trees)))]
    mirrored = bool(rng.random() < 0.5)
    site.layout.trees.append(
        Tree(lateral=lateral, station=station, height=height, texture=texture, mirrored=mirrored)
    )
    if abs(lateral) > 16.0:
        return
    shifts = site.shadow_shifts(0.65 * height)
    for dx, ds, size in rng.uniform((-1, -1, 0.5), (1, 1, 0.9), (2, 3)).tolist():
        middle = np.array([lateral + 0.12 * height * dx, station + 0.12 * height * ds])
        blob = middle + 0.22 * height * size * _RING
        if site.light.night:
            plan.fill(plan.canopy, blob, 200)
        for plane, shift in shifts:
            plan.fill(plane, blob + shift, 25)
    trunk = np.array([[lateral - 0.15, station], [lateral + 0.15, station]])
    for plane, shift in shifts[:1]:
        plan.fill(plane, np.concatenate([trunk, trunk[::-1] + shift]), 40)


def _grove(
    site: Site,
    side: float,
    line: float,
    station: float,
    length: float,
    *,
    trees: list[LazyTexture],
) -> None:
    """Trees behind the building line."""
    rng = site.rng
    for _ in range(int(length / rng.uniform(5.0, 10.0)) + 1):
        at = (
            side * (line + float(rng.uniform(0.5, 9.0))),
            station + float(rng.uniform(0.0, length)),
        )
        _tree(site, at, float(rng.uniform(6.0, 17.0)), trees)


def _plant_street_trees(site: Site, side: float, trees: list[LazyTexture]) -> None:
    """A row of trees at the kerb."""
    rng, street = site.rng, site.street
    if rng.random() > 0.55:
        return
    spacing, height = float(rng.uniform(8.0, 18.0)), float(rng.uniform(6.0, 14.0))
    walk = street.walks[0 if side < 0 else 1]
    lateral = side * (street.half + (0.7 if walk > 1.0 else 1.2))
    for station in np.arange(float(rng.uniform(0.0, spacing)), PERIOD_M, spacing).tolist():
        if rng.random() < 0.85:
            at = (lateral, station + float(rng.uniform(-1.0, 1.0)))
            _tree(site, at, height * float(rng.uniform(0.8, 1.2)), trees[:1])


def _barrier(
    site: Site, side: float, lateral: float, extent: tuple[float, float], *, fence: bool
) -> None:
    """A fence or a low wall."""
    tall = float(site.rng.uniform(0.7, 1.8 if fence else 2.4))
    facing: facades.Facing = 'left' if side > 0 else 'right'
    paint = facades.fence_texture if fence else facades.wall_texture
    bound = partial(paint, facing=facing, temps=site.temps, light=site.light)
    _long_wall(site, side, lateral, (*extent, tall), bound, FENCE if fence else BUILDING)


def _set_posts(site: Site, side: float) -> None:
    """Signs, masts, bollards, a traffic light."""
    rng, half, posts = site.rng, site.street.half, site.layout.posts
    for _ in range(int(rng.integers(2, 8))):
        lateral = side * (half + float(rng.uniform(0.3, 1.4)))
        posts.append(draw_post('sign', lateral, float(rng.uniform(0.0, PERIOD_M)), rng))
    if rng.random() < 0.4:
        spacing = float(rng.uniform(24.0, 40.0))
        for station in np.arange(float(rng.uniform(0.0, 20.0)), PERIOD_M, spacing).tolist():
            posts.append(draw_post('mast', side * (half + 0.7), station, rng))
    if rng.random() < 0.35:
        start = float(rng.uniform(0.0, PERIOD_M - 20.0))
        for step in range(int(rng.integers(3, 10))):
            posts.append(draw_post('bollard', side * (half + 0.25), start + 1.6 * step, rng))
    if not site.street.campus and rng.random() < 0.6:
        lateral = side * (half + 0.6)
        posts.append(draw_post('signal', lateral, float(rng.uniform(0.0, PERIOD_M)), rng))
