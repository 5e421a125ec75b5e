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

"""Values, bounds and gradients of the two losses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from xspec_ros.learn.methods.cgdet.loss import (
    boxed_cells,
    cell_weights,
    contrast_loss,
    Embedded,
    feature_distance,
    weighted_mean,
)

TAU = 0.1


def unit(count, *, size=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(count, size, generator=generator), dim=1)


def embedded(z, classes, weights=None):
    weights = torch.ones(len(z)) if weights is None else torch.tensor(weights)
    return Embedded(z, torch.tensor(classes, dtype=torch.int64), weights)


def by_hand(z, classes, weights, tau=TAU):
    """Return the contrast as its formula has it."""
    z, total, mass = z.numpy().astype(np.float64), 0.0, 0.0
    for i, number in enumerate(classes):
        positives = [p for p, other in enumerate(classes) if p != i and other == number >= 0]
        if not positives:
            continue
        others = sum(math.exp(z[i] @ z[a] / tau) for a in range(len(z)) if a != i)
        terms = [-math.log(math.exp(z[i] @ z[p] / tau) / others) for p in positives]
        total, mass = total + weights[i] * sum(terms) / len(terms), mass + weights[i]
    return total / mass


def test_the_contrast_is_its_formula():
    z, classes, weights = unit(9), [0, 1, 1, 0, 2, 0, 1, -1, -1], np.linspace(0.1, 0.9, 9)
    weights[-2:] = 0
    found = contrast_loss(embedded(z, classes, weights.tolist()), tau=TAU)
    assert float(found) == pytest.approx(by_hand(z, classes, weights), rel=1e-5)


@pytest.mark.parametrize('count', [2, 3, 17])
def test_equal_embeddings_give_the_logarithm_of_the_others(count):
    z = unit(1).repeat(count, 1)
    assert float(contrast_loss(embedded(z, [1] * count), tau=TAU)) == pytest.approx(
        math.log(count - 1), abs=1e-5
    )


@pytest.mark.parametrize('each', [2, 3, 6])
def test_separated_classes_leave_the_choice_among_their_own(each):
    z = torch.eye(2, 8).repeat_interleave(each, dim=0)
    loss = contrast_loss(embedded(z, [0] * each + [1] * each), tau=0.01)
    assert float(loss) == pytest.approx(math.log(each - 1), abs=1e-5)


def test_turning_the_space_and_the_order_change_nothing():
    z, classes = unit(10), torch.tensor([0, 0, 1, 2, 1, 1, 2, 0, 2, 3])
    loss = contrast_loss(embedded(z, classes.tolist()), tau=TAU)
    turn = torch.linalg.qr(unit(8, seed=3)).Q
    turned = contrast_loss(embedded(z @ turn, classes.tolist()), tau=TAU)
    order = torch.randperm(10, generator=torch.Generator().manual_seed(1))
    mixed = contrast_loss(embedded(z[order], classes[order].tolist()), tau=TAU)
    torch.testing.assert_close(turned, loss, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(mixed, loss, rtol=1e-4, atol=1e-5)


def test_a_lonely_box_is_no_anchor_but_a_negative():
    z = unit(3)
    pair = contrast_loss(embedded(z[:2], [0, 0]), tau=TAU)
    with_another = contrast_loss(embedded(z, [0, 0, 1]), tau=TAU)
    assert float(pair) == pytest.approx(0.0, abs=1e-6)
    assert float(with_another) == pytest.approx(by_hand(z, [0, 0, 1], [1, 1, 1]), rel=1e-5)
    assert float(with_another) > float(pair)


@pytest.mark.parametrize('classes', [[], [0], [0, 1], [-1, -1, -1]])
def test_without_a_pair_there_is_nothing_and_no_gradient(classes):
    z = unit(max(len(classes), 1))[: len(classes)].requires_grad_()
    loss = contrast_loss(embedded(z, classes), tau=TAU)
    loss.backward()
    assert float(loss.detach()) == 0
    assert not z.grad.any()


def moved_towards(z, distance):
    """Return z with its first row moved towards the second, as far as before from the others."""
    rest = torch.linalg.qr(torch.cat((z[:1], z[2:])).T).Q
    direction = functional.normalize(z[1] - rest @ (rest.T @ z[1]), dim=0)
    return torch.cat((functional.normalize(z[:1] + distance * direction, dim=1), z[1:]))


@pytest.mark.parametrize(('classes', 'sign'), [([0, 0, 1, 0, 2], -1), ([0, 1, 0, 1, 2], 1)])
def test_nearer_costs_less_within_a_class_and_more_between_two(classes, sign):
    for seed in range(20):
        z = unit(5, seed=seed).double()
        near, far = (
            contrast_loss(embedded(moved_towards(z, by).float(), classes), tau=1.0)
            for by in (0.05, -0.05)
        )
        assert sign * (float(near) - float(far)) > 0, seed


def test_kept_embeddings_are_compared_but_are_no_anchors():
    z, kept = unit(3).requires_grad_(), unit(4, seed=9).requires_grad_()
    memory = Embedded(kept.detach(), torch.tensor([0, 1, 1, 2]), torch.zeros(4))
    loss = contrast_loss(embedded(z, [0, 1, 5]), tau=TAU, memory=memory)
    both, classes = torch.cat((z, kept)).detach(), [0, 1, 5, 0, 1, 1, 2]
    expected = by_hand(both, classes, [1, 1, 1, 0, 0, 0, 0])
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert z.grad[:2].any(dim=1).all()


def test_the_contrast_is_exact_under_autocast():
    rois = embedded(unit(12), [0, 1, 2] * 4)
    exact = contrast_loss(rois, tau=TAU)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(contrast_loss(rois, tau=TAU), exact)


def features(seed, *, batch=2, channels=6, size=(4, 5)):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, channels, *size, generator=generator)


def test_the_squared_distance_runs_from_nothing_to_four():
    teacher = features(0)
    assert float(feature_distance(teacher, teacher, kind='cosine').max()) == 0
    opposite = feature_distance(-teacher, teacher, kind='cosine')
    torch.testing.assert_close(opposite, torch.full_like(opposite, 4.0))
    between = feature_distance(features(1), teacher, kind='cosine')
    assert between.shape == (2, 4, 5)
    assert ((between > 0) & (between < 4)).all()


def test_the_size_of_the_features_does_not_matter_to_it():
    student, teacher = features(1), features(0)
    scaled = feature_distance(0.3 * student, 7.0 * teacher, kind='cosine')
    torch.testing.assert_close(scaled, feature_distance(student, teacher, kind='cosine'))


def test_the_variant_adds_the_absolute_difference():
    student, teacher = features(1), features(0)
    half = feature_distance(student, teacher, kind='cosine') / 2  # = 1 - cos
    expected = (student - teacher).abs().mean(dim=1) + 0.7 * half
    found = feature_distance(student, teacher, kind='l1_cosine', beta=0.7)
    torch.testing.assert_close(found, expected)
    assert float(feature_distance(teacher, teacher, kind='l1_cosine').max()) < 1e-6


@pytest.mark.parametrize('kind', ['cosine', 'l1_cosine'])
def test_the_teacher_gets_no_gradient_and_dead_features_are_finite(kind):
    student, teacher = features(1).requires_grad_(), features(0).requires_grad_()
    with torch.no_grad():
        student[0, :, 0, 0] = 0.0
        teacher[0, :, 1, 1] = 0.0
    feature_distance(student, teacher, kind=kind).sum().backward()
    assert teacher.grad is None
    assert student.grad.isfinite().all()


def test_cells_weigh_by_box_picture_and_reliability():
    boxed = torch.tensor([[[True, False]], [[True, False]]])
    cells = torch.tensor([[[True, True]], [[False, True]]])
    found = cell_weights(boxed, cells, torch.tensor([1.0, 0.5]), gamma=0.1)
    torch.testing.assert_close(found, torch.tensor([[[1.0, 0.1]], [[0.0, 0.05]]]))


def test_a_mean_over_nothing_is_nothing():
    distance = torch.full((1, 2, 2), torch.inf, requires_grad=True)
    loss = weighted_mean(distance, torch.zeros(1, 2, 2))
    loss.backward()
    assert float(loss.detach()) == 0
    assert not distance.grad.any()


def test_a_mean_is_weighted_and_few_cells_do_not_count_as_one():
    distance, weights = torch.tensor([[[1.0, 3.0]]]), torch.tensor([[[3.0, 1.0]]])
    assert float(weighted_mean(distance, weights)) == pytest.approx(1.5)
    assert float(weighted_mean(distance, 0.1 * weights)) == pytest.approx(0.6)  # over 1, not 0.4


def test_a_cell_is_in_a_box_when_its_centre_is():
    boxes = torch.tensor(
        [[[4.0, 4.0, 12.0, 20.0], [24.0, 0.0, 32.0, 8.0], [0.0, 0.0, 64.0, 64.0]]]
    )
    counted = torch.tensor([[True, True, False]])
    found = boxed_cells(boxes, counted, cells_hw=(3, 4), stride=8)
    assert found.tolist() == [
        [[True, False, False, True], [True, False, False, False], [False] * 4]
    ]
