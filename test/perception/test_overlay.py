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

import numpy as np

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.result import Detections, Result
from xspec_ros.perception.overlay import draw_overlay, grey


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
