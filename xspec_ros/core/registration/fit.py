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

"""A homography through correlation surfaces: robust, and weighted by what each block can tell.

A block with edges in one direction only says where it lies across them. So every peak comes with
a matrix of information from its curvature, and the fit is by weighted least squares with
Geman-McClure weights whose scale goes down (Black and Rangarajan, IJCV 1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.core.geometry import warp_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.geometry import Matrix
    from xspec_ros.core.registration.blocks import Stack, Surfaces

    Plane = NDArray[np.float64]

# Standard deviation of the correlation of blocks that have nothing in common, times the side of
# the block: 0.059, 0.038 and 0.025 at 40, 64 and 96 pixels, over pictures of different places.
CHANCE = 2.4
# Variance of the slope of such a surface against its own: what noise moves a peak by.
CHANCE_SLOPE = 0.025
MIN_QUALITY = 3.0
INLIER_PX = 2.0
# Cameras of one rig differ by zoom, shift and turn; stretch, shear and perspective are small.
SHAPE_SIGMA = 0.015
OVERLAP = 3.0  # blocks overlap, so that this many tell the same
SHAPES = np.array(
    [
        [1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peaks:
    """Where blocks were found; pixels of the level.

    Attributes:
        shifts: (N, 2) float64 dx, dy of the peak.
        information: (N, 2, 2) float64 inverse variance in 1/px^2, at most 1 in any direction.
        quality: (N,) float64 height of the peak over the surface's median, in standard
            deviations of chance.
    """

    shifts: Plane
    information: Plane
    quality: Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A correction of the homography, and how the blocks like it.

    Attributes:
        correction: (3, 3) on the thermal grid of the level: from where a place was put to
            where it was found.
        peaks: The peaks that it went through.
        inlier: (N,) bool, blocks that were used and lie within ``INLIER_PX``.
        used: (N,) bool, blocks that RGB covers and that have a peak.
    """

    correction: Matrix
    peaks: Peaks
    inlier: NDArray[np.bool_]
    used: NDArray[np.bool_]

    def shifts_at(self, points: Plane) -> Plane:
        """Return the (N, 2) displacements that the correction gives to points."""
        return np.asarray(warp_points(points, self.correction) - points, np.float64)


def fit_surfaces(surfaces: Surfaces, alike: Stack) -> Fit:
    """Fit a homography to the surfaces of some pairs, taken together.

    Args:
        surfaces: The level and its blocks.
        alike: (F, N, D, D) surfaces of the pairs to use.

    Returns:
        The fit.
    """
    level, centres = surfaces.level, surfaces.centres
    heights = standardise(alike, level.block)
    basis = _Basis(surfaces.size_hw)
    design = basis.design(centres)
    values = np.zeros(8)
    peaks = find_peaks(heights, np.zeros_like(centres), spread=float(level.reach))
    for scale in [scale for scale in level.scales for _ in range(2)]:
        expected = warp_points(centres, basis.matrix(values)) - centres
        peaks = find_peaks(heights, expected, spread=max(scale, 1.5))
        used = surfaces.seen & (peaks.quality > MIN_QUALITY)
        values = _solve(design, peaks, used, values, scale)
    correction = basis.matrix(values)
    used = surfaces.seen & (peaks.quality > MIN_QUALITY)
    off = _distances(peaks, warp_points(centres, correction) - centres)
    return Fit(correction=correction, peaks=peaks, inlier=used & (off < INLIER_PX), used=used)


def standardise(alike: Stack, block: int) -> Stack:
    """Pool pairs and return (N, D, D) heights in standard deviations of chance."""
    pooled = alike.mean(axis=0, dtype=np.float64)  # (N, D, D)
    middle = np.median(pooled.reshape(len(pooled), -1), axis=1)[:, None, None]
    heights = (pooled - middle) * (block / CHANCE * np.sqrt(len(alike)))
    smooth = [cv2.GaussianBlur(each.astype(np.float32), (0, 0), 0.7) for each in heights]
    return np.asarray(np.stack(smooth), np.float32)


