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

"""Textures that both cameras see: colour, temperature and holes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspec_ros.synth.canvas import Array

_MIP_LEVELS = 4


@dataclass(slots=True)
class Texture:
    """A flat picture for both cameras.

    Attributes:
        surface: (h, w, 4) uint8: R, G, B with light included; channel 3 is reflected sky
            times 255, or opacity where ``shine`` is given.
        heat: (h, w) float32 kelvin.
        shine: None, or the reflected sky of a texture with holes, 0 to 1.
    """

    surface: Array
    heat: Array
    shine: float | None = None
    _halved: Texture | None = field(default=None, repr=False)

    def at_scale(self, pixels_per_texel: float) -> Texture:
        """Return the level of detail that fits a scale."""
        level, shrink = self, 1.0
        for _ in range(_MIP_LEVELS):
            if pixels_per_texel * 1.5 > shrink or min(level.heat.shape) < 8:
                break
            level, shrink = level.halved(), shrink * 0.5
        return level

    def halved(self) -> Texture:
        """Return the texture at half the size, made once."""
        if self._halved is None:
            height, width = self.heat.shape
            size = (max(1, width // 2), max(1, height // 2))
            surface, heat = (
                cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
                for plane in (self.surface, self.heat)
            )
            self._halved = Texture(surface, heat, self.shine)
        return self._halved


@dataclass(slots=True)
class LazyTexture:
    """A texture that is painted when it is first seen.

    Attributes:
        paint: Makes the texture; draws chance from a generator of its own, so that the order
            in which things come into view changes nothing.
    """

    paint: Callable[[], Texture]
    _made: Texture | None = field(default=None, repr=False)

    def get(self) -> Texture:
        """Return the texture, painting it the first time."""
        if self._made is None:
            self._made = self.paint()
        return self._made
