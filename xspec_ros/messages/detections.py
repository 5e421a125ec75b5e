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

"""``vision_msgs/Detection2DArray`` (4.x): written from a template, a box a millionth of a second.

Every detection carries 43 float64 of pose that a 2-D box does not use, so a message is mostly
constants: one block a class is laid out once, and only seven numbers a box are filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.result import Detections
from xspec_ros.messages.cdr import Buffer, CdrReader, CdrWriter
from xspec_ros.messages.topics import DETECTIONS_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

POSE_VALUES = 43
QUATERNION_W = 6
MIN_DETECTION_BYTES = 56
MIN_RESULT_BYTES = 352
SCORE = Struct('<d')
BOX = Struct('<5d')


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedDetections:
    """A decoded ``Detection2DArray``.

    Attributes:
        stamp_ns: Header stamp in nanoseconds.
        frame_id: Header frame, decoded leniently.
        detections: Boxes whose best hypothesis is among the known names.
        names_unknown: Names that were not, sorted; their boxes are left out.
    """

    stamp_ns: int
    frame_id: str
    detections: Detections
    names_unknown: tuple[str, ...] = ()


def encode_detections(
    detections: Detections, names: Sequence[str], *, stamp_ns: int, frame_id: str
) -> bytes:
    """Write boxes as ROS consumers expect them; no boxes make an empty array.

    Args:
        detections: Boxes in pixels of the reference image.
        names: Detection classes; ``class_id`` of the message is the name.
        stamp_ns: Header stamp in nanoseconds, of the array and of every box.
        frame_id: Header frame, likewise.
    """
    writer = CdrWriter()
    writer.header(stamp_ns, frame_id)
    writer.uint32(len(detections))
    boxes = detections.boxes_xyxy.astype(np.float64)
    sizes = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, :2] + sizes / 2
    rows = np.concatenate([centres, np.zeros((len(boxes), 1)), sizes], axis=1).tolist()
    scores = detections.scores.tolist()
    templates: dict[tuple[int, int], tuple[bytes, int]] = {}
    for index, class_id in enumerate(detections.class_ids.tolist()):
        writer.align(4)
        key = (class_id, len(writer) % 8)
        if key not in templates:
            templates[key] = _template(names[class_id], stamp_ns, frame_id, phase=key[1])
        template, score_at = templates[key]
        block = bytearray(template)
        SCORE.pack_into(block, score_at, scores[index])
        BOX.pack_into(block, score_at + 8 * (1 + POSE_VALUES), *rows[index])
        writer.append(block)
    return writer.finish()


def _template(name: str, stamp_ns: int, frame_id: str, *, phase: int) -> tuple[bytes, int]:
    """Lay out one detection that starts ``phase`` bytes off 8, and find its score."""
    writer = CdrWriter()
    writer.append(bytes(phase))
    writer.header(stamp_ns, frame_id)
    writer.uint32(1)
    writer.text(name)
    writer.align(8)
    score_at = len(writer) - phase
    pose = [0.0] * POSE_VALUES
    pose[QUATERNION_W] = 1.0
    writer.values(f'{1 + POSE_VALUES + 5}d', 8, 0.0, *pose, *([0.0] * 5))
    writer.text('')
    body = writer.finish()
    return body[4 + phase :], score_at


def decode_detections(cdr: Buffer, names: Sequence[str]) -> StampedDetections:
    """Read a ``Detection2DArray``.

    Args:
        cdr: The message.
        names: Detection classes; a ``class_id`` that is a number counts as an index into them.

    Returns:
        Boxes with their best hypothesis; boxes without one are left out.

    Raises:
        MessageError: Damaged, or one of the older vision_msgs shapes.
    """
    reader = CdrReader(cdr, DETECTIONS_TYPE)
    stamp_ns = reader.stamp_ns()
    frame_id = reader.text()
    known = {name: index for index, name in enumerate(names)}
    known.update({str(index): index for index in range(len(names)) if str(index) not in known})
    boxes: list[tuple[float, ...]] = []
    scores: list[float] = []
    class_ids: list[int] = []
    unknown: set[str] = set()
    for _ in range(reader.count(MIN_DETECTION_BYTES)):
        name, score, box = _read_detection(reader)
        if name in known:
            boxes.append(box)
            scores.append(score)
            class_ids.append(known[name])
        elif name is not None:
            unknown.add(name)
    reader.finish()
    detections = Detections(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        class_ids=np.array(class_ids, np.int32),
    )
    return StampedDetections(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        detections=detections,
        names_unknown=tuple(sorted(unknown)),
    )


def _read_detection(reader: CdrReader) -> tuple[str | None, float, tuple[float, ...]]:
    reader.stamp_ns()
    reader.text()
    best_name: str | None = None
    best_score = 0.0
    for _ in range(reader.count(MIN_RESULT_BYTES)):
        name = reader.text()
        score = float(reader.values('d', 8)[0])
        reader.skip(8 * POSE_VALUES, 8)
        if best_name is None or score > best_score:
            best_name, best_score = name, score
    x, y, _, width, height = reader.values('5d', 8)
    reader.text()
    box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return best_name, best_score, box