def find_peaks(heights: Stack, expected: Plane, *, spread: float) -> Peaks:
    """Find the best peak of every surface near where it is expected.

    Args:
        heights: (N, D, D) from ``standardise``.
        expected: (N, 2) dx, dy.
        spread: Standard deviation in pixels of the distance from there.

    Returns:
        The peaks, to fractions of a pixel.
    """
    count, side, _ = heights.shape
    reach = side // 2
    steps = np.arange(-reach, reach + 1)
    along = np.exp(-((steps[None, None] - expected[..., None]) ** 2) / (2.0 * spread**2))
    near = np.maximum(heights, 0.0) * along[:, 1, :, None] * along[:, 0, None, :]
    best = near.reshape(count, -1).argmax(axis=1)
    row = np.clip(best // side, 1, side - 2)
    column = np.clip(best % side, 1, side - 2)
    offsets = np.arange(-1, 2)
    index = np.arange(count)[:, None, None]
    patch = heights[
        index, row[:, None, None] + offsets[:, None], column[:, None, None] + offsets
    ].astype(np.float64)  # (N, 3, 3)
    fraction, information = _quadratic(patch)
    whole = np.stack([column - reach, row - reach], axis=1)
    return Peaks(shifts=whole + fraction, information=information, quality=patch[:, 1, 1])


def _quadratic(patch: Plane) -> tuple[Plane, Plane]:
    """Fit paraboloids to (N, 3, 3): (N, 2) offsets of their tops, (N, 2, 2) information."""
    slope_x = (patch[:, 1, 2] - patch[:, 1, 0]) / 2.0
    slope_y = (patch[:, 2, 1] - patch[:, 0, 1]) / 2.0
    bend_x = 2.0 * patch[:, 1, 1] - patch[:, 1, 2] - patch[:, 1, 0]
    bend_y = 2.0 * patch[:, 1, 1] - patch[:, 2, 1] - patch[:, 0, 1]
    cross = (patch[:, 0, 2] + patch[:, 2, 0] - patch[:, 2, 2] - patch[:, 0, 0]) / 4.0
    bends = np.stack([np.stack([bend_x, cross], -1), np.stack([cross, bend_y], -1)], -2)
    values, axes = np.linalg.eigh(bends)
    values = np.maximum(values, 1e-3)
    sloped = np.einsum('nij,ni->nj', axes, np.stack([slope_x, slope_y], -1))
    fraction = np.einsum('nij,nj->ni', axes, sloped / values)
    # Noise with slope variance s moves a top of curvature c by s / c^2; a pixel is as good as
    # a homography can be right for a scene with depth.
    known = values**2 / (values**2 + CHANCE_SLOPE)
    information = np.einsum('nij,nj,nkj->nik', axes, known, axes)
    return np.clip(fraction, -1.0, 1.0), np.asarray(information, np.float64)


def _distances(peaks: Peaks, expected: Plane) -> Plane:
    """Return (N,) distances of peaks in pixels, along the directions that they know."""
    off = peaks.shifts - expected
    squares = np.einsum('ni,nij,nj->n', off, peaks.information, off)
    return np.asarray(np.sqrt(squares), np.float64)


def _solve(
    design: Plane, peaks: Peaks, used: NDArray[np.bool_], values: Plane, scale: float
) -> Plane:
    """Solve for the (8,) values by reweighted least squares."""
    prior = SHAPES.T @ SHAPES * (OVERLAP / SHAPE_SIGMA**2) + 1e-6 * np.eye(8)
    for _ in range(3):
        off = _distances(peaks, design @ values)
        weights = (scale**2 / (scale**2 + off**2)) ** 2 * used
        known = peaks.information * weights[:, None, None]
        normal = np.einsum('nki,nkl,nlj->ij', design, known, design) + prior
        values = np.linalg.solve(normal, np.einsum('nki,nkl,nl->i', design, known, peaks.shifts))
    return values


class _Basis:
    """Eight numbers as a homography near identity, in units of half the picture's diagonal."""

    def __init__(self, size_hw: Sequence[int]) -> None:
        height, width = size_hw
        self.half = float(np.hypot(height, width)) / 2.0
        self.middle = np.array([width / 2.0, height / 2.0])

    def design(self, points: Plane) -> Plane:
        """Return (N, 2, 8): displacements in pixels that each of the numbers gives."""
        x, y = ((points - self.middle) / self.half).T
        one, none = np.ones_like(x), np.zeros_like(x)
        right = np.stack([x, y, one, none, none, none, -x * x, -x * y], axis=1)
        down = np.stack([none, none, none, x, y, one, -x * y, -y * y], axis=1)
        return np.asarray(np.stack([right, down], axis=1) * self.half, np.float64)

    def matrix(self, values: Plane) -> Matrix:
        """Return the (3, 3) homography in pixels."""
        near = np.eye(3) + np.append(values, 0.0).reshape(3, 3)
        x, y = self.middle
        to_unit = np.array([[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, self.half]]) / self.half
        return np.asarray(np.linalg.inv(to_unit) @ near @ to_unit, np.float64)
