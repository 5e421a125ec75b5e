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

"""A picture for people: the frame with its classes tinted and its boxes drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.core.labels import index_by_name, palette
from xspec_ros.core.radiometry import apply_tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.core.labels import ClassLabel
    from xspec_ros.core.result import Detections, Result

TINT = 0.45


def grey(image: PixelArray, tone: tuple[float, float]) -> UInt8Array:
    """Tone-map a thermal picture to (H, W) uint8; tone is low and high in counts."""
    shade: UInt8Array = np.rint(apply_tone(image, *tone) * 255.0).astype(np.uint8)
    return shade


def draw_overlay(
    image: UInt8Array,
    result: Result,
    classes: Sequence[ClassLabel],
    detection_classes: Sequence[str],
    *,
    score_threshold: float = 0.0,
) -> UInt8Array:
    """Draw a result over its picture.

    Args:
        image: (H, W) uint8 grey or (H, W, 3) uint8 RGB.
        result: Label map and boxes of the same size.
        classes: Classes of the label map, for the colours.
        detection_classes: Names of the box classes.
        score_threshold: Boxes below it are not drawn.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    base = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
    colours = palette(classes)
    blend = cv2.addWeighted(base, 1.0 - TINT, colours[result.label_map], TINT, 0.0)
    tinted = np.asarray(blend, np.uint8)
    _draw_boxes(tinted, result.detections.at_least(score_threshold), classes, detection_classes)
    return tinted


def _draw_boxes(
    canvas: UInt8Array,
    detections: Detections,
    classes: Sequence[ClassLabel],
    names: Sequence[str],
) -> None:
    ids = index_by_name(classes)
    for box, score, class_id in zip(
        detections.boxes_xyxy, detections.scores, detections.class_ids, strict=True
    ):
        name = names[class_id]
        colour = classes[ids[name.lower()]].colour if name.lower() in ids else (255, 255, 0)
        bright = tuple(int(128 + channel / 2) for channel in colour)
        left, top, right, bottom = (round(float(edge)) for edge in box)
        cv2.rectangle(canvas, (left, top), (right, bottom), bright, 1, cv2.LINE_AA)
        text = f'{name} {score:.2f}'
        cv2.putText(
            canvas, text, (left, max(top - 3, 9)), cv2.FONT_HERSHEY_SIMPLEX, 0.38, bright, 1,
            cv2.LINE_AA,
        )  # fmt: skip
