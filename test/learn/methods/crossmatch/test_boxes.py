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

"""Which boxes of two teachers are learnt, and where nothing is known."""

from __future__ import annotations

import math

import pytest
import torch

from xspec_ros.learn.batch import NO_BOX
from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
from xspec_ros.learn.methods.crossmatch.boxes import (
    box_truth,
    compared_boxes,
    Found,
    judged,
    objects,
)
from xspec_ros.learn.methods.distil.loss import box_distance
from xspec_ros.learn.methods.supervised.detection_loss import detection_loss
from xspec_ros.learn.models.student import DetLevel

ARGS = CrossmatchArgs(box_ignore=0.3)
HERE, NEAR, FAR = [10.0, 10, 30, 30], [12.0, 10, 32, 30], [40.0, 40, 60, 60]


def found(*rows):
    """Return boxes given as (corners, score, class, teacher)."""
    boxes, scores, classes, teachers = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Found(
        torch.tensor(boxes).reshape(-1, 4),
        torch.tensor(scores),
        torch.tensor(classes, dtype=torch.int64),
        torch.tensor(teachers, dtype=torch.int64),
    )


@pytest.mark.parametrize(
    ('rows', 'learnt', 'ignored'),
    [
        ([], [], []),
        ([(HERE, 0.6, 1, 0), (NEAR, 0.7, 1, 1)], [NEAR], []),  # both see it: the surer box
        ([(HERE, 0.6, 1, 0), (NEAR, 0.7, 2, 1)], [], [NEAR, HERE]),  # of another class
        ([(HERE, 0.6, 1, 0), (FAR, 0.7, 1, 1)], [], [FAR, HERE]),  # elsewhere
        ([(HERE, 0.6, 1, 0), (NEAR, 0.45, 1, 1)], [], [HERE, NEAR]),  # one is not sure enough
        ([(HERE, 0.6, 1, 0), (NEAR, 0.7, 1, 0)], [], [NEAR, HERE]),  # one teacher twice
        ([(HERE, 0.85, 1, 0)], [HERE], []),  # needs no confirmation
        ([(HERE, 0.85, 1, 0), (NEAR, 0.4, 1, 1)], [HERE], []),  # the same object
        ([(HERE, 0.85, 1, 0), (NEAR, 0.4, 0, 1)], [HERE], [NEAR]),
        ([(HERE, 0.85, 1, 0), (NEAR, 0.9, 1, 1), (FAR, 0.31, 2, 0)], [NEAR], [FAR]),
        ([(HERE, 0.2, 1, 0), (NEAR, 0.29, 1, 1)], [], []),  # background
    ],
)
def test_two_teachers_are_judged_together(rows, learnt, ignored):
    boxes, classes, crowd = judged(found(*rows), ARGS)
    assert boxes[~crowd].tolist() == learnt
    assert boxes[crowd].tolist() == ignored
    assert len(classes) == len(boxes)


def test_the_order_of_teachers_and_boxes_does_not_matter():
    rows = [(HERE, 0.6, 1, 0), (NEAR, 0.7, 1, 1), (FAR, 0.9, 2, 0), (FAR, 0.4, 2, 1)]
    one, other = judged(found(*rows), ARGS), judged(found(*reversed(rows)), ARGS)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def levels(*objects, size_hw=(64, 96), pictures=1):
    """Return raw levels that see objects (picture, corners, score, class)."""
    made = []
    for stride in (8, 16, 32):
        height, width = size_hw[0] // stride, size_hw[1] // stride
        cls = torch.full((pictures, 3, height, width), -20.0)
        obj = torch.full((pictures, 1, height, width), -20.0)
        box = torch.zeros(pictures, 4, height, width)
        made.append(DetLevel(cls=cls, box=box, obj=obj, stride=stride))
    for picture, (left, top, right, bottom), score, category in objects:
        x, y = (left + right) / 16, (top + bottom) / 16
        row, column = int(y), int(x)
        made[0].cls[picture, category, row, column] = 20.0
        made[0].obj[picture, 0, row, column] = math.log(score / (1 - score))
        made[0].box[picture, :, row, column] = torch.tensor(
            [x - column - 0.5, y - row - 0.5, math.log((right - left) / 8),
             math.log((bottom - top) / 8)]
        )  # fmt: skip
    return made


