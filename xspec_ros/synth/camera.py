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

"""Where things appear: a pinhole camera over a road that bends and rises."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xspec_ros.synth.canvas import Array

NEAR_M = 0.7
FAR_M = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """One view of the road.

    Road coordinates are lateral (m, right positive), station (m along the road) and height
    above the ground (m). The road bends and rises quadratically ahead of the camera.

    Attributes:
        size_wh: Columns and rows.
        focal: Focal length in pixels.
        centre_u: Column of the road's direction (yaw shifts it).
        horizon_v: Row of the level horizon (pitch shifts it).
        height: Camera height above the road in metres.
        lateral: Camera's lateral position in metres.
        station: Camera's station in metres.
        bend: Curvature of the road in 1/m.
        rise: Vertical curvature of the road in 1/m, uphill positive.
    """

    size_wh: tuple[int, int]
    focal: float
    centre_u: float
    horizon_v: float
    height: float
    lateral: float
    station: float
    bend: float
    rise: float

    def project(self, points: Array) -> Array:
        """Project road points.

        Args:
            points: (..., 3) lateral, distance ahead of the camera, height above ground; metres.

        Returns:
            (..., 2) columns and rows in pixels; distances are held at the near plane.
        """
        ahead = np.maximum(points[..., 1], NEAR_M)
        scale = self.focal / ahead
        side = points[..., 0] - self.lateral + 0.5 * self.bend * ahead * ahead
        down = self.height - points[..., 2] - 0.5 * self.rise * ahead * ahead
        return np.stack([self.centre_u + scale * side, self.horizon_v + scale * down], axis=-1)

    def ground_rows(self) -> tuple[int, Array]:
        """Where the ground is seen.

        Returns:
            First row whose ground lies within the far distance, and the distance in metres of
            that row and every one below it, (rows,) float64.
        """
        slope = (np.arange(self.size_wh[1]) + 0.5 - self.horizon_v) / self.focal
        inside = slope * slope + 2.0 * self.rise * self.height
        bottom = slope + np.sqrt(np.maximum(inside, 0.0))
        ahead = np.where((inside >= 0.0) & (bottom > 1e-6), 2.0 * self.height, np.inf)
        ahead = ahead / np.maximum(bottom, 1e-6)
        seen = np.flatnonzero(ahead <= FAR_M)
        if len(seen) == 0:
            return self.size_wh[1], np.zeros(0)
        first = int(seen[0])
        return first, ahead[first:]

    def scale_at(self, ahead: float) -> float:
        """Pixels a metre at this distance."""
        return self.focal / max(ahead, NEAR_M)

    def shifted(self, baseline_m: float) -> Camera:
        """The same camera moved to the right."""
        return replace(self, lateral=self.lateral + baseline_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a moving object is.

    Attributes:
        lateral: Metres, right positive.
        station: Metres along the road.
        ahead: Metres in front of the camera.
        heading: Direction in radians: 0 = away along the road, pi/2 = to the right.
    """

    lateral: float
    station: float
    ahead: float
    heading: float

    def points(self, local: Array) -> Array:
        """Turn (..., 3) forward, right, up into lateral, ahead, height."""
        cosine, sine = math.cos(self.heading), math.sin(self.heading)
        forward, right = local[..., 0], local[..., 1]
        lateral = self.lateral + forward * sine + right * cosine
        ahead = self.ahead + forward * cosine - right * sine
        return np.stack([lateral, ahead, local[..., 2]], axis=-1)
