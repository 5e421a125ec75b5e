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

"""Boxes and points: scaling, clipping, overlap, homographies and quarter turns.

Boxes are (N, 4) left, top, right, bottom along pixel edges: a picture spans [0, W] x [0, H].
"""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from xspec_ros.errors import ConfigError

Boxes: TypeAlias = NDArray[np.float32]
Matrix: TypeAlias = NDArray[np.float64]
Sample = TypeVar('Sample', np.uint8, np.uint16)


def rescale_boxes(boxes_xyxy: Boxes, from_hw: tuple[int, int], to_hw: tuple[int, int]) -> Boxes:
    """Carry boxes from a picture to a resized copy of it.

    Args:
        boxes_xyxy: (N, 4) float32 in pixels of the first picture.
        from_hw: Its rows and columns.
        to_hw: Rows and columns of the copy.

    Returns:
        (N, 4) float32 in pixels of the copy.
    """
    scale_y, scale_x = to_hw[0] / from_hw[0], to_hw[1] / from_hw[1]
    factors = np.array([scale_x, scale_y, scale_x, scale_y])
    return _as_boxes(boxes_xyxy * factors)


def clip_boxes(boxes_xyxy: Boxes, size_hw: tuple[int, int]) -> Boxes:
    """Cut boxes to the picture; a box outside keeps its place in the array with no area.

    Args:
        boxes_xyxy: (N, 4) float32.
        size_hw: Rows and columns of the picture.

    Returns:
        (N, 4) float32 within [0, W] and [0, H].
    """
    height, width = size_hw
    limits = np.array([width, height, width, height], np.float32)
    clipped: Boxes = np.clip(_as_boxes(boxes_xyxy), np.float32(0.0), limits)
    return clipped


def box_areas(boxes_xyxy: Boxes) -> Boxes:
    """Return (N,) float32 areas in square pixels; boxes turned inside out have none."""
    sides = np.maximum(_as_boxes(boxes_xyxy)[:, 2:] - _as_boxes(boxes_xyxy)[:, :2], 0.0)
    areas: Boxes = np.asarray(sides.prod(axis=1), np.float32)
    return areas


def iou_matrix(a: Boxes, b: Boxes) -> Boxes:
    """Compare every box with every other.

    Args:
        a: (N, 4) float32.
        b: (M, 4) float32.

    Returns:
        (N, M) float32 intersection over union in [0, 1]; 0 where neither box has an area.
    """
    first, second = _as_boxes(a).astype(np.float64), _as_boxes(b).astype(np.float64)
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])  # (N, M, 2)
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared: Matrix = np.maximum(bottom_right - top_left, 0.0).prod(axis=2)  # (N, M)
    area_a = np.maximum(first[:, 2:] - first[:, :2], 0.0).prod(axis=1)
    area_b = np.maximum(second[:, 2:] - second[:, :2], 0.0).prod(axis=1)
    union = area_a[:, None] + area_b[None, :] - shared
    iou: Matrix = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0.0)
    return iou.astype(np.float32)


def check_homography(homography: Matrix) -> Matrix:
    """Return a homography as (3, 3) float64.

    Raises:
        ConfigError: Wrong shape, not finite, or singular.
    """
    matrix = np.asarray(homography, np.float64)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        message = f'homography of shape {matrix.shape}, or with values that are not finite'
        raise ConfigError(message, hint='three rows of three numbers')
    if np.linalg.cond(matrix) > 1e14:
        message = 'homography is singular'
        raise ConfigError(message, hint='estimate it again: xspec register')
    return matrix


def invert_homography(homography: Matrix) -> Matrix:
    """Return the way back, scaled so that its last element is 1 where it can be."""
    inverse = np.asarray(np.linalg.inv(check_homography(homography)), np.float64)
    corner = float(inverse[2, 2])
    return inverse / corner if abs(corner) > 1e-12 else inverse


def warp_points(points_xy: Boxes | Matrix, homography: Matrix) -> Matrix:
    """Carry points through a homography.

    Args:
        points_xy: (N, 2) pixels.
        homography: (3, 3), x' ~ H x.

    Returns:
        (N, 2) float64; NaN for points on or behind the horizon of the warp.
    """
    matrix = check_homography(homography)
    points = np.asarray(points_xy, np.float64).reshape(-1, 2)
    mapped = points @ matrix[:, :2].T + matrix[:, 2]  # (N, 3)
    # H and -H are one warp: the origin side of the picture decides what is in front.
    depth = mapped[:, 2:] * (1.0 if matrix[2, 2] >= 0.0 else -1.0)
    signed = mapped[:, :2] * (1.0 if matrix[2, 2] >= 0.0 else -1.0)
    out = np.full_like(points, np.nan)
    return np.divide(signed, depth, out=out, where=depth > 1e-12)


def warp_boxes(boxes_xyxy: Boxes, homography: Matrix) -> Boxes:
    """Carry boxes through a homography: the upright box around the four warped corners.

    Args:
        boxes_xyxy: (N, 4) float32.
        homography: (3, 3).

    Returns:
        (N, 4) float32; a row of NaN for a box that reaches the horizon of the warp.
    """
    boxes = _as_boxes(boxes_xyxy)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)
    warped = warp_points(corners, homography).reshape(-1, 4, 2)  # (N, corners, xy)
    low, high = warped.min(axis=1), warped.max(axis=1)
    return np.concatenate([low, high], axis=1).astype(np.float32)


def rotate_image(image: NDArray[Sample], rotate_deg: int) -> NDArray[Sample]:
    """Turn a picture clockwise by a multiple of 90 degrees; C-contiguous.

    Raises:
        ConfigError: Another angle.
    """
    return np.ascontiguousarray(np.rot90(image, -_quarter_turns(rotate_deg)))


def rotate_boxes(boxes_xyxy: Boxes, rotate_deg: int, size_hw: tuple[int, int]) -> Boxes:
    """Turn boxes clockwise along with their picture.

    Args:
        boxes_xyxy: (N, 4) float32 in the picture before the turn.
        rotate_deg: Clockwise, a multiple of 90; the negative angle leads back.
        size_hw: Rows and columns before the turn.

    Returns:
        (N, 4) float32 in the turned picture.

    Raises:
        ConfigError: Another angle.
    """
    boxes = _as_boxes(boxes_xyxy).copy()
    height, width = size_hw
    for _ in range(_quarter_turns(rotate_deg)):
        left, top, right, bottom = boxes.T
        boxes = np.stack([height - bottom, left, height - top, right], axis=1)
        height, width = width, height
    return boxes.astype(np.float32)


def _quarter_turns(rotate_deg: int) -> int:
    if rotate_deg % 90:
        message = f'rotate_deg {rotate_deg}'
        raise ConfigError(message, hint='0, 90, 180 or 270')
    return rotate_deg // 90 % 4


def _as_boxes(boxes_xyxy: Boxes) -> Boxes:
    return np.asarray(boxes_xyxy, np.float32).reshape(-1, 4)