@pytest.fixture
def inside():
    return torch.ones(2, 64, 96, dtype=torch.bool)


def test_a_batch_becomes_truth_for_the_detection_loss(inside):
    thermal = levels((0, HERE, 0.6, 1), (1, FAR, 0.4, 0), pictures=2)
    auxiliary = levels((0, NEAR, 0.7, 1), (0, FAR, 0.9, 2), pictures=2)
    truth = box_truth([thermal, auxiliary], inside, torch.tensor([True, False]), ARGS)
    assert truth.labelled.tolist() == [True, False]
    assert truth.classes.tolist() == [[2, 1], [0, NO_BOX]]
    assert truth.crowd.tolist() == [[False, False], [True, False]]
    assert torch.allclose(truth.boxes_xyxy[0], torch.tensor([FAR, NEAR]), atol=1e-3)
    learnt = objects(truth, 2)
    assert [len(boxes) for boxes in learnt] == [2, 0]


def test_one_teacher_alone_must_be_sure(inside):
    alone = levels((0, HERE, 0.7, 1), (0, FAR, 0.85, 2), pictures=2)
    truth = box_truth([alone], inside, torch.ones(2, dtype=torch.bool), ARGS)
    assert truth.classes[0].tolist() == [2, 1]
    assert truth.crowd[0].tolist() == [False, True]


def test_boxes_outside_the_picture_are_none(inside):
    inside[:, :, :35] = False
    alone = levels((0, HERE, 0.9, 1), (0, FAR, 0.85, 2), pictures=2)
    truth = box_truth([alone], inside, torch.ones(2, dtype=torch.bool), ARGS)
    assert truth.classes.tolist() == [[2], [NO_BOX]]


def test_without_boxes_there_is_no_object():
    assert [tuple(boxes.shape) for boxes in objects(None, 3)] == [(0, 4)] * 3


def compared(kind, student, told, inside, labelled=(True, True)):
    args = CrossmatchArgs(boxes=kind)
    truth = box_truth(told, inside, torch.tensor(labelled), args)
    return compared_boxes(student, told, truth, inside=inside, args=args), truth


def test_boxes_can_be_learnt_as_objects(inside):
    told = [levels((0, HERE, 0.9, 1), pictures=2)]
    student = levels((0, NEAR, 0.6, 1), pictures=2)
    found, truth = compared('pseudo', student, told, inside)
    expected = detection_loss(student, truth)[:3]
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert float(found[0]) > 0


def test_boxes_can_be_learnt_cell_by_cell_from_the_mean_of_the_teachers(inside):
    told = [levels((0, HERE, score, 1), pictures=2) for score in (0.6, 0.9)]
    student = levels((0, NEAR, 0.6, 1), pictures=2)
    found, _ = compared('dense', student, told, inside)
    odds = math.sqrt(0.6 / 0.4 * 0.9 / 0.1)  # the mean of logits
    mean = levels((0, HERE, odds / (1 + odds), 1), pictures=2)
    expected = box_distance(student, mean, inside, score=CrossmatchArgs().box_ignore)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)
        assert float(ours) > 0 or theirs is expected.cls
    same, _ = compared('dense', mean, [mean, mean], inside)
    assert all(float(loss) == pytest.approx(0, abs=1e-5) for loss in same)


@pytest.mark.parametrize('kind', ['pseudo', 'dense'])
def test_pictures_that_nobody_knows_teach_no_boxes(inside, kind):
    told = [levels((0, HERE, 0.9, 1), pictures=2)]
    student = levels((0, NEAR, 0.6, 1), pictures=2)
    found, _ = compared(kind, student, told, inside, labelled=(False, False))
    assert all(float(loss) == 0 for loss in found)
