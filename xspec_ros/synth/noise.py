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

"""Noise tiles that repeat without a seam, made once a process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE = 512


@lru_cache(maxsize=64)
def noise(kind: int, slope: float) -> NDArray[Any]:
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
    tile: NDArray[Any] = np.clip(shaped / shaped.std(), -3.0, 3.0).astype(np.float32)
    tile.setflags(write=False)
    return tile


def noise_crop(
    kind: int, slope: float, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[Any]:
    """Return a (rows, columns) float32 piece of a noise tile, repeated where larger."""
    tile = noise(kind, slope)
    y, x = (int(value) for value in rng.integers(0, TILE, 2))
    rows = (np.arange(shape[0]) + y) % TILE
    columns = (np.arange(shape[1]) + x) % TILE
    return tile.take(rows, axis=0).take(columns, axis=1)
