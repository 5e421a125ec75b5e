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

"""What people labelled: true boxes, and what a gap in their masks means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.labels import ClassLabel, index_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array

COMPLEMENT = 254
"""Label of a pixel that is none of the classes its data set annotates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """True boxes of one picture; no boxes at all is a valid value.

    Attributes:
        boxes_xyxy: (N, 4) float32, left, top, right, bottom in pixels of the picture.
        class_ids: (N,) int32 detection classes; -1 for a crowd region of no one class.
        crowd: (N,) bool, regions to ignore.
    """

    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    crowd: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        count = len(self.class_ids)
        if self.boxes_xyxy.shape != (count, 4) or self.crowd.shape != (count,):
            shapes = (self.boxes_xyxy.shape, self.class_ids.shape, self.crowd.shape)
            message = f'boxes need shapes (N, 4), (N,), (N,), got {shapes}'
            raise ValueError(message)

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.class_ids)

    @classmethod
    def of(
        cls,
        boxes_xyxy: Sequence[Sequence[float]] | NDArray[np.float32],
        class_ids: Sequence[int] | NDArray[np.int32],
        crowd: Sequence[bool] | NDArray[np.bool_] | None = None,
    ) -> Boxes:
        """Build boxes from anything array-like; ``crowd`` defaults to none.

        Args:
            boxes_xyxy: N rows of left, top, right, bottom.
            class_ids: N detection classes.
            crowd: N flags.
        """
        return cls(
            boxes_xyxy=np.asarray(boxes_xyxy, np.float32).reshape(-1, 4),
            class_ids=np.asarray(class_ids, np.int32).reshape(-1),
            crowd=np.zeros(len(class_ids), bool) if crowd is None else np.asarray(crowd, bool),
        )

    @classmethod
    def empty(cls) -> Boxes:
        """Return the label of a picture without objects."""
        return cls.of([], [])


def segmentation_ids(
    classes: Sequence[ClassLabel], detection_classes: Sequence[str]
) -> NDArray[np.int32]:
    """Return (D,) int32: the segmentation class of every detection class, -1 for none.

    Args:
        classes: Segmentation classes.
        detection_classes: Names of the detection classes.
    """
    known = index_by_name(classes)
    return np.array([known.get(name.lower(), -1) for name in detection_classes], np.int32)


def unmasked_box_regions(
    label_map: UInt8Array, boxes: Boxes, label_ids: NDArray[np.int32], *, share: float = 0.2
) -> NDArray[np.bool_]:
    """Find boxes that the masks do not cover: what is in them is not known.

    People who draw masks miss objects that people who draw boxes find (30 % of the persons in
    MFNet), so inside such a box "not labelled" does not mean "not there".

    Args:
        label_map: (H, W) uint8 model class ids.
        boxes: Boxes of the same picture.
        label_ids: (D,) segmentation class of every detection class, -1 for none
            (``segmentation_ids``).
        share: Boxes with less than this share of their area in their class are returned.

    Returns:
        (H, W) bool, True inside such boxes.
    """
    height, width = label_map.shape
    region = np.zeros((height, width), bool)
    for box, class_id in zip(boxes.boxes_xyxy, boxes.class_ids, strict=True):
        left, top = (max(int(np.floor(value)), 0) for value in box[:2])
        right, bottom = min(int(np.ceil(box[2])), width), min(int(np.ceil(box[3])), height)
        if right <= left or bottom <= top:
            continue
        label_id = label_ids[class_id] if class_id >= 0 else -1
        inside = label_map[top:bottom, left:right]
        if class_id < 0 or (label_id >= 0 and np.mean(inside == label_id) < share):
            region[top:bottom, left:right] = True
    return region
