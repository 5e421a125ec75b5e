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

"""Textures of what stands along a road: buildings, fences, hedges, walls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TYPE_CHECKING

import numpy as np

from xspec_ros.synth.canvas import Array, Colour, scaled
from xspec_ros.synth.noise import noise_crop
from xspec_ros.synth.textures import Texture

if TYPE_CHECKING:
    from xspec_ros.synth.climate import Temperatures
    from xspec_ros.synth.light import Light

Facing = Literal['left', 'right', 'front', 'back']
_WALLS: tuple[tuple[str, Colour], ...] = (
    ('brick', (134.0, 78.0, 58.0)),
    ('brick', (158.0, 112.0, 82.0)),
    ('plaster', (186.0, 178.0, 160.0)),
    ('plaster', (168.0, 168.0, 166.0)),
    ('plaster', (206.0, 200.0, 186.0)),
    ('cladding', (122.0, 132.0, 140.0)),
    ('brick', (116.0, 62.0, 50.0)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A building's looks, the same on all its sides.

    Attributes:
        material: Wall material.
        colour: Wall colour under full light.
        storey: Height of a storey in metres.
        bay: Distance between windows in metres.
        glazing: Window width and height as shares of bay and storey.
        warmth: Kelvin by which indoor heat shows through the windows.
        lit: Share of windows with light on at night.
        bands: Whether floors show as bands.
    """

    material: str
    colour: Colour
    storey: float
    bay: float
    glazing: tuple[float, float]
    warmth: float
    lit: float
    bands: bool


def draw_style(rng: np.random.Generator) -> Style:
    """Draw a building style."""
    material, colour = _WALLS[int(rng.integers(len(_WALLS)))]
    ribbon = rng.random() < 0.25
    return Style(
        material=material,
        colour=scaled(colour, float(rng.uniform(0.75, 1.15))),
        storey=float(rng.uniform(2.9, 4.2)),
        bay=float(rng.uniform(1.8, 4.5)),
        glazing=(0.96 if ribbon else float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.35, 0.65))),
        warmth=float(rng.uniform(0.0, 3.5)),
        lit=float(rng.choice([0.0, 0.05, 0.2, 0.5])),
        bands=bool(rng.random() < 0.5),
    )


class _Board:
    """A texture in the making: colour under full light, light of its own, heat."""

    def __init__(
        self, size_m: tuple[float, float], density: float, rng: np.random.Generator
    ) -> None:
        self.rng = rng
        self.size_m = size_m
        width = int(np.clip(size_m[0] * density, 16, 448))
        height = int(np.clip(size_m[1] * density, 16, 288))
        self.scale = (width / size_m[0], height / size_m[1])
        self.shape = (height, width)
        self.albedo = np.zeros((height, width, 3), np.float32)
        self.glow = np.zeros((height, width), np.float32)
        self.heat = np.zeros((height, width), np.float32)
        self.shine = np.full((height, width), 0.04, np.float32)

    def box(self, left: float, bottom: float, right: float, top: float) -> tuple[slice, slice]:
        """Texels of a rectangle in metres from the lower left corner."""
        height, width = self.shape
        rows = (height - round(top * self.scale[1]), height - round(bottom * self.scale[1]))
        columns = (round(left * self.scale[0]), round(right * self.scale[0]))
        return (
            slice(max(0, rows[0]), max(0, min(height, max(rows[1], rows[0] + 1)))),
            slice(max(0, columns[0]), max(0, min(width, max(columns[1], columns[0] + 1)))),
        )

    def finish(self, levels: Array, alpha: Array | None = None) -> Texture:
        """Put light on it; ``levels`` broadcasts to (h, w, 3) linear light."""
        self.albedo *= levels.astype(np.float32) ** np.float32(1 / 2.2)
        if self.glow.any():
            glow = self.glow[..., None] * np.array([1.0, 0.93, 0.75], np.float32)
            np.maximum(self.albedo, glow, out=self.albedo)
        np.minimum(self.albedo, 255.0, out=self.albedo)
        surface = np.empty((*self.shape, 4), np.uint8)
        surface[..., :3] = self.albedo
        surface[..., 3] = self.shine * np.float32(255.0) if alpha is None else alpha
        shine = None if alpha is None else float(self.shine[0, 0])
        return Texture(surface, self.heat, shine)


