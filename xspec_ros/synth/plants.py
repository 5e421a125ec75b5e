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

"""Trees and hedges: branching silhouettes made once, coloured and heated for each drive."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.synth.canvas import Array, Colour, scaled
from xspec_ros.synth.noise import noise, noise_crop
from xspec_ros.synth.textures import Texture

if TYPE_CHECKING:
    from xspec_ros.synth.climate import Temperatures
    from xspec_ros.synth.light import Light

TREE_SHAPES = 10
BROAD_SHAPES = 7
_SIZE = (224, 288)


@dataclass(frozen=True, slots=True)
class TreeShape:
    """A tree's form: alpha, light and trunk, each (288, 224) uint8; 288 rows are its height."""

    alpha: Array
    tone: Array
    trunk: Array


@lru_cache(maxsize=TREE_SHAPES)
def tree_shape(kind: int) -> TreeShape:
    """Grow tree number ``kind``: 0-6 broad, 7-8 conifers, 9 nearly bare."""
    rng = np.random.default_rng([31, kind])
    width, height = _SIZE
    conifer, bare = kind in {7, 8}, kind == 9
    middle = float(rng.uniform(0.34, 0.42))
    reach = (float(rng.uniform(0.36, 0.47)), float(rng.uniform(0.27, 0.34)))
    u = (np.arange(width, dtype=np.float32) / width - 0.5)[None]
    v = (np.arange(height, dtype=np.float32) / height)[:, None]
    if conifer:
        slope = np.clip((v - 0.03) / 0.82, 0.0, 1.0)
        crown = 1.0 - (np.abs(u) / (0.04 + 0.34 * slope)) ** 2 - 30.0 * np.maximum(v - 0.8, 0.0)
    else:
        crown = 1.0 - (u / reach[0]) ** 2 - ((v - middle) / reach[1]) ** 2
    wood = np.zeros((height, width), np.uint8)
    limbs = np.zeros((height, width), np.uint8)
    thick = float(rng.uniform(8.0, 15.0)) * (0.6 if conifer else 1.0)
    fork = (width * 0.5 + float(rng.uniform(-8, 8)), height * (middle + 0.8 * reach[1]))
    top = (width // 2, 14) if conifer else (int(fork[0]), int(fork[1]))
    _taper(wood, (width // 2, height), top, (thick, 2.0 if conifer else 0.75 * thick))
    if not conifer:
        for turn in np.linspace(-1.0, 1.0, int(rng.integers(3, 6))).tolist():
            angle = -np.pi / 2 + turn + float(rng.uniform(-0.2, 0.2))
            _branch(limbs, fork, angle, height * float(rng.uniform(0.12, 0.18)), thick * 0.55, rng)
    shift = int(rng.integers(0, 200))
    return _leaf_out(wood, limbs, crown, shift, 0.75 if bare else float(rng.uniform(0.0, 0.3)))


def _taper(
    plane: Array, low: tuple[int, int], high: tuple[int, int], widths: tuple[float, float]
) -> None:
    """Draw a trunk that flares at its foot."""
    (x0, y0), (x1, y1), (w0, w1) = low, high, (0.5 * widths[0], 0.5 * widths[1])
    knee = y0 - 14
    points = [
        (x0 - 1.7 * w0, y0), (x0 - w0, knee), (x1 - w1, y1),
        (x1 + w1, y1), (x0 + w0, knee), (x0 + 1.7 * w0, y0),
    ]  # fmt: skip
    cv2.fillPoly(plane, [np.array(points).astype(np.int32)], 255)


def _leaf_out(wood: Array, limbs: Array, crown: Array, shift: int, threshold: float) -> TreeShape:
    """Turn trunk, limbs and a crown's outline into leaves with gaps, light and dark."""
    height, width = wood.shape
    rows, columns = slice(shift, shift + height), slice(shift, shift + width)
    fine, clump = noise(11, 0.45)[rows, columns], noise(12, 1.15)[rows, columns]
    leaves = crown + 0.34 * clump + 0.15 * fine > threshold + 0.12
    soft = cv2.GaussianBlur(clump, (0, 0), 2.0)
    lit = np.zeros_like(soft)
    lit[2:] = (soft[2:] - soft[:-2]) * 150.0
    inner = np.clip(crown, 0.0, 1.0)
    relief = (
        lit + 20.0 * clump + 18.0 * fine - 26.0 * inner + np.linspace(30, -26, height)[:, None]
    )
    tone = np.clip(128.0 + relief, 0, 255).astype(np.uint8)
    # Thick limbs show through the lower crown; twigs only where there are gaps.
    reach = -2.0 if threshold > 0.5 else 0.1
    open_part = crown + 0.5 * clump < 0.55 + 0.7 * np.linspace(0, 1, height)[:, None]
    bark = (wood > 0) | ((limbs > 0) & (open_part | ~leaves) & (crown > reach))
    alpha = np.where(leaves | bark, 255, 0).astype(np.uint8)
    return TreeShape(alpha, tone, np.where(bark, 255, 0).astype(np.uint8))


def _branch(
    wood: Array,
    start: tuple[float, float],
    angle: float,
    length: float,
    width: float,
    rng: np.random.Generator,
) -> None:
    """Draw a branch and what grows from it."""
    end = (start[0] + length * np.cos(angle), start[1] + length * np.sin(angle))
    first = (int(start[0]), int(start[1]))
    cv2.line(wood, first, (int(end[0]), int(end[1])), 255, max(1, round(width)))
    if length < 12 or width < 0.8:
        return
    for turn in rng.uniform(-0.8, 0.8, int(rng.integers(2, 4))):
        bent = angle + turn
        bent -= 0.15 * (bent + np.pi / 2)
        _branch(wood, end, bent, length * rng.uniform(0.62, 0.86), width * 0.66, rng)


def tree_texture(
    shape: TreeShape,
    colour: Colour,
    *,
    temps: Temperatures,
    light: Light,
    at: tuple[float, float],
    rng: np.random.Generator,
) -> Texture:
    """Colour and heat a tree shape for one drive.

    Args:
        shape: Its form.
        colour: Leaf colour under full light.
        temps: Surface temperatures.
        light: For its light.
        at: Lateral and station, for street lamps.
        rng: Source of chance.
    """
    direct = 0.75 * temps.weather.clear * (0.0 if light.night else 1.0)
    levels = np.array(light.levels(at[0], at[1], 400.0)) + np.array(light.sun) * direct
    ramp = np.linspace(0.35, 1.6, 256)
    bark = scaled((92.0, 78.0, 64.0), float(rng.uniform(0.7, 1.2)))
    lit = levels ** (1 / 2.2)
    table = np.zeros((256, 4), np.uint8)
    table[:, :3] = np.clip(ramp[:, None] * np.array(colour) * lit, 0, 255)
    wood = np.zeros((256, 4), np.uint8)
    wood[:, :3] = np.clip(ramp[:, None] * np.array(bark) * lit * 0.8, 0, 255)
    surface = table.take(shape.tone, axis=0)
    trunk = shape.trunk > 0
    surface[trunk] = wood[shape.tone[trunk]]
    surface[..., 3] = shape.alpha
    flux = temps.of('foliage', 'flat') - temps.of('foliage', 'shaded')
    swing = float(rng.uniform(0.7, 1.8)) + 0.6 * max(0.0, flux)
    relief = (shape.tone.astype(np.float32) - 128.0) * (swing / 50.0)
    if light.night:
        relief *= -0.45
    heat = temps.of('foliage', 'shaded') + 0.4 * max(0.0, flux) + relief
    bark_heat = 0.5 * (temps.of('trunk', 'shaded') + temps.of('trunk', 'front'))
    rough = noise(4, 0.8)[: heat.shape[0], : heat.shape[1]] * 0.5
    heat = np.where(trunk, bark_heat + rough, heat).astype(np.float32)
    return Texture(surface, heat, 0.03)


def hedge_texture(
    size_m: tuple[float, float],
    *,
    temps: Temperatures,
    light: Light,
    at: tuple[float, float],
    rng: np.random.Generator,
) -> Texture:
    """Paint a hedge or a row of bushes with a ragged top."""
    width = int(np.clip(size_m[0] * 20, 48, 420))
    height = int(np.clip(size_m[1] * 24, 24, 128))
    shape = (height, width)
    leaf = noise_crop(11, 0.4, shape, rng)
    clump = noise_crop(12, 1.3, shape, rng)
    edge = noise_crop(13, 1.2, (1, width), rng) * float(rng.uniform(0.03, 0.14))
    climb = np.linspace(1.0, 0.0, height, dtype=np.float32)[:, None]
    alpha = np.where(climb + 0.05 * leaf + edge < 0.87, 255, 0).astype(np.uint8)
    green = scaled((70.0, 96.0, 44.0), float(rng.uniform(0.6, 1.2)))
    direct = 0.6 * temps.weather.clear * (0.0 if light.night else 1.0)
    levels = np.array(light.levels(at[0], at[1], 400.0)) + np.array(light.sun) * direct
    tone = 0.8 + 0.2 * leaf + 0.2 * clump + 0.25 * (climb - 0.5)
    surface = np.empty((*shape, 4), np.uint8)
    surface[..., :3] = np.clip(tone[..., None] * (np.array(green) * levels ** (1 / 2.2)), 0, 255)
    surface[..., 3] = alpha
    flux = max(0.0, temps.of('foliage', 'flat') - temps.of('foliage', 'shaded'))
    heat = temps.of('foliage', 'shaded') + (0.4 + 0.3 * flux) * (0.5 * leaf + 0.7 * clump)
    heat += climb * (0.8 * flux - (0.8 if light.night else 0.0))
    return Texture(surface, heat.astype(np.float32), 0.03)
