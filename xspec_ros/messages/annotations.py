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

"""``foxglove_msgs/ImageAnnotations``: boxes as Foxglove's image panel draws them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.messages.cdr import CdrWriter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.result import Detections

LINE_LOOP = 2
LINE_WIDTH_PX = 2.0
FONT_SIZE_PX = 12.0
WHITE = (255, 255, 255)

Colour = tuple[int, int, int]


def encode_annotations(
    detections: Detections,
    names: Sequence[str],
    *,
    stamp_ns: int,
    colours: Sequence[Colour] = (),
) -> bytes:
    """Write one closed outline and one text for each box.

    Args:
        detections: Boxes in pixels of the image.
        names: Detection classes.
        stamp_ns: Stamp of the image; the panel matches annotations by it.
        colours: R, G, B a class, 0 to 255; white where there is none.
    """
    writer = CdrWriter()
    boxes = detections.boxes_xyxy.tolist()
    class_ids = detections.class_ids.tolist()
    scores = detections.scores.tolist()
    paints = [
        _paint(colours[class_id] if class_id < len(colours) else WHITE) for class_id in class_ids
    ]
    writer.uint32(0)
    writer.uint32(len(boxes))
    for (left, top, right, bottom), paint in zip(boxes, paints, strict=True):
        writer.stamp_ns(stamp_ns)
        writer.values('B', 1, LINE_LOOP)
        writer.uint32(4)
        writer.values('12d', 8, left, top, right, top, right, bottom, left, bottom, *paint)
        writer.uint32(0)
        writer.values('5d', 8, 0.0, 0.0, 0.0, 0.0, LINE_WIDTH_PX)
    writer.uint32(len(boxes))
    for box, paint, class_id, score in zip(boxes, paints, class_ids, scores, strict=True):
        writer.stamp_ns(stamp_ns)
        writer.values('2d', 8, box[0], box[1])
        writer.text(f'{names[class_id]} {score:.2f}')
        writer.values('9d', 8, FONT_SIZE_PX, 1.0, 1.0, 1.0, 1.0, *paint[:3], 0.6)
    return writer.finish()


def _paint(colour: Colour) -> tuple[float, float, float, float]:
    return colour[0] / 255, colour[1] / 255, colour[2] / 255, 1.0