def facade(
    size_m: tuple[float, float],
    *,
    style: Style,
    facing: Facing,
    temps: Temperatures,
    light: Light,
    at: tuple[float, float],
    rng: np.random.Generator,
) -> Texture:
    """Paint one side of a building.

    Args:
        size_m: Width and height in metres.
        style: The building's looks.
        facing: Which way it faces.
        temps: Surface temperatures.
        light: For its light.
        at: Lateral and station of its middle, for street lamps.
        rng: Source of chance.
    """
    board = _Board(size_m, 14.0, rng)
    height = board.shape[0]
    grain = noise_crop(2, 1.0, board.shape, rng)
    stain = noise_crop(5, 1.8, board.shape, rng)
    wall = temps.of(style.material, facing)
    board.albedo[:] = style.colour
    board.albedo *= (1.0 + 0.05 * grain + 0.07 * stain)[..., None]
    climb = np.linspace(1.0, 0.0, height, dtype=np.float32)[:, None]
    rough = float(rng.uniform(0.15, 0.5))
    board.heat[:] = wall + 2.0 * rough * stain + rough * grain + rng.uniform(-1.8, 1.0) * climb
    if style.bands:
        _draw_bands(board, style, wall)
    _draw_windows(board, style, facing, temps, light.night)
    _draw_street_level(board, style, wall, light.night)
    levels = _wall_light(light, temps.sunny(facing), at, height)
    return board.finish(levels)


def _wall_light(light: Light, direct: float, at: tuple[float, float], height: int) -> Array:
    """Linear light on a wall by row, (h, 1, 3): lamps reach its foot only."""
    base = np.array(light.ambient, np.float32) + np.array(light.sun, np.float32) * direct
    if not light.night:
        return np.asarray(np.broadcast_to(base, (height, 1, 3)))
    foot = np.array(light.levels(at[0], at[1], 400.0), np.float32)
    share = np.linspace(0.1, 1.0, height, dtype=np.float32)[:, None, None] ** 2
    return np.asarray(base + (foot - base) * share)


def _draw_bands(board: _Board, style: Style, wall: float) -> None:
    """Floors that show as bands: another colour, and heat that leaks at the slab."""
    storeys = int(board.size_m[1] / style.storey) + 1
    leak = float(board.rng.uniform(-0.4, 1.4))
    tone = float(board.rng.uniform(0.7, 1.2))
    for floor in range(1, storeys):
        where = board.box(
            0.0, floor * style.storey - 0.2, board.size_m[0], floor * style.storey + 0.15
        )
        board.albedo[where] *= tone
        board.heat[where] = wall + leak


def _draw_windows(
    board: _Board, style: Style, facing: Facing, temps: Temperatures, night: bool
) -> None:
    """Rows of windows: dark glass that mirrors the sky, warm frames, lights at night."""
    rng = board.rng
    glass = temps.of('glass', facing)
    glass_tone = float(rng.uniform(35.0, 80.0))
    wide, tall = style.glazing[0] * style.bay, style.glazing[1] * style.storey
    shine = float(rng.uniform(0.06, 0.3))
    bays = int(board.size_m[0] / style.bay)
    frame_tone = float(rng.uniform(0.5, 1.3))
    for floor in range(int(board.size_m[1] / style.storey)):
        bottom = floor * style.storey + 0.55 * (style.storey - tall)
        floor_lit = rng.random() < style.lit
        for bay in range(bays):
            left = bay * style.bay + 0.5 * (style.bay - wide) + 0.15
            frame = board.box(left - 0.12, bottom - 0.12, left + wide + 0.12, bottom + tall + 0.12)
            board.albedo[frame] *= frame_tone
            board.heat[frame] += 0.5
            where = board.box(left, bottom, left + wide, bottom + tall)
            sky = rng.uniform(0.0, 1.0)
            board.albedo[where] = (glass_tone, glass_tone * 1.08, glass_tone * (1.1 + 0.2 * sky))
            board.albedo[where] *= 0.7 + 0.6 * sky
            board.heat[where] = glass + style.warmth * rng.uniform(0.3, 1.0)
            board.shine[where] = shine
            if night and rng.random() < (0.75 if floor_lit else style.lit * 0.4):
                board.glow[where] = rng.uniform(90.0, 250.0)
                board.heat[where] += 1.5
            if rng.random() < 0.25:
                blind = board.box(
                    left, bottom + tall * rng.uniform(0.3, 0.8), left + wide, bottom + tall
                )
                board.albedo[blind] = (150.0, 146.0, 136.0)


