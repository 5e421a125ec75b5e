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

"""Pictures and their labels as the messages of a ROS 2 drive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.labels import ClassLabel, DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.result import Detections
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.messages.detections import encode_detections
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.labels import encode_label_info
from xspec_ros.messages.topics import (
    DETECTIONS_TYPE,
    IMAGE_TYPE,
    LABEL_INFO_TYPE,
    RGB,
    THERMAL,
    TRUTH_DETECTIONS,
    TRUTH_RGB_DETECTIONS,
    TRUTH_SEGMENTATION,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from xspec_ros.bag.writer import BagWriter
    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.core.truth import Boxes
    from xspec_ros.datasets.sample import Sample

TRUTH_LABEL_INFO = '/ground_truth/label_info'
START_NS = 1_700_000_000_000_000_000
RGB_FRAME = 'rgb_optical'
THERMAL_FRAME = 'thermal_optical'
CROWD_SUFFIX = ':crowd'
ANY_CROWD = 'any' + CROWD_SUFFIX
# 8-bit pictures become counts as a 14-bit camera would send them: a straight line, so that tone
# mapping by percentiles sees the same picture.
COUNT_OFFSET = 6000
COUNT_GAIN = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What both cameras saw at one time, with the truth about it.

    Attributes:
        log_ns: Log time of the messages.
        rgb_stamp_ns: Header stamp of the visible picture and its boxes.
        thermal_stamp_ns: Header stamp of the thermal picture, its mask and boxes.
        rgb: (H, W, 3) uint8, or None.
        thermal: (H, W) uint8 or uint16, or None.
        label_map: (H, W) uint8 class ids on the thermal grid (the visible one where there is no
            thermal picture), or None for unlabelled.
        boxes_thermal: Boxes in the thermal picture, or None for unlabelled.
        boxes_rgb: Boxes in the visible picture, or None for unlabelled.
    """

    log_ns: int
    rgb_stamp_ns: int
    thermal_stamp_ns: int
    rgb: UInt8Array | None = None
    thermal: PixelArray | None = None
    label_map: UInt8Array | None = None
    boxes_thermal: Boxes | None = None
    boxes_rgb: Boxes | None = None


class DriveWriter:
    """Writes moments as camera and ground-truth messages.

    Args:
        bag: The bag to write to.
        classes: Classes of the label maps; written once as label info.
        detection_classes: Names of the box classes.
    """

    def __init__(
        self,
        bag: BagWriter,
        *,
        classes: Sequence[ClassLabel] = DEFAULT_CLASSES,
        detection_classes: Sequence[str] = DEFAULT_DETECTION_CLASSES,
    ) -> None:
        self.pairs = 0
        self.moments = 0
        self._bag = bag
        self._classes = tuple(classes)
        self._box_names = truth_box_names(detection_classes)
        self._named = False

    def write(self, moment: Moment) -> None:
        """Write one moment; absent pictures and labels are left out.

        Args:
            moment: The moment.
        """
        self.moments += 1
        self.pairs += moment.rgb is not None and moment.thermal is not None
        log_ns = moment.log_ns
        if moment.rgb is not None:
            self._image(RGB, moment.rgb, moment.rgb_stamp_ns, log_ns, encoding='rgb8')
        if moment.thermal is not None:
            encoding = 'mono16' if moment.thermal.dtype == np.uint16 else 'mono8'
            stamp_ns = moment.thermal_stamp_ns
            self._image(THERMAL, moment.thermal, stamp_ns, log_ns, encoding=encoding)
        has_thermal = moment.thermal is not None
        if moment.label_map is not None and (has_thermal or moment.rgb is not None):
            self._name_classes(log_ns)
            stamp_ns = moment.thermal_stamp_ns if has_thermal else moment.rgb_stamp_ns
            self._image(TRUTH_SEGMENTATION, moment.label_map, stamp_ns, log_ns, encoding='mono8')
        if moment.boxes_thermal is not None and has_thermal:
            stamp_ns = moment.thermal_stamp_ns
            self._boxes(TRUTH_DETECTIONS, moment.boxes_thermal, stamp_ns, log_ns)
        if moment.boxes_rgb is not None and moment.rgb is not None:
            self._boxes(TRUTH_RGB_DETECTIONS, moment.boxes_rgb, moment.rgb_stamp_ns, log_ns)

    def _image(
        self, topic: str, image: PixelArray, stamp_ns: int, log_ns: int, *, encoding: str
    ) -> None:
        frame_id = RGB_FRAME if topic == RGB else THERMAL_FRAME
        cdr = encode_image(image, stamp_ns=stamp_ns, frame_id=frame_id, encoding=encoding)
        self._bag.write(topic, IMAGE_TYPE, cdr, log_ns)

    def _boxes(self, topic: str, boxes: Boxes, stamp_ns: int, log_ns: int) -> None:
        frame_id = RGB_FRAME if topic == TRUTH_RGB_DETECTIONS else THERMAL_FRAME
        known = len(self._box_names) // 2
        class_ids = np.where(boxes.crowd, boxes.class_ids + known, boxes.class_ids)
        class_ids = np.where(boxes.class_ids < 0, len(self._box_names) - 1, class_ids)
        detections = Detections(
            boxes_xyxy=boxes.boxes_xyxy,
            scores=np.ones(len(boxes), np.float32),
            class_ids=class_ids.astype(np.int32),
        )
        cdr = encode_detections(detections, self._box_names, stamp_ns=stamp_ns, frame_id=frame_id)
        self._bag.write(topic, DETECTIONS_TYPE, cdr, log_ns)

    def _name_classes(self, log_ns: int) -> None:
        if self._named:
            return
        cdr = encode_label_info(
            self._classes, stamp_ns=log_ns, frame_id=THERMAL_FRAME, threshold=0.0
        )
        self._bag.write(TRUTH_LABEL_INFO, LABEL_INFO_TYPE, cdr, log_ns)
        self._named = True


