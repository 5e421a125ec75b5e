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

from xspec_ros.core.labels import ClassLabel, DEFAULT_CLASSES, index_by_name, palette
from xspec_ros.core.radiometry import apply_tone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.core.result import Detections, Result

TINT = 0.45
SHADES = (0, 51, 102, 153, 204, 255)  # of each channel of the colours to choose from
TOO_DARK = 120  # sum of the channels; darker colours vanish on a thermal picture


def grey(image: PixelArray, tone: tuple[float, float]) -> UInt8Array:
    """Tone-map a thermal picture to (H, W) uint8; tone is low and high in counts."""
    shade: UInt8Array = np.rint(apply_tone(image, *tone) * 255.0).astype(np.uint8)
    return shade


def colour_classes(names: Sequence[str]) -> tuple[ClassLabel, ...]:
    """Give every class name a colour, the same names always the same ones.

    Names and aliases of the default classes have theirs; each other name takes, in turn, the
    colour that differs most from all those in use.

    Args:
        names: Class names in id order.

    Returns:
        One class a name.
    """
    known = index_by_name(DEFAULT_CLASSES)
    usual = [known.get(name.lower()) for name in names]
    own = [None if index is None else DEFAULT_CLASSES[index].colour for index in usual]
    used = [label.colour for label in DEFAULT_CLASSES]
    free = _distinct_colours(used, own.count(None))
    return tuple(
        ClassLabel(name=name, colour=next(free) if colour is None else colour)
        for name, colour in zip(names, own, strict=True)
    )


def _distinct_colours(
    used: Sequence[tuple[int, int, int]], count: int
) -> Iterator[tuple[int, int, int]]:
    """Yield colours, each as far from all before it as the eye sees colours (CIE Lab)."""
    cube = np.array(np.meshgrid(SHADES, SHADES, SHADES, indexing='ij'), np.uint8)
    candidates = cube.reshape(3, -1).T
    candidates = candidates[candidates.sum(axis=1) >= TOO_DARK]
    places = _lab(candidates)
    distance = np.full(len(candidates), np.inf, np.float32)
    for place in _lab(np.array(used, np.uint8).reshape(-1, 3)):
        distance = np.minimum(distance, np.linalg.norm(places - place, axis=1))
    for _ in range(count):
        best = int(np.argmax(distance))
        red, green, blue = (int(channel) for channel in candidates[best])
        yield red, green, blue
        distance = np.minimum(distance, np.linalg.norm(places - places[best], axis=1))


def _lab(colours: UInt8Array) -> NDArray[np.float32]:
    """Convert (N, 3) uint8 RGB to (N, 3) float32 CIE Lab."""
    picture = colours[None].astype(np.float32) / np.float32(255.0)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)[0], np.float32)


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
