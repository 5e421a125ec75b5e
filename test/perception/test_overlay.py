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

"""The picture for people."""

from __future__ import annotations

import cv2
import numpy as np

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.result import Detections, Result
from xspec_ros.perception.overlay import colour_classes, draw_overlay, grey


def result(label: int, boxes: list[tuple[float, float, float, float]]) -> Result:
    return Result(
        stamp_ns=1,
        frame_id='boson',
        label_map=np.full((40, 60), label, np.uint8),
        confidence=np.full((40, 60), 255, np.uint8),
        detections=Detections(
            boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.full(len(boxes), 0.9, np.float32),
            class_ids=np.zeros(len(boxes), np.int32),
        ),
        mode='thermal',
    )


def test_classes_tint_the_grey_picture_in_their_colour() -> None:
    drawn = draw_overlay(
        np.zeros((40, 60), np.uint8), result(7, []), DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
    )
    red, green, blue = drawn[20, 30]
    assert drawn.shape == (40, 60, 3)
    assert blue > green > red  # the sky is blue


def test_boxes_are_drawn_even_where_they_leave_the_picture() -> None:
    plain = draw_overlay(
        np.zeros((40, 60), np.uint8), result(0, []), DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
    )
    boxed = draw_overlay(
        np.zeros((40, 60), np.uint8),
        result(0, [(-5.0, 10.0, 30.0, 80.0)]),
        DEFAULT_CLASSES,
        DEFAULT_DETECTION_CLASSES,
    )
    assert (plain != boxed).any()


def test_a_score_threshold_hides_weak_boxes() -> None:
    weak = result(0, [(5.0, 10.0, 30.0, 30.0)])
    arguments = (np.zeros((40, 60), np.uint8), weak, DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES)
    assert (draw_overlay(*arguments) != draw_overlay(*arguments, score_threshold=0.95)).any()


def test_sixteen_bit_counts_become_grey_by_the_tone_range() -> None:
    counts = np.array([[7000, 8000, 9000, 12000]], np.uint16)
    assert grey(counts, (7000.0, 9000.0)).tolist() == [[0, 128, 255, 255]]


def test_names_and_aliases_of_the_default_classes_have_their_colours() -> None:
    named = {label.name: label.colour for label in DEFAULT_CLASSES}
    classes = colour_classes(['pedestrian', 'Car', 'sky'])
    assert [label.name for label in classes] == ['pedestrian', 'Car', 'sky']
    assert [label.colour for label in classes] == [named['person'], named['car'], named['sky']]


def test_other_names_have_colours_of_their_own_always_the_same() -> None:
    names = ['rider', 'truck', 'bus', 'train', 'wall', 'terrain', 'car']
    classes = colour_classes(names)
    assert classes == colour_classes(names)
    colours = [label.colour for label in classes[:-1]] + [c.colour for c in DEFAULT_CLASSES]
    pixels = np.array([colours], np.float32) / np.float32(255)
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[0]
    apart = np.linalg.norm(lab[:6, None] - lab[None], axis=2)
    assert np.sort(apart, axis=1)[:, 1].min() > 25  # 2.3 is a just noticeable difference


def test_as_many_classes_as_a_mask_holds_have_colours() -> None:
    assert len(colour_classes([f'class {index}' for index in range(254)])) == 254