def _draw_street_level(board: _Board, style: Style, wall: float, night: bool) -> None:
    """The ground floor: doors, glass fronts, arcades."""
    rng = board.rng
    position = float(rng.uniform(0.0, 4.0))
    while position < board.size_m[0] - 2.0:
        wide = float(rng.uniform(1.2, 4.0))
        where = board.box(position, 0.0, position + wide, min(2.6, style.storey))
        shop = rng.random() < 0.35
        board.albedo[where] = scaled((60.0, 62.0, 66.0), float(rng.uniform(0.3, 1.6)))
        board.heat[where] = wall + float(rng.uniform(-1.0, 4.5 if shop else 2.0))
        board.shine[where] = 0.1 if shop else 0.04
        if night and shop and rng.random() < 0.4:
            board.glow[where] = rng.uniform(120.0, 255.0)
        position += wide + float(rng.uniform(2.0, 9.0))


def wall_texture(
    size_m: tuple[float, float],
    *,
    facing: Facing,
    temps: Temperatures,
    light: Light,
    at: tuple[float, float],
    rng: np.random.Generator,
) -> Texture:
    """Paint a low wall of stone or concrete."""
    board = _Board(size_m, 16.0, rng)
    material, colour = (
        ('brick', (130.0, 112.0, 96.0))
        if rng.random() < 0.4
        else ('plaster', (160.0, 158.0, 150.0))
    )
    grain = noise_crop(3, 0.8, board.shape, rng)
    board.albedo[:] = scaled(colour, float(rng.uniform(0.6, 1.1)))
    board.albedo *= (1.0 + 0.1 * grain)[..., None]
    board.heat[:] = temps.of(material, facing) + 0.3 * grain
    joint = float(rng.uniform(0.8, 2.5))
    for step in range(1, int(size_m[0] / joint)):
        where = board.box(step * joint, 0.0, step * joint + 0.06, size_m[1])
        board.albedo[where] *= 0.6
        board.heat[where] += 0.6
    levels = _wall_light(light, temps.sunny(facing), at, board.shape[0])
    return board.finish(levels)


def fence_texture(
    size_m: tuple[float, float],
    *,
    facing: Facing,
    temps: Temperatures,
    light: Light,
    at: tuple[float, float],
    rng: np.random.Generator,
) -> Texture:
    """Paint a railing, guard rail or slatted fence with holes between its parts."""
    board = _Board(size_m, 24.0, rng)
    length, height = size_m
    kind = rng.choice(['pipes', 'bars', 'rail', 'slats'])
    colour = ((198.0, 198.0, 192.0), (70.0, 74.0, 70.0), (120.0, 92.0, 66.0))[int(rng.integers(3))]
    board.albedo[:] = scaled(colour, float(rng.uniform(0.7, 1.1)))
    grain = noise_crop(3, 0.6, board.shape, rng)
    board.heat[:] = temps.of('board' if kind == 'slats' else 'steel', facing) + 0.3 * grain
    board.shine[:] = 0.06 if kind == 'slats' else float(rng.uniform(0.06, 0.25))
    alpha = np.zeros(board.shape, np.uint8)
    post = float(rng.uniform(1.5, 2.5))
    for step in range(int(length / post) + 1):
        alpha[board.box(step * post, 0.0, step * post + 0.1, height)] = 255
    if kind == 'rail':
        alpha[board.box(0.0, height * 0.5, length, height)] = 255
        board.albedo[board.box(0.0, height * 0.7, length, height * 0.78)] *= 0.7
    elif kind == 'pipes':
        for level in (0.95, 0.5):
            alpha[board.box(0.0, height * level - 0.06, length, height * level + 0.03)] = 255
    else:
        gap, wide = (0.16, 0.05) if kind == 'bars' else (0.2, 0.15)
        columns = np.arange(board.shape[1]) / board.scale[0]
        alpha[:, columns % gap < wide] = 255
        for level in (0.96, 0.15):
            alpha[board.box(0.0, height * level - 0.05, length, height * level + 0.03)] = 255
    levels = _wall_light(light, temps.sunny(facing), at, board.shape[0])
    return board.finish(levels, alpha)
