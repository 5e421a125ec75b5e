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

"""How consistent answers are: under a mirror, under another gain, a moment later.

Letters: h, w rows and columns of label maps, H, W of the network's input, N and M boxes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch

from xspec_ros.core.geometry import iou_matrix
from xspec_ros.core.result import Detections

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array

MATCH_IOU = 0.5
GAMMAS = (0.8, 1.25)
GAINS = (0.85, 1.15)
OFFSETS = (-0.05, 0.05)
NOISE = 0.01
LARGEST_ERROR = 0.1  # of a warped pixel in [0, 1]: above it the scene was covered or is new


def disturbed(image: torch.Tensor, number: int) -> torch.Tensor:
    """Return a picture as another camera setting would give it, always the same for a number.

    Args:
        image: (1, 1, H, W) float32 in [0, 1], after tone mapping.
        number: Number of the picture; gain, level and exponent go up and down with it.
    """
    gamma, gain, offset = (
        values[number >> bit & 1] for bit, values in enumerate((GAMMAS, GAINS, OFFSETS))
    )
    generator = torch.Generator().manual_seed(number)
    noise = torch.randn(image.shape, generator=generator) * NOISE
    changed = (image.clamp(0.0, 1.0) ** gamma - 0.5) * gain + 0.5 + offset + noise
    return changed.clamp(0.0, 1.0)


def count_equal(
    one: UInt8Array, other: UInt8Array, where: NDArray[np.bool_] | None = None
) -> tuple[int, int]:
    """Return how many pixels have one label in both maps, and how many were compared.

    Args:
        one: (h, w) uint8.
        other: (h, w) uint8.
        where: (h, w) bool, pixels to compare; None: all.
    """
    equal = one == other
    if where is None:
        return int(np.count_nonzero(equal)), equal.size
    return int(np.count_nonzero(equal & where)), int(np.count_nonzero(where))


def mirrored(found: Detections, width: float) -> Detections:
    """Return boxes as in the mirrored picture.

    Args:
        found: Boxes.
        width: Columns of the picture.
    """
    boxes = found.boxes_xyxy.copy()
    boxes[:, [0, 2]] = np.float32(width) - boxes[:, [2, 0]]
    return Detections(boxes_xyxy=boxes, scores=found.scores, class_ids=found.class_ids)


def count_matches(one: Detections, other: Detections) -> int:
    """Return how many boxes of a class overlap one to one with IoU 0.5, the surest first."""
    overlap = iou_matrix(one.boxes_xyxy, other.boxes_xyxy)  # (N, M)
    overlap = np.where(one.class_ids[:, None] == other.class_ids[None], overlap, 0.0)
    matches = 0
    for row in np.argsort(-one.scores, kind='stable').tolist():
        if not overlap.shape[1]:
            break
        best = int(overlap[row].argmax())
        if overlap[row, best] >= MATCH_IOU:
            overlap[:, best] = 0.0
            matches += 1
    return matches


class Motion:
    """Where the scene of a picture lies a moment later, by dense optical flow.

    DIS (Kroeger et al., https://arxiv.org/abs/1603.03590) on the tone-mapped pictures. Pixels that
    leave the picture, or whose brightness there is another, are not followed.

    Args:
        image: (h, w) float32 in [0, 1].
        later: (h, w) float32 in [0, 1], a moment later.
    """

    def __init__(self, image: NDArray[np.float32], later: NDArray[np.float32]) -> None:
        one, other = (np.rint(255.0 * each).astype(np.uint8) for each in (image, later))
        height, width = image.shape
        solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        flow = solver.calc(one, other, np.zeros((height, width, 2), np.float32))
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        x, y = columns + flow[..., 0], rows + flow[..., 1]
        seen = cv2.remap(later, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
        self.followed: NDArray[np.bool_] = inside & (np.abs(seen - image) <= LARGEST_ERROR)
        self._columns = np.clip(np.rint(x), 0, width - 1).astype(np.int16)
        self._rows = np.clip(np.rint(y), 0, height - 1).astype(np.int16)

    def back(self, label_map: UInt8Array) -> UInt8Array:
        """Return (h, w) uint8: a later label map as the earlier picture sees it."""
        earlier: UInt8Array = label_map[self._rows, self._columns]
        return earlier
