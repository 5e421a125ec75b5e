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

"""The ground truth of a bag, found by the stamp of the frame it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING
import zlib

import numpy as np

from xspec_ros.bag.pack import truth_box_names, TRUTH_LABEL_INFO
from xspec_ros.core.encodings import decode_image
from xspec_ros.core.labels import (
    ClassLabel,
    DEFAULT_CLASSES,
    DEFAULT_DETECTION_CLASSES,
    lookup_table,
    UNLABELLED,
)
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.core.truth import Boxes
from xspec_ros.errors import MessageError
from xspec_ros.messages.detections import decode_detections
from xspec_ros.messages.image import decode_image_message
from xspec_ros.messages.labels import decode_label_info
from xspec_ros.messages.topics import (
    TRUTH_DETECTIONS,
    TRUTH_RGB_DETECTIONS,
    TRUTH_SEGMENTATION,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.bag.records import Record
    from xspec_ros.core.frame import UInt8Array

LIMITS = DecodeLimits()


class TruthBook:
    """Truth messages by stamp; masks are held packed, so that a whole drive fits into memory.

    Args:
        classes: The model's classes; the bag's are mapped to them by name.
        detection_classes: The model's detection classes.
    """

    def __init__(
        self,
        classes: Sequence[ClassLabel] = DEFAULT_CLASSES,
        detection_classes: Sequence[str] = DEFAULT_DETECTION_CLASSES,
    ) -> None:
        self.problems: list[str] = []
        self._classes = tuple(classes)
        self._detection_classes = tuple(detection_classes)
        names = [label.name for label in DEFAULT_CLASSES]
        self._table = lookup_table(names, self._classes)
        self._masks: dict[int, tuple[tuple[int, int], bytes]] = {}
        self._boxes: dict[str, dict[int, Boxes]] = {TRUTH_DETECTIONS: {}, TRUTH_RGB_DETECTIONS: {}}

    def take(self, record: Record) -> None:
        """Keep one truth message; a damaged one is named in ``problems``.

        Args:
            record: A message of one of the truth topics.
        """
        try:
            if record.topic == TRUTH_SEGMENTATION:
                message = decode_image_message(record.cdr, max_bytes=LIMITS.max_image_bytes)
                frame = decode_image(message, 'thermal', limits=LIMITS)
                mask = np.ascontiguousarray(frame.image, np.uint8)
                self._masks[frame.stamp_ns] = (frame.size_hw, zlib.compress(mask.tobytes(), 1))
            elif record.topic == TRUTH_LABEL_INFO:
                names = decode_label_info(record.cdr).names
                ordered = [names.get(index, '') for index in range(max(names, default=-1) + 1)]
                self._table = lookup_table(ordered, self._classes)
            elif record.topic in self._boxes:
                self._take_boxes(record)
        except MessageError as error:
            text = f'{record.topic}: {error}'
            if text not in self.problems:
                self.problems.append(text)

    def label_map(self, stamp_ns: int, size_hw: tuple[int, int]) -> UInt8Array | None:
        """Return (H, W) uint8 true class ids of a frame; None when it is unlabelled.

        Args:
            stamp_ns: Stamp of the frame.
            size_hw: Its size; truth of another size is no truth for it.
        """
        if stamp_ns not in self._masks:
            return None
        mask_hw, packed = self._masks[stamp_ns]
        if mask_hw != size_hw:
            text = f'{TRUTH_SEGMENTATION}: {mask_hw} for a frame of {size_hw}'
            if text not in self.problems:
                self.problems.append(text)
            return None
        mask = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(size_hw)
        label_map = self._table[mask]
        label_map[mask == UNLABELLED] = UNLABELLED
        return label_map

    def boxes(self, stamp_ns: int) -> Boxes | None:
        """Return the true boxes of a thermal frame; None when it is unlabelled."""
        return self._boxes[TRUTH_DETECTIONS].get(stamp_ns)

    def rgb_boxes(self, stamp_ns: int) -> Boxes | None:
        """Return the true boxes of a visible frame; None when it is unlabelled."""
        return self._boxes[TRUTH_RGB_DETECTIONS].get(stamp_ns)

    def __len__(self) -> int:
        """Return the number of thermal frames with some truth."""
        return len(self._masks.keys() | self._boxes[TRUTH_DETECTIONS].keys())

    def _take_boxes(self, record: Record) -> None:
        count = len(self._detection_classes)
        stamped = decode_detections(record.cdr, truth_box_names(self._detection_classes))
        found = stamped.detections
        crowd = found.class_ids >= count
        class_ids = np.where(crowd, found.class_ids - count, found.class_ids)
        class_ids = np.where(found.class_ids == 2 * count, -1, class_ids)
        self._boxes[record.topic][stamped.stamp_ns] = Boxes.of(found.boxes_xyxy, class_ids, crowd)
