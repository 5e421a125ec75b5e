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

"""IoU and AP against values worked out by hand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.metrics import average_precision, ConfusionMatrix, Scorer, summarise
from xspec_ros.core.result import Detections
from xspec_ros.core.truth import Boxes

NAMES = ['person', 'bicycle', 'car']


def found(boxes, scores, ids) -> Detections:
    return Detections(
        boxes_xyxy=np.asarray(boxes, np.float32).reshape(-1, 4),
        scores=np.asarray(scores, np.float32),
        class_ids=np.asarray(ids, np.int32),
    )


def labels(*rows) -> np.ndarray:
    return np.array(rows, np.uint8)


def test_iou_is_hits_over_union_and_the_mean_takes_present_classes_only():
    matrix = ConfusionMatrix(['a', 'b', 'c'])
    matrix.update(labels([0, 0, 1, 1], [2, 1, 1, 0]), labels([0, 0, 0, 1], [1, 1, 1, 255]))
    score = matrix.score()
    # a: 2 hits, 3 true, 2 given; b: 3 hits, 4 true, 4 given; c: false alarms only
    assert score.iou == {'a': pytest.approx(2 / 3), 'b': pytest.approx(3 / 5), 'c': None}
    assert score.miou == pytest.approx((2 / 3 + 3 / 5) / 2)
    assert score.pixels == 7


def test_unlabelled_truth_counts_neither_way():
    matrix = ConfusionMatrix(['a', 'b'])
    matrix.update(labels([0, 1, 1, 1]), labels([0, 255, 254, 77]))
    assert matrix.score().iou == {'a': 1.0, 'b': None}


def test_an_unlabelled_answer_is_a_miss_and_no_false_alarm():
    matrix = ConfusionMatrix(['a', 'b'])
    matrix.update(labels([0, 255, 1, 1]), labels([0, 0, 1, 1]))
    assert matrix.score().iou == {'a': 0.5, 'b': 1.0}


def test_background_turns_classes_given_there_into_false_alarms():
    given_labels, truth = labels([0, 0, 0, 1]), labels([0, 254, 255, 254])
    assert ConfusionMatrix(['a', 'b']).score().miou is None
    matrix = ConfusionMatrix(['a', 'b'], background=True)
    matrix.update(given_labels, truth)
    assert matrix.score().iou == {'a': 0.5, 'b': None}


def test_pictures_of_different_shape_are_refused():
    with pytest.raises(ValueError, match='shape'):
        ConfusionMatrix(['a']).update(np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 254))
def test_counts_equal_a_plain_count(seed, count):
    rng = np.random.default_rng(seed)
    given_labels, truth = (
        rng.choice([0, 1, count - 1, 255], (4, 6)).astype(np.uint8) for _ in range(2)
    )
    names = [str(index) for index in range(count)]
    matrix = ConfusionMatrix(names)
    matrix.update(given_labels, truth)
    score = matrix.score()
    for index in {0, 1, count - 1} & set(range(count)):
        valid = truth < count
        hits = np.sum(valid & (truth == index) & (given_labels == index))
        union = np.sum(valid & ((truth == index) | (given_labels == index)))
        expected = hits / union if (truth == index).any() else None
        assert score.iou[str(index)] == (None if expected is None else pytest.approx(expected))


def test_a_perfect_answer_has_ap_one_and_classes_without_truth_none():
    truth = [Boxes.of([[0, 0, 10, 10], [20, 20, 40, 40]], [0, 2]), Boxes.empty()]
    given_boxes = [found(truth[0].boxes_xyxy, [0.9, 0.02], [0, 2]), Detections.empty()]
    score = average_precision(given_boxes, truth, NAMES)
    assert (score.map, score.map50, score.map75) == (1.0, 1.0, 1.0)
    assert score.ap50 == {'person': 1.0, 'bicycle': None, 'car': 1.0}


def test_half_an_overlap_counts_at_fifty_only():
    truth = [Boxes.of([[20, 20, 40, 40]], [2])]
    score = average_precision([found([[20, 20, 40, 30]], [0.8], [2])], truth, NAMES)
    assert (score.map50, score.map75) == (1.0, 0.0)
    assert score.map == pytest.approx(0.1)  # one of the ten thresholds


def test_a_false_alarm_ranked_first_halves_the_precision():
    truth = [Boxes.of([[0, 0, 10, 10]], [0])]
    given_boxes = found([[50, 50, 60, 60], [0, 0, 10, 10]], [0.9, 0.8], [0, 0])
    assert average_precision([given_boxes], truth, NAMES).map50 == pytest.approx(0.5)


def test_a_missed_box_leaves_the_recall_above_it_at_zero():
    truth = [Boxes.of([[0, 0, 10, 10], [50, 50, 60, 60]], [0, 0])]
    score = average_precision([found([[0, 0, 10, 10]], [0.9], [0])], truth, NAMES)
    assert score.map50 == pytest.approx(51 / 101)  # recall 0, 0.01, ... 0.50 of 101 points


def test_a_second_box_on_the_same_object_is_a_false_alarm():
    truth = [Boxes.of([[0, 0, 10, 10]], [0]), Boxes.of([[0, 0, 10, 10]], [0])]
    given_boxes = [
        found([[0, 0, 10, 10], [0, 0, 10, 10]], [0.9, 0.8], [0, 0]),
        found([[0, 0, 10, 10]], [0.7], [0]),
    ]
    score = average_precision(given_boxes, truth, NAMES)
    assert score.map50 == pytest.approx((51 * 1.0 + 50 * 2 / 3) / 101)


@pytest.mark.parametrize('region_class', [0, -1])
def test_boxes_in_a_crowd_region_do_not_count(region_class):
    region = Boxes.of([[0, 0, 10, 10], [45, 45, 70, 70]], [0, region_class], [False, True])
    given_boxes = found([[50, 50, 60, 60], [0, 0, 10, 10]], [0.9, 0.8], [0, 0])
    assert average_precision([given_boxes], [region], NAMES).map50 == 1.0


def test_a_crowd_region_alone_is_no_truth():
    region = Boxes.of([[0, 0, 10, 10]], [0], [True])
    assert average_precision([Detections.empty()], [region], NAMES).map is None


def test_boxes_below_one_percent_are_left_out():
    truth = [Boxes.of([[0, 0, 10, 10]], [0])]
    weak = found([[0, 0, 10, 10]], [0.009], [0])
    assert average_precision([weak], truth, NAMES).map50 == 0.0
    edge = found([[0, 0, 10, 10]], [0.01], [0])
    assert average_precision([edge], truth, NAMES).map50 == 1.0


def test_boxes_on_a_picture_labelled_empty_are_false_alarms():
    truth = [Boxes.of([[0, 0, 10, 10]], [0]), Boxes.empty()]
    given_boxes = [
        found([[0, 0, 10, 10]], [0.5], [0]),
        found([[0, 0, 10, 10]], [0.9], [0]),
    ]
    assert average_precision(given_boxes, truth, NAMES).map50 == pytest.approx(0.5)


@pytest.mark.parametrize('pictures', [0, 2])
def test_no_truth_is_null_and_not_zero(pictures):
    score = average_precision(
        [found([[0, 0, 1, 1]], [0.5], [0])] * pictures, [Boxes.empty()] * pictures, NAMES
    )
    assert (score.map, score.map50, score.map75) == (None, None, None)


def test_no_answer_at_all_is_zero():
    truth = [Boxes.of([[0, 0, 10, 10]], [0])]
    assert average_precision([Detections.empty()], truth, NAMES).map == 0.0


def test_the_scorer_keeps_unlabelled_pictures_out():
    scorer = Scorer(names=['person', 'road'], detection_names=['person'])
    picture = labels([0, 1])
    answer = found([[0, 0, 1, 1]], [0.9], [0])
    scorer.add(picture, answer, truth=picture, boxes=None)
    scorer.add(picture, answer, truth=None, boxes=Boxes.of([[0, 0, 1, 1]], [0]))
    assert scorer.pictures == 2
    assert scorer.summary() == {
        'miou': 1.0,
        'map': 1.0,
        'map50': 1.0,
        'map75': 1.0,
        'per_class': {
            'person': {'iou': 1.0, 'ap': 1.0, 'ap50': 1.0},
            'road': {'iou': 1.0, 'ap': None, 'ap50': None},
        },
    }


def test_a_summary_of_nothing_is_null():
    assert summarise(None, None) == {
        'miou': None,
        'map': None,
        'map50': None,
        'map75': None,
        'per_class': {},
    }
