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

"""How well one answer fits the truth of its frame: for choosing pictures, not for tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.geometry import iou_matrix
from xspec_ros.core.metrics import ConfusionMatrix

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Detections, Result
    from xspec_ros.core.truth import Boxes

MATCH_IOU = 0.5
STRIDE = 4  # every 16th pixel ranks frames as well as all of them, in a sixteenth of the time


def frame_score(
    result: Result,
    names: Sequence[str],
    *,
    truth: UInt8Array | None,
    boxes: Boxes | None,
    score_threshold: float,
) -> float | None:
    """Return the mean of mIoU and F1 of one frame, whichever there is truth for.

    Args:
        result: The answer.
        names: Segmentation class names.
        truth: (H, W) uint8 true class ids, or None.
        boxes: True boxes, or None.
        score_threshold: Boxes below it are not counted.

    Returns:
        0 to 1; None without truth.
    """
    parts: list[float] = []
    if truth is not None:
        matrix = ConfusionMatrix(names)
        matrix.update(result.label_map[::STRIDE, ::STRIDE], truth[::STRIDE, ::STRIDE])
        miou = matrix.score().miou
        if miou is not None:
            parts.append(miou)
    if boxes is not None:
        parts.append(box_f1(result.detections.at_least(score_threshold), boxes))
    return float(np.mean(parts)) if parts else None


def box_f1(found: Detections, boxes: Boxes) -> float:
    """Return the F1 of boxes at IoU 0.5; 1 where there is nothing to find and nothing found.

    Args:
        found: Given boxes.
        boxes: True boxes; crowd regions are left out.
    """
    true_xyxy = boxes.boxes_xyxy[~boxes.crowd]
    true_ids = boxes.class_ids[~boxes.crowd]
    if not len(true_xyxy) and not len(found):
        return 1.0
    overlap = np.array(iou_matrix(found.boxes_xyxy, true_xyxy))
    overlap[found.class_ids[:, None] != true_ids[None, :]] = 0.0
    hits = 0
    while overlap.size and overlap.max() >= MATCH_IOU:
        row, column = np.unravel_index(np.argmax(overlap), overlap.shape)
        overlap[row, :] = 0.0
        overlap[:, column] = 0.0
        hits += 1
    return 2.0 * hits / (len(found) + len(true_xyxy))
