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

"""Working copies of a pair, and the structure in which both cameras agree.

Thermal and RGB pictures share where edges are and how they run, not which side is brighter. So
a picture becomes a field of complex numbers: the length is the gradient's, against its
surroundings; the angle is twice that of the gradient, so that both signs of an edge are equal.
Two fields correlate where edges run alike, and unlike directions count against each other (the
tensor of orientation of Bigun and Granlund, ICCV 1987).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from xspec_ros.core.geometry import Matrix, warp_points

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspec_ros.core.frame import PixelArray, UInt8Array

Gray: TypeAlias = NDArray[np.float32]
Field: TypeAlias = NDArray[np.complex64]
Mask: TypeAlias = NDArray[np.bool_]

THERMAL_WIDTH = 640
RGB_WIDTH = 1280  # a picture of twice the thermal field of view has as many pixels a degree
TAILS = (0.5, 99.5)
MIN_LEVELS = 4.0  # counts between the tails: less is a shutter, or a lens cap
SURROUNDINGS = 31
LONGEST = 2.0
COARSE = 0.75
MIN_MOVING = 4
# Pixel edges to OpenCV's pixel centres.
TO_EDGES = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
TO_CENTRES = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Working copies of a pair in grey, small enough to hold many.

    Attributes:
        thermal: (h, w) float32 in [0, 1], at most ``THERMAL_WIDTH`` wide.
        rgb: (h, w) float32 in [0, 1], at most ``RGB_WIDTH`` wide.
        thermal_hw: Rows and columns of the thermal picture as it came.
        rgb_hw: Rows and columns of the RGB picture as it came.
    """

    thermal: Gray
    rgb: Gray
    thermal_hw: tuple[int, int]
    rgb_hw: tuple[int, int]


def view_of(rgb: UInt8Array, thermal: PixelArray) -> View | None:
    """Make the working copies of a pair.

    Args:
        rgb: (h, w, 3) uint8.
        thermal: (H, W) uint8 or uint16 counts.

    Returns:
        The copies; None for a pair in which a picture shows nothing: a closed shutter, a lens
        cap.
    """
    luma = cast('UInt8Array', cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    rgb_gray, thermal_gray = (_stretched(each) for each in (luma, thermal))
    if rgb_gray is None or thermal_gray is None:
        return None
    return View(
        thermal=_at_most(thermal_gray, THERMAL_WIDTH),
        rgb=_at_most(rgb_gray, RGB_WIDTH),
        thermal_hw=(thermal.shape[0], thermal.shape[1]),
        rgb_hw=(rgb.shape[0], rgb.shape[1]),
    )


def resize(gray: Gray, size_hw: tuple[int, int]) -> Gray:
    """Resize a grey picture; a smaller copy is averaged."""
    if gray.shape == size_hw:
        return gray
    smaller = size_hw[0] < gray.shape[0]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(gray, size_hw[::-1], interpolation=how), np.float32)


