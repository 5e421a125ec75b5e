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
import torch

from xspec_ros.learn.batch import NO_BOX
from xspec_ros.learn.methods.supervised.detection_loss import BoxTruth, detection_loss, giou_loss
from xspec_ros.learn.models.student import DetLevel


def levels(batch=1, *, seed=0, size=64):
    torch.manual_seed(seed)
    return [
        DetLevel(
            cls=torch.randn(batch, 3, size // s, size // s, requires_grad=True),
            box=(torch.randn(batch, 4, size // s, size // s) * 0.1).requires_grad_(),
            obj=torch.randn(batch, 1, size // s, size // s, requires_grad=True),
            stride=s,
        )
        for s in (8, 16, 32)
    ]


def truth(boxes, classes, *, crowd=None, labelled=None):
    boxes = torch.tensor(boxes, dtype=torch.float32)
    classes = torch.tensor(classes)
    return BoxTruth(
        boxes,
        classes,
        torch.zeros_like(classes, dtype=torch.bool) if crowd is None else torch.tensor(crowd),
        torch.ones(len(boxes), dtype=torch.bool) if labelled is None else torch.tensor(labelled),
    )


NOTHING = ([[[0, 0, 0, 0]]], [[NO_BOX]])
ONE = ([[[10, 12, 30, 44]]], [[2]])


def total(loss):
    return loss.box + loss.obj + loss.cls


def test_giou_equals_the_plain_value():
    a, b = [0, 0, 10, 10], [5, 5, 25, 15]
    inter, union, hull = 25, 100 + 200 - 25, 25 * 15
    expected = 1 - (inter / union - (hull - union) / hull)
    assert float(giou_loss(torch.tensor([a]).float(), torch.tensor([b]).float())) == pytest.approx(
        expected
    )


def test_giou_of_equal_boxes_is_zero_and_of_far_ones_nearly_two():
    box = torch.tensor([[0.0, 0, 10, 10]])
    assert float(giou_loss(box, box)) == pytest.approx(0, abs=1e-6)
    assert float(giou_loss(box, box + 1000)) > 1.9


def test_giou_pulls_boxes_apart_towards_each_other():
    predicted = torch.tensor([[0.0, 0, 10, 10]], requires_grad=True)
    giou_loss(predicted, torch.tensor([[30.0, 0, 40, 10]])).sum().backward()
    assert predicted.grad[0, 2] < 0  # descending moves the right edge right


def test_unlabelled_pictures_give_zero_with_zero_gradient():
    det = levels()
    loss = detection_loss(det, truth(*ONE, labelled=[False]))
    total(loss).backward()
    assert float(total(loss)) == 0
    assert all(level.obj.grad.abs().max() == 0 for level in det)


def test_an_empty_label_is_all_background():
    det = levels()
    loss = detection_loss(det, truth(*NOTHING))
    expected = sum(np.logaddexp(0, level.obj.detach().numpy()).sum() for level in det)
    assert float(loss.obj) == pytest.approx(expected, rel=1e-5)
    assert float(loss.box) == float(loss.cls) == 0
    total(loss).backward()
    assert all((level.obj.grad > 0).all() for level in det)


def test_a_crowd_region_teaches_nothing():
    det = levels()
    detection_loss(det, truth([[[0, 0, 64, 64]]], [[0]], crowd=[[True]])).obj.backward()
    assert all(level.obj.grad.abs().max() == 0 for level in det)


def test_a_crowd_region_leaves_the_rest_alone():
    det = levels()
    detection_loss(det, truth([[[0, 0, 32, 64]]], [[0]], crowd=[[True]])).obj.backward()
    grad = det[0].obj.grad[0, 0]
    assert (grad[:, :4] == 0).all()
    assert (grad[:, 4:] > 0).all()


def test_positives_learn_to_be_objects():
    det = levels()
    loss = detection_loss(det, truth(*ONE))
    loss.obj.backward()
    pushed_up = sum(int((level.obj.grad < 0).sum()) for level in det)
    assert pushed_up == int(loss.positives) > 0


def test_the_right_class_is_raised_and_the_others_lowered():
    det = levels()
    detection_loss(det, truth(*ONE)).cls.backward()
    raised = torch.cat([level.cls.grad.flatten(2) for level in det], dim=2)[0]
    assert (raised[:2] >= 0).all()
    assert raised[:2].sum() > 0


def test_losses_are_divided_by_the_number_of_positives():
    one = detection_loss(levels(), truth(*ONE))
    doubled = [
        DetLevel(*(t.detach().repeat(2, 1, 1, 1) for t in level[:3]), level.stride)
        for level in levels()
    ]
    two = detection_loss(doubled, truth(ONE[0] * 2, ONE[1] * 2))
    assert int(two.positives) == 2 * int(one.positives)
    assert float(total(two)) == pytest.approx(float(total(one)), rel=1e-5)


def test_batch_order_and_padding_do_not_matter():
    det = levels(batch=2)
    there = truth([ONE[0][0] * 2, NOTHING[0][0] * 2], [[2, NO_BOX], [NO_BOX, NO_BOX]])
    back = truth([NOTHING[0][0] * 2, ONE[0][0] * 2], [[NO_BOX, NO_BOX], [NO_BOX, 2]])
    flipped = [DetLevel(*(t.flip(0) for t in level[:3]), level.stride) for level in det]
    a, b = detection_loss(det, there), detection_loss(flipped, back)
    assert float(total(a)) == pytest.approx(float(total(b)), rel=1e-5)


def test_bf16_outputs_give_the_loss_within_a_hundredth():
    det = levels()
    rounded = [DetLevel(*(t.bfloat16() for t in level[:3]), level.stride) for level in det]
    a, b = detection_loss(det, truth(*ONE)), detection_loss(rounded, truth(*ONE))
    assert float(total(b)) == pytest.approx(float(total(a)), rel=1e-2)
