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
_SIZE = (224, 288)


@dataclass(frozen=True, slots=True)
class TreeShape:
    """A tree's form: alpha, light and trunk, each (288, 224) uint8; 288 rows are its height."""

    alpha: Array
    tone: Array
    trunk: Array


@lru_cache(maxsize=TREE_SHAPES)
def tree_shape(kind: int) -> TreeShape:
    """Grow tree number ``kind``: 0-4 and 8-9 broad, 5-6 conifers, 7 nearly bare."""
    rng = np.random.default_rng([31, kind])
    width, height = _SIZE
    wood = np.zeros((height, width), np.uint8)
    conifer, bare = kind in {5, 6}, kind == 7
    thick = float(rng.uniform(5.0, 9.0))
    fork = height * float(rng.uniform(0.60, 0.74))
    if conifer:
        cv2.line(wood, (width // 2, height), (width // 2, 30), 255, 4)
        share = rng.random(90)
        spread = rng.normal(0.0, 1.0, 90) * (5.0 + 36.0 * share)
        tips = np.stack([width / 2 + spread, 16 + share * (height - 70)], axis=1)
    else:
        lean = float(rng.uniform(-6, 6))
        base = ((width // 2, height), (int(width / 2 + lean), int(fork)))
        cv2.line(wood, *base, 255, round(thick))
        grown: list[tuple[float, float]] = []
        _branch(wood, grown, (width / 2 + lean, fork), -np.pi / 2, height * 0.15, thick * 0.8, rng)
        tips = np.array(grown)
    crown = np.zeros((height, width), np.float32)
    for x, y in tips.tolist():
        radius = float(rng.uniform(8, 20)) * (0.65 if conifer else 1.0)
        axes = (int(radius * 1.25), int(radius * 0.85))
        turn = float(rng.uniform(-25, 25))
        cv2.ellipse(crown, (int(x), int(y)), axes, turn, 0, 360, float(rng.uniform(0.6, 1.0)), -1)
    return _leaf_out(wood, crown, 0.95 if bare else 0.36)


def _leaf_out(wood: Array, crown: Array, threshold: float) -> TreeShape:
    """Turn branches and a rough crown into leaves with gaps, light and dark."""
    height, width = wood.shape
    u, v = np.linspace(-1, 1, width), np.linspace(-1, 1, height)[:, None]
    inside = np.clip((1.0 - np.maximum(np.abs(u)[None], np.maximum(-v, 0.0))) * 9.0, 0.0, 1.0)
    crown = cv2.GaussianBlur(crown, (0, 0), 5.0) * inside
    leaf = (
        noise(11, 0.35)[:height, :width] * 0.6 + noise(12, 1.2)[:height, 256 : 256 + width] * 0.6
    )
    leaves = crown * 1.15 + 0.17 * leaf * (crown > 0.05) > threshold
    clump = cv2.GaussianBlur(crown, (0, 0), 12.0)
    relief = (crown - clump) * 120.0 + leaf * 30.0 + np.linspace(24, -28, height)[:, None]
    tone = np.clip(128.0 + relief, 0, 255).astype(np.uint8)
    alpha = np.where(leaves, 255, wood).astype(np.uint8)
    return TreeShape(alpha, tone, np.where(leaves, 0, wood).astype(np.uint8))


def _branch(
    wood: Array,
    tips: list[tuple[float, float]],
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
    tips.append((0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1])))
    if length < 12 or width < 0.8:
        tips.append(end)
        return
    for turn in rng.uniform(-0.95, 0.95, int(rng.integers(2, 4))):
        bent = angle + turn
        bent -= 0.18 * (bent + np.pi / 2)
        _branch(wood, tips, end, bent, length * rng.uniform(0.62, 0.86), width * 0.66, rng)


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
    swing = float(rng.uniform(0.4, 1.1)) + 0.5 * max(0.0, flux)
    relief = (shape.tone.astype(np.float32) - 128.0) * (swing / 50.0)
    if light.night:
        relief *= -0.45
    heat = temps.of('foliage', 'shaded') + 0.4 * max(0.0, flux) + relief
    bark_heat = 0.5 * (temps.of('trunk', 'shaded') + temps.of('trunk', 'front'))
    rough = noise(4, 0.8)[: heat.shape[0], : heat.shape[1]] * 0.35
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