def warp_gray(gray: Gray, homography: Matrix, size_hw: tuple[int, int]) -> tuple[Gray, Mask]:
    """Lay a grey picture on another grid.

    Args:
        gray: (h, w) float32.
        homography: (3, 3) from its pixel edges to those of the grid.
        size_hw: Rows and columns of the grid.

    Returns:
        (H, W) float32, continued beyond the picture's border; (H, W) bool, where there is any.
    """
    height, width = gray.shape
    zoom = zoom_of(homography, (height, width))
    if zoom < COARSE:
        small = max(8, round(height * zoom)), max(8, round(width * zoom))
        gray = resize(gray, small)
        homography = homography @ np.diag([width / small[1], height / small[0], 1.0])
    matrix = TO_CENTRES @ homography @ TO_EDGES
    warped = cv2.warpPerspective(
        gray, matrix, size_hw[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    ones = np.ones(gray.shape, np.uint8)
    inside = cv2.warpPerspective(ones, matrix, size_hw[::-1], flags=cv2.INTER_NEAREST)
    return np.asarray(warped, np.float32), np.asarray(inside, np.uint8) > 0


def zoom_of(homography: Matrix, size_hw: tuple[int, int]) -> float:
    """Return the pixels that a pixel at the centre of a picture of this size becomes."""
    x, y = size_hw[1] / 2.0, size_hw[0] / 2.0
    corners = np.array([[x, y], [x + 1.0, y], [x, y + 1.0]])
    origin, right, down = warp_points(corners, homography)
    return float(np.sqrt(abs(np.linalg.det(np.stack([right - origin, down - origin])))))


def structure(
    gray: Gray,
    inside: Mask | None = None,
    *,
    surroundings: int = SURROUNDINGS,
    sigma: float = 1.0,
) -> Field:
    """Return the field of edges of a picture.

    Args:
        gray: (H, W) float32.
        inside: (H, W) bool where there is a picture; None: everywhere.
        surroundings: Side in pixels of the window that a gradient is measured against, odd.
        sigma: Smoothing in pixels before the gradient is taken.

    Returns:
        (H, W) complex64: length 0 to ``LONGEST``, angle twice the gradient's. 0 outside.
    """
    smooth = cv2.GaussianBlur(gray, (0, 0), sigma)
    gx = np.asarray(cv2.Scharr(smooth, cv2.CV_32F, 1, 0), np.float32)
    gy = np.asarray(cv2.Scharr(smooth, cv2.CV_32F, 0, 1), np.float32)
    power = gx * gx + gy * gy
    if inside is None:
        inside = np.ones(gray.shape, np.bool_)
    kept = _shrunk(inside)
    power *= kept
    window = (surroundings, surroundings)
    share = np.maximum(cv2.boxFilter(kept, -1, window), 1e-3)
    around = np.asarray(cv2.boxFilter(power, -1, window), np.float32) / share
    # The median gradient is the noise of the picture: weaker ones must not be raised to edges.
    floor = np.float32(np.median(power[kept > 0.0]) if kept.any() else 1.0) + np.float32(1e-12)
    length = np.minimum(np.sqrt(power / (around + floor)), np.float32(LONGEST))
    turn = length / np.maximum(power, np.float32(1e-20)) * kept
    real = cv2.GaussianBlur((gx * gx - gy * gy) * turn, (0, 0), 1.0)
    imaginary = cv2.GaussianBlur(2.0 * gx * gy * turn, (0, 0), 1.0)
    return np.asarray(real + np.complex64(1j) * imaginary, np.complex64)


def static_structure(views: Sequence[View], make: Callable[[View], Field]) -> Field | None:
    """Return the mean field of the thermal pictures: what stays where it is while they move.

    Black corners of a rectified picture, a bonnet or dirt on the window are edges in every pair,
    but not the same ones in both pictures. Without this mean they cannot speak for a place.

    Args:
        views: Pairs of one rig.
        make: Makes the field of a pair's thermal picture.

    Returns:
        (H, W) complex64; None for fewer than ``MIN_MOVING`` pairs, which have no mean to go by.
    """
    if len(views) < MIN_MOVING:
        return None
    total = make(views[0])
    for view in views[1:]:
        total = total + make(view)
    return np.asarray(total / np.float32(len(views)), np.complex64)


def _stretched(image: PixelArray) -> Gray | None:
    """Stretch a picture to [0, 1]; None where there is nothing to stretch."""
    low, high = (float(value) for value in np.percentile(image[::4, ::4], TAILS))
    if high - low < MIN_LEVELS:
        return None
    gray = (image.astype(np.float32) - np.float32(low)) / np.float32(high - low)
    return np.asarray(np.clip(gray, np.float32(0.0), np.float32(1.0)), np.float32)


def _at_most(gray: Gray, width: int) -> Gray:
    if gray.shape[1] <= width:
        return gray
    return resize(gray, (max(1, round(gray.shape[0] * width / gray.shape[1])), width))


def _shrunk(inside: Mask) -> Gray:
    """Take away the border of a picture's area, whose gradients are those of the border."""
    shrunk = cv2.erode(
        inside.astype(np.float32),
        np.ones((7, 7), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=1.0,
    )
    return np.asarray(shrunk, np.float32)