def truth_box_names(detection_classes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of true boxes: the classes, each as a crowd, and a crowd of any class.

    Messages have no crowd flag, and a plain name would turn a region to ignore into an object.
    """
    crowds = (name + CROWD_SUFFIX for name in detection_classes)
    return (*detection_classes, *crowds, ANY_CROWD)


def pack(
    samples: Iterable[Sample],
    bag: BagWriter,
    *,
    rate_hz: float = 10.0,
    bits: int | None = None,
    progress: Callable[[], None] = lambda: None,
) -> DriveWriter:
    """Write a data set as a drive, one sample after the other.

    Args:
        samples: The samples; label maps hold ids of the default classes.
        bag: The bag to write to.
        rate_hz: Pictures a second.
        bits: 8 or 16 bits a thermal pixel; None as the pictures are.
        progress: Called after every sample.

    Returns:
        The writer, for its counts.

    Raises:
        ConfigError: Rate or bits make no sense.
        DataError: A picture does not fit the bits, or the bag cannot be written.
    """
    if not 0.001 <= rate_hz <= 1000.0:
        message = f'rate {rate_hz:g} Hz'
        raise ConfigError(message, hint='give 0.001 to 1000')
    if bits not in (None, 8, 16):
        message = f'{bits} bits'
        raise ConfigError(message, hint='give 8 or 16')
    drive = DriveWriter(bag)
    for index, sample in enumerate(samples):
        stamp_ns = START_NS + round(index * 1e9 / rate_hz)
        drive.write(
            Moment(
                log_ns=stamp_ns,
                rgb_stamp_ns=stamp_ns,
                thermal_stamp_ns=stamp_ns,
                rgb=sample.rgb,
                thermal=None if sample.thermal is None else as_bits(sample.thermal, bits),
                label_map=sample.label_map,
                boxes_thermal=sample.boxes_thermal,
                boxes_rgb=sample.boxes_rgb,
            )
        )
        progress()
    return drive


def as_bits(thermal: PixelArray, bits: int | None) -> PixelArray:
    """Return a thermal picture with the wanted depth.

    Args:
        thermal: (H, W) uint8 or uint16.
        bits: 8, 16 or None for no change.

    Returns:
        (H, W); 8-bit values become 14-bit-like counts, the order of values is kept.

    Raises:
        DataError: A 16-bit picture is wanted as 8 bits, which would lose what it holds.
    """
    if bits == 16 and thermal.dtype == np.uint8:
        counts: PixelArray = COUNT_OFFSET + COUNT_GAIN * thermal.astype(np.uint16)
        return counts
    if bits == 8 and thermal.dtype == np.uint16:
        message = 'a 16-bit thermal picture as 8 bits'
        raise DataError(message, hint='pack it with --bits 16 or leave --bits out')
    return thermal
