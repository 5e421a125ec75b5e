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

"""Scoring answers against a data set: modes, day and night, damaged files."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.result import Detections, Result
from xspec_ros.datasets import Boxes, open_dataset, Sample, write_dataset
from xspec_ros.errors import DataError
from xspec_ros.perception.evaluate import evaluate, score_dataset
from xspec_ros.perception.perception import open_perception

ROAD, CAR = 0, 10


def picture(name: str, **changes) -> Sample:
    label_map = np.full((32, 32), ROAD, np.uint8)
    label_map[:, 16:] = CAR
    values = {
        'thermal': np.arange(1024, dtype=np.uint8).reshape(32, 32),
        'rgb': np.zeros((32, 32, 3), np.uint8),
        'label_map': label_map,
        'boxes_thermal': Boxes.of([[16, 0, 32, 32]], [2]),
        'boxes_rgb': Boxes.of([[0, 0, 8, 8]], [0]),
        'day': True,
    }
    return Sample(name=name, **(values | changes))


def folder(tmp_path, samples):
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    return open_dataset(tmp_path / 'set')


def truthful(sample: Sample) -> Result:
    """Answer with the thermal truth."""
    boxes = sample.boxes_thermal or Boxes.empty()
    return Result(
        stamp_ns=0,
        frame_id='',
        label_map=np.full((32, 32), ROAD, np.uint8)
        if sample.label_map is None
        else sample.label_map,
        confidence=np.zeros((32, 32), np.uint8),
        detections=Detections(
            boxes_xyxy=boxes.boxes_xyxy,
            scores=np.ones(len(boxes), np.float32),
            class_ids=boxes.class_ids,
        ),
        mode='thermal',
    )


def test_the_truth_itself_scores_one_and_says_over_which_classes(tmp_path):
    result = score_dataset(truthful, folder(tmp_path, [picture('a'), picture('b', day=None)]))
    assert (result.summary['miou'], result.summary['map']) == (1.0, 1.0)
    assert result.scored_classes == ('road', 'car')
    assert result.pictures == 2
    assert result.day is not None
    assert result.day['pictures'] == 1
    assert result.night is None


def test_day_and_night_are_scored_apart(tmp_path):
    def blind_at_night(sample: Sample) -> Result:
        answer = truthful(sample)
        return answer if sample.day else truthful(picture('x', label_map=None, boxes_thermal=None))

    dataset = folder(tmp_path, [picture('a'), picture('b', day=False)])
    result = score_dataset(blind_at_night, dataset)
    assert result.day is not None
    assert result.night is not None
    assert (result.day['map50'], result.night['map50']) == (1.0, 0.0)
    assert result.night['miou'] == pytest.approx(0.25)  # road 1/2, car 0


def test_rgb_answers_are_held_against_the_visible_boxes(tmp_path):
    dataset = folder(tmp_path, [picture('a')])
    assert score_dataset(truthful, dataset, mode='rgb').summary['map50'] == 0.0


def test_pictures_without_the_camera_are_skipped_and_counted(tmp_path):
    dataset = folder(tmp_path, [picture('a'), picture('b', thermal=None, boxes_thermal=None)])
    result = score_dataset(truthful, dataset)
    assert (result.pictures, result.skipped) == (1, 1)


def test_a_set_without_the_camera_is_an_error(tmp_path):
    dataset = folder(tmp_path, [picture('a', thermal=None, boxes_thermal=None)])
    with pytest.raises(DataError, match='no thermal picture'):
        score_dataset(truthful, dataset)


def test_a_damaged_picture_is_named_and_the_rest_is_scored(tmp_path):
    dataset = folder(tmp_path, [picture('a'), picture('b')])
    (tmp_path / 'set' / 'thermal' / 'a.png').write_bytes(b'')
    result = score_dataset(truthful, dataset)
    assert result.pictures == 1
    assert 'a.png' in result.problems[0]


def test_background_counts_false_alarms_outside_missed_boxes(tmp_path):
    ids = np.zeros((32, 32), np.uint8)
    ids[:, :8] = 1
    missed = Boxes.of([[24, 0, 32, 32]], [0])  # a person that the masks lack
    write_dataset(
        [picture('a', label_map=ids, boxes_thermal=missed)], tmp_path / 'set', DEFAULT_CLASSES
    )
    (tmp_path / 'set' / 'classes.txt').write_text('unlabelled\ncar\n')

    def car_everywhere(_: Sample) -> Result:
        return truthful(picture('x', label_map=np.full((32, 32), CAR, np.uint8)))

    plain = open_dataset(tmp_path / 'set')
    assert score_dataset(car_everywhere, plain).summary['miou'] == 1.0
    strict = open_dataset(tmp_path / 'set', other='complement')
    result = score_dataset(car_everywhere, strict, background=True)
    assert result.summary['miou'] == pytest.approx(8 / 24)


def test_a_bundle_is_evaluated_on_both_depths(tmp_path, tiny_bundle):
    deep = picture('b', thermal=np.arange(1024, dtype=np.uint16).reshape(32, 32) + 7000)
    dataset = folder(tmp_path, [picture('a'), deep, picture('c', day=False)])
    perception = open_perception(
        str(tiny_bundle), engine='onnxruntime', mode='thermal', precision='fp32'
    )
    steps = []
    result = evaluate(perception, dataset, step=lambda: steps.append(1))
    perception.close()
    figures = result.as_json()
    assert result.pictures == len(steps) == 3
    assert 0.0 <= figures['miou'] <= 1.0
    assert set(figures['per_class']) >= set(DEFAULT_DETECTION_CLASSES)
    assert figures['per_class']['bicycle'] == {'iou': None, 'ap': None, 'ap50': None}
    assert figures['day']['pictures'] == 2
