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

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.bag.scoring import box_f1, frame_score
from xspec_ros.core.result import Detections, Result
from xspec_ros.core.truth import Boxes

BOX = [10.0, 10.0, 20.0, 30.0]
FAR = [40.0, 40.0, 50.0, 50.0]


def found(*rows, score=0.9):
    return Detections(
        boxes_xyxy=np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        scores=np.full(len(rows), score, np.float32),
        class_ids=np.array([row[1] for row in rows], np.int32),
    )


@pytest.mark.parametrize(
    ('given', 'truth', 'expected'),
    [
        ([], [], 1.0),
        ([(BOX, 0)], [], 0.0),
        ([], [(BOX, 0)], 0.0),
        ([(BOX, 0)], [(BOX, 0)], 1.0),
        ([(BOX, 1)], [(BOX, 0)], 0.0),
        ([(FAR, 0)], [(BOX, 0)], 0.0),
        ([(BOX, 0), (BOX, 0)], [(BOX, 0)], 2 / 3),
        ([(BOX, 0)], [(BOX, 0), (FAR, 0)], 2 / 3),
    ],
)
def test_box_f1(given, truth, expected):
    boxes = Boxes.of([row[0] for row in truth], [row[1] for row in truth])
    assert box_f1(found(*given), boxes) == pytest.approx(expected)


def test_crowd_regions_are_left_out():
    assert box_f1(Detections.empty(), Boxes.of([BOX], [-1], [True])) == 1.0


def test_frame_score_is_the_mean_of_what_there_is_truth_for():
    label_map = np.zeros((16, 16), np.uint8)
    result = Result(
        stamp_ns=1,
        frame_id='',
        label_map=label_map,
        confidence=label_map,
        detections=found((BOX, 0)),
        mode='thermal',
    )

    def score(truth, boxes):
        return frame_score(result, ['a', 'b'], truth=truth, boxes=boxes, score_threshold=0.3)

    wrong = Boxes.of([FAR], [0])
    assert score(None, None) is None
    assert score(label_map, None) == 1.0
    assert score(None, wrong) == 0.0
    assert score(label_map, wrong) == 0.5
    assert score(label_map + 255, None) is None
