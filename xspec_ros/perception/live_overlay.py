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

"""Answers drawn over their pictures as the messages come in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
import logging
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.compressed import decode_compressed
from xspec_ros.core.encodings import decode_image
from xspec_ros.core.health import LogThrottle
from xspec_ros.core.labels import MAX_CLASSES, MAX_NAME_LENGTH
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.core.radiometry import ToneTracker
from xspec_ros.core.result import Result
from xspec_ros.errors import MessageError
from xspec_ros.messages.cdr import peek_stamp_ns
from xspec_ros.messages.detections import decode_detections
from xspec_ros.messages.image import (
    decode_compressed_message,
    decode_image_message,
    decode_plane,
)
from xspec_ros.messages.labels import decode_label_info
from xspec_ros.messages.topics import COMPRESSED_TYPE, DETECTIONS, LABEL_INFO, SEGMENTATION
from xspec_ros.perception.joining import StampJoin
from xspec_ros.perception.overlay import colour_classes, draw_overlay, grey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.core.frame import Frame, Modality, UInt8Array
    from xspec_ros.core.labels import ClassLabel
    from xspec_ros.messages.cdr import Buffer
    from xspec_ros.messages.detections import StampedDetections

log = logging.getLogger(__name__)

PICTURE = 'picture'
PARTS = (PICTURE, SEGMENTATION, DETECTIONS)
# A picture is for people: what perception answered is drawn, however it came about.
LIMITS = DecodeLimits(allow_lossy_thermal=True, max_nan_fraction=1.0)
ENOUGH = 30  # messages after which something should have been drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One picture for people.

    Attributes:
        picture: (H, W, 3) uint8 RGB.
        stamp_ns: Stamp of the frame.
        frame_id: Its frame.
    """

    picture: UInt8Array
    stamp_ns: int
    frame_id: str


class LiveOverlay:
    """Joins pictures, label maps and boxes by stamp and draws them; nothing waits for long.

    Attributes:
        counts: Messages by part, ``drawn`` pictures, and what could not be drawn by reason.

    Args:
        reference: Camera whose frames are answered.
        score_threshold: Boxes below it are not drawn.
    """

    def __init__(
        self,
        *,
        reference: Modality = 'thermal',
        score_threshold: float = 0.0,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._reference = reference
        self._compressed = False
        self._score_threshold = score_threshold
        self._join = StampJoin(PARTS)
        self._tone = ToneTracker()
        self._throttle = LogThrottle()
        self._classes: tuple[ClassLabel, ...] | None = None

    def take_labels(self, cdr: Buffer) -> None:
        """Take the class list; answers before the first one are not drawn."""
        try:
            names = decode_label_info(cdr).names
        except MessageError as error:
            self._reject(error)
            return
        last = min(max(names, default=-1), MAX_CLASSES - 1)
        ordered = [names.get(index, f'class {index}') for index in range(last + 1)]
        self._classes = colour_classes(ordered)

    def take_picture(self, type_name: str, cdr: Buffer) -> Drawn | None:
        """Take a picture of the camera, raw or compressed; see ``take``."""
        self._compressed = type_name == COMPRESSED_TYPE
        return self.take(PICTURE, cdr)

    def take(self, part: str, cdr: Buffer) -> Drawn | None:
        """Take one message; return the picture that it completes.

        Args:
            part: One of ``PARTS``.
            cdr: The message.
        """
        self.counts[part] += 1
        whole = self._join.put(part, peek_stamp_ns(cdr), cdr)
        if whole is None or self._classes is None:
            return None
        try:
            drawn = self._draw(whole, self._classes)
        except MessageError as error:
            self._reject(error)
            return None
        self.counts['drawn'] += 1
        return drawn

    def lack(self) -> str:
        """Return why nothing is drawn although it should be, in words for a person, or ''."""
        absent = [part for part in PARTS if not self.counts[part]]
        if absent:
            return f'nothing heard of: {", ".join(absent)}'
        if self._classes is None:
            return f'nothing heard of: {LABEL_INFO}'
        if not self._join.joined and self.counts[SEGMENTATION] >= ENOUGH:
            return (
                'pictures and answers have no stamp in common: does reference name the camera '
                'that perception answers, and does that send stamps?'
            )
        return ''

    def _draw(self, whole: Mapping[str, Buffer], classes: tuple[ClassLabel, ...]) -> Drawn:
        frame = self._frame(whole[PICTURE])
        label_map = decode_plane(whole[SEGMENTATION])
        if label_map.shape != frame.size_hw:
            message = f'label map {label_map.shape} for a picture of {frame.size_hw}'
            raise MessageError(message, reason='size', hint='they must come from one camera')
        classes, boxes = self._boxes(whole[DETECTIONS], classes)
        result = Result(
            stamp_ns=boxes.stamp_ns,
            frame_id=boxes.frame_id,
            label_map=label_map,
            confidence=label_map,
            detections=boxes.detections,
            mode='rgb' if self._reference == 'rgb' else 'thermal',
        )
        picture = draw_overlay(
            self._for_people(frame),
            result,
            classes,
            [label.name for label in classes],
            score_threshold=self._score_threshold,
        )
        return Drawn(picture=picture, stamp_ns=result.stamp_ns, frame_id=result.frame_id)

    def _frame(self, cdr: Buffer) -> Frame:
        if self._compressed:
            packed = decode_compressed_message(cdr, max_bytes=LIMITS.max_image_bytes)
            return decode_compressed(packed, self._reference, limits=LIMITS)
        message = decode_image_message(cdr, max_bytes=LIMITS.max_image_bytes)
        return decode_image(message, self._reference, limits=LIMITS)

    def _for_people(self, frame: Frame) -> UInt8Array:
        if frame.image.ndim == 3:
            return frame.image.view(np.uint8)
        tone = self._tone.update(frame)
        return grey(frame.image, (tone.low, tone.high))

    def _boxes(
        self, cdr: Buffer, classes: tuple[ClassLabel, ...]
    ) -> tuple[tuple[ClassLabel, ...], StampedDetections]:
        """Read boxes of any name; new names are put behind the classes of the label map."""
        names = [label.name for label in classes]
        found = decode_detections(cdr, names)
        new = [name for name in found.names_unknown if 0 < len(name) <= MAX_NAME_LENGTH]
        room = MAX_CLASSES - len(names)
        if not new or room <= 0:
            return classes, found
        names += new[:room]
        self._classes = colour_classes(names)
        return self._classes, decode_detections(cdr, names)

    def _reject(self, error: MessageError) -> None:
        self.counts[f'rejected/{error.reason}'] += 1
        if self._throttle.allows(error.reason, perf_counter_ns()):
            log.warning('not drawn: %s', error)
