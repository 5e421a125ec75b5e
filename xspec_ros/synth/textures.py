"""Noise, and textures that both cameras see: colour, temperature and holes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from xspec_ros.synth.canvas import Array

TILE = 512
_MIP_LEVELS = 4


@lru_cache(maxsize=16)
def noise(kind: int, slope: float) -> Array:
    """Return a (512, 512) float32 tile of noise that repeats without a seam.

    Args:
        kind: Which one; the same number gives the same tile.
        slope: Fall of the amplitude with frequency: 0 white, 1 patchy, 2 cloudy.

    Returns:
        Mean 0, standard deviation 1, within +-3. Callers must not write to it.
    """
    rng = np.random.default_rng([77, kind])
    white = np.fft.rfft2(rng.standard_normal((TILE, TILE)))
    rows = np.fft.fftfreq(TILE)[:, None] * TILE
    columns = np.fft.rfftfreq(TILE)[None] * TILE
    distance = np.sqrt(rows * rows + columns * columns)
    shaped = np.fft.irfft2(white / np.maximum(distance, 1.0) ** slope, s=(TILE, TILE))
    shaped -= shaped.mean()
    tile: Array = np.clip(shaped / shaped.std(), -3.0, 3.0).astype(np.float32)
    tile.setflags(write=False)
    return tile


def noise_crop(kind: int, slope: float, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    """Return a (rows, columns) float32 piece of a noise tile, repeated where larger."""
    tile = noise(kind, slope)
    y, x = (int(value) for value in rng.integers(0, TILE, 2))
    rows = (np.arange(shape[0]) + y) % TILE
    columns = (np.arange(shape[1]) + x) % TILE
    return tile.take(rows, axis=0).take(columns, axis=1)


@dataclass(slots=True)
class Texture:
    """A flat picture for both cameras.

    Attributes:
        surface: (h, w, 4) uint8: R, G, B with light included, reflected sky times 255.
        heat: (h, w) float32 kelvin.
        alpha: (h, w) uint8, 255 where there is something; None = everywhere.
    """

    surface: Array
    heat: Array
    alpha: Array | None = None
    _halved: Texture | None = field(default=None, repr=False)

    def at_scale(self, pixels_per_texel: float) -> tuple[Texture, float]:
        """Return the mip level for a scale, and how much smaller it is."""
        level, shrink = self, 1.0
        for _ in range(_MIP_LEVELS):
            if pixels_per_texel * 1.5 > shrink or min(level.heat.shape) < 8:
                break
            level, shrink = level.halved(), shrink * 0.5
        return level, shrink

    def halved(self) -> Texture:
        """Return the texture at half the size, made once."""
        if self._halved is None:
            height, width = self.heat.shape
            size = (max(1, width // 2), max(1, height // 2))
            planes = [
                None if plane is None else cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
                for plane in (self.surface, self.heat, self.alpha)
            ]
            self._halved = Texture(np.asarray(planes[0]), np.asarray(planes[1]), planes[2])
        return self._halved


def tint(base: Array, colour: tuple[float, float, float], amount: Array) -> Array:
    """Return (h, w, 4) uint8 of a colour varied by (h, w) noise; channel 3 of ``base`` stays."""
    out = np.empty((*amount.shape, 4), np.uint8)
    for channel in range(3):
        np.clip(
            colour[channel] * (1.0 + amount), 0.0, 255.0, out=out[..., channel], casting='unsafe'
        )
    out[..., 3] = base
    return out
