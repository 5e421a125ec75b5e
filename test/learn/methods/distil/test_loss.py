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

"""Distances between two answers against plain numpy, their zeros and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xspec_ros.learn.methods.distil.loss import box_distance, hard_distance, soft_distance
from xspec_ros.learn.models.decode import decode_boxes
from xspec_ros.learn.models.student import DetLevel

B, K, H, W = 2, 5, 32, 64


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(0)
    return (3 * torch.randn(2, B, K, H // 4, W // 4, generator=generator)).unbind()


def levels(seed, *, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    return [
        DetLevel(
            *(scale * torch.randn(B, c, H // s, W // s, generator=generator) for c in (3, 4, 1)), s
        )
        for s in (8, 16, 32)
    ]


def everywhere():
    return torch.ones(B, H, W, dtype=torch.bool)


def half():
    inside = everywhere()
    inside[:, :, W // 2 :] = False
    return inside


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize('temperature', [1.0, 2.0])
def test_soft_distance_is_the_weighted_divergence(logits, temperature):
    student, teacher = (value.numpy().astype(np.float64) for value in logits)
    p, q = softmax(teacher / temperature), softmax(student / temperature)
    weight = softmax(teacher).max(axis=1)
    expected = temperature**2 * (weight * (p * np.log(p / q)).sum(axis=1)).mean()
    found = soft_distance(*logits, everywhere(), temperature=temperature)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_hard_distance_asks_for_sure_pixels(logits):
    student, teacher = (
        torch.nn.functional.interpolate(
            value.double(), size=(H, W), mode='bilinear', align_corners=False
        ).numpy()
        for value in logits
    )
    p = softmax(teacher)
    sure = p.max(axis=1) > 0.6
    b, y, x = np.nonzero(sure)
    expected = -np.log(softmax(student)[b, p.argmax(axis=1)[b, y, x], y, x]).mean()
    found = hard_distance(*logits, everywhere(), confidence=0.6)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_an_unsure_teacher_gives_no_hard_labels(logits):
    student = logits[0].clone().requires_grad_()
    loss = hard_distance(student, logits[1], everywhere(), confidence=1.0)
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(student.grad.abs().sum()) == 0


def test_the_same_answer_has_no_distance(logits):
    teacher = logits[1]
    assert float(soft_distance(teacher, teacher, everywhere(), temperature=2.0)) == pytest.approx(
        0, abs=1e-6
    )
    found = box_distance(levels(1, scale=3.0), levels(1, scale=3.0), everywhere(), score=0.3)
    assert [float(term) for term in found] == pytest.approx([0, 0, 0], abs=1e-5)


def test_the_teacher_is_a_constant_and_its_side_is_nearer(logits):
    student, teacher = (value.clone().requires_grad_() for value in logits)
    before = soft_distance(student, teacher, everywhere(), temperature=2.0)
    before.backward()
    assert teacher.grad is None
    nearer = student.detach() - student.grad / student.grad.abs().max() * 0.1
    after = soft_distance(nearer, teacher.detach(), everywhere(), temperature=2.0)
    assert float(after) < float(before.detach())


def test_boxes_and_classes_are_learnt_where_the_teacher_sees_objects():
    student, teacher = levels(1), levels(2, scale=2.0)
    for level in student:
        for value in level[:3]:
            value.requires_grad_()
    found = box_distance(student, teacher, everywhere(), score=0.3)
    (found.box + found.cls).backward()
    seen = (decode_boxes(teacher)[1].amax(dim=2) > 0.3).sum()
    moved = sum(int((level.box.grad.abs().sum(dim=1) > 0).sum()) for level in student)
    assert 0 < moved <= int(seen)
    assert all(level.obj.grad is None for level in student)


def test_objectness_is_a_divergence_over_all_cells():
    student, teacher = levels(1), levels(2, scale=2.0)
    p, q = (
        torch.cat([level.obj.flatten() for level in det]).double().sigmoid().numpy()
        for det in (teacher, student)
    )
    total = (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum()
    seen = int((decode_boxes(teacher)[1].amax(dim=2) > 0.3).sum())
    found = box_distance(student, teacher, everywhere(), score=0.3)
    assert float(found.obj) == pytest.approx(total / seen, rel=1e-4)


def test_a_teacher_that_sees_nothing_teaches_no_boxes():
    empty = [level._replace(obj=torch.full_like(level.obj, -9.0)) for level in levels(2)]
    found = box_distance(levels(1), empty, everywhere(), score=0.3)
    assert float(found.box) == float(found.cls) == 0
    assert float(found.obj) > 0


@pytest.mark.parametrize('value', [1e3, float('nan')])
def test_nothing_outside_the_picture_counts(logits, value):
    student, teacher = logits
    wild = teacher.clone()
    wild[..., W // 8 :] = value
    expected = soft_distance(student, teacher, half(), temperature=2.0)
    assert torch.equal(soft_distance(student, wild, half(), temperature=2.0), expected)
    boxes, other = levels(2, scale=2.0), levels(2, scale=2.0)
    for level in other:
        level.obj[..., level.obj.shape[-1] // 2 :] = value
    found = box_distance(levels(1), boxes, half(), score=0.3)
    assert box_distance(levels(1), other, half(), score=0.3) == found


def test_a_mean_over_nothing_is_zero(logits):
    nothing = torch.zeros(B, H, W, dtype=torch.bool)
    assert float(soft_distance(*logits, nothing, temperature=2.0)) == 0
    assert float(hard_distance(*logits, nothing, confidence=0.1)) == 0
    assert [float(v) for v in box_distance(levels(1), levels(2), nothing, score=0.1)] == [0, 0, 0]
