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

"""Pictures that stand still: the closed shutter of a thermal camera, and frozen streams.

During a flat-field correction a thermal camera shows its shutter (one value everywhere) or
repeats its last picture for up to three seconds; both are normal and neither is a scene.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xspec_ros.core.frame import Frame, PixelArray

SAMPLE_PIXELS = 20_000
"""Pixels that stand for a picture; 1 % of them is enough to fix a percentile to 0.1 %."""


def sample_grid(image: PixelArray) -> PixelArray:
    """View about 20,000 pixels on a regular grid.

    Args:
        image: (H, W) or (H, W, C); of several channels the second is taken.

    Returns:
        (h, w) view, never empty for a picture that is not.
    """
    plane = image if image.ndim == 2 else image[:, :, min(1, image.shape[2] - 1)]
    stride = max(1, math.isqrt(plane.size // SAMPLE_PIXELS))
    return plane[::stride, ::stride]


def sample_pixels(image: PixelArray) -> PixelArray:
    """Return the pixels of ``sample_grid`` as an (n,) copy."""
    return sample_grid(image).flatten()


def is_constant(image: PixelArray, sample: PixelArray) -> bool:
    """Tell whether every pixel has one value; the sample spares the look at most pictures."""
    first = sample[0]
    return bool((sample == first).all()) and bool((image == first).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stillness:
    """How long a camera has repeated itself.

    Attributes:
        frozen: Bit-identical to the picture before, at a later stamp.
        frozen_s: Time by stamps since the first of the identical pictures; 0 when not frozen.
    """

    frozen: bool
    frozen_s: float


class FreezeDetector:
    """Detects bit-identical pictures with advancing stamps.

    It keeps the last picture (a view of its message buffer), so buffers must not be reused.
    """

    def __init__(self) -> None:
        self._image: PixelArray | None = None
        self._sample: PixelArray | None = None
        self._stamp_ns = 0
        self._since_ns = 0

    def update(self, frame: Frame, sample: PixelArray | None = None) -> Stillness:
        """Compare a frame with the one before.

        Args:
            frame: The newest frame of one camera.
            sample: ``sample_pixels(frame.image)``, in any order, where the caller has it already;
                kept, so not to be changed afterwards.

        Returns:
            Whether it repeats the last picture, and for how long it has been so.
        """
        if sample is None:
            sample = sample_pixels(frame.image)
        same = self._same(frame.image, sample)
        advanced = frame.stamp_ns > self._stamp_ns
        if not same:
            self._since_ns = frame.stamp_ns
        self._image, self._sample, self._stamp_ns = frame.image, sample, frame.stamp_ns
        frozen = same and advanced
        held_s = (frame.stamp_ns - self._since_ns) / 1e9 if frozen else 0.0
        return Stillness(frozen=frozen, frozen_s=held_s)

    def reset(self) -> None:
        """Forget the last picture."""
        self._image = self._sample = None

    def _same(self, image: PixelArray, sample: PixelArray) -> bool:
        last, last_sample = self._image, self._sample
        if last is None or last_sample is None or last.shape != image.shape:
            return False
        if last.dtype != image.dtype or not np.array_equal(last_sample, sample):
            return False
        return np.array_equal(last, image)
