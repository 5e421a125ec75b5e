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

"""Terms against values written out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.crossmatch.loss import (
    consistency_loss,
    course,
    diversity_loss,
    self_training_loss,
)

K, SIZE = 5, (4, 6)


@pytest.fixture
def logits():
    def draw(seed=0, scale=1.0):
        generator = torch.Generator().manual_seed(seed)
        return (scale * torch.randn(2, K, *SIZE, generator=generator)).requires_grad_()

    return draw


@pytest.fixture
def cells():
    return torch.rand(2, *SIZE, generator=torch.Generator().manual_seed(5)) > 0.3


def test_self_training_is_the_mean_cross_entropy_of_kept_labels(logits):
    z = logits()
    label_map = torch.full((2, *SIZE), IGNORE)
    label_map[0, 1, 2], label_map[1, 0, 0] = 3, 1
    p = z.softmax(dim=1)
    expected = -(p[0, 3, 1, 2].log() + p[1, 1, 0, 0].log()) / 2
    assert torch.allclose(self_training_loss(z.log_softmax(dim=1), label_map), expected)


@pytest.mark.parametrize('balance', [0.0, 0.5, 1.0])
def test_rare_classes_can_be_made_up_for(logits, balance):
    z = logits()
    label_map = torch.full((2, *SIZE), IGNORE)
    label_map[0], label_map[1, 0, 0] = 3, 1  # one cell of a class, many of another
    nll = -z.log_softmax(dim=1)
    weight = torch.tensor([24.0**-balance, 1.0])
    losses = torch.stack((nll[0, 3].mean() * 24, nll[1, 1, 0, 0]))
    expected = (weight * losses).sum() / (weight * torch.tensor([24.0, 1.0])).sum()
    found = self_training_loss(z.log_softmax(dim=1), label_map, balance=balance)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('balance', [0.0, 0.5])
def test_no_label_at_all_is_zero_with_zero_gradient(logits, balance):
    z, nothing = logits(scale=50.0), torch.full((2, *SIZE), IGNORE)
    loss = self_training_loss(z.log_softmax(dim=1), nothing, balance=balance)
    loss.backward()
    assert loss.item() == 0
    assert not z.grad.any()


def test_pixels_without_a_label_have_no_influence(logits):
    z, label_map = logits(), torch.full((2, *SIZE), IGNORE)
    label_map[:, 0] = 2
    other = torch.where((label_map == IGNORE)[:, None], logits(1, 9.0), z)
    one, two = (self_training_loss(each.log_softmax(dim=1), label_map) for each in (z, other))
    assert torch.equal(one, two)


def test_consistency_is_a_weighted_divergence_inside_the_picture(logits, cells):
    z, log_p = logits(1), logits(2).detach().log_softmax(dim=1)
    p, s = log_p.exp().numpy(), z.detach().softmax(dim=1).numpy()
    expected, count = 0.0, 0
    for b, y, x in cells.nonzero().tolist():
        row, other = p[b, :, y, x], s[b, :, y, x]
        kl = sum(row[k] * (math.log(row[k]) - math.log(other[k])) for k in range(K))
        expected, count = expected + row.max() * kl, count + 1
    loss = consistency_loss(z.log_softmax(dim=1), log_p, cells)
    assert loss.item() == pytest.approx(expected / count, rel=1e-5)


def test_consistency_vanishes_where_both_say_the_same_and_is_positive_elsewhere(logits, cells):
    z = logits()
    log_p = z.log_softmax(dim=1)
    loss = consistency_loss(log_p, log_p, cells)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-7)
    assert z.grad.abs().max() < 1e-7
    for seed in range(1, 20):
        other = logits(seed, 3.0).log_softmax(dim=1)
        assert consistency_loss(log_p, other, cells).item() > 0


def test_the_teacher_of_the_consistency_gets_no_gradient(logits, cells):
    student, teacher = logits(1), logits(2)
    consistency_loss(student.log_softmax(dim=1), teacher.log_softmax(dim=1), cells).backward()
    assert teacher.grad is None
    assert student.grad.any()


def test_cells_outside_have_no_influence_on_the_consistency(logits, cells):
    z, log_p = logits(1), logits(2).log_softmax(dim=1)
    other = torch.where(cells[:, None], z, torch.nan)
    one, two = (consistency_loss(e.log_softmax(dim=1), log_p, cells) for e in (z, other))
    assert torch.equal(one, two)
    assert consistency_loss(z, log_p, torch.zeros_like(cells)).item() == 0


def test_diversity_is_zero_for_a_uniform_mean(cells):
    one_hot = torch.full((1, K, 1, K), -100.0)
    for k in range(K):
        one_hot[0, k, 0, k] = 100.0  # each cell is sure, all together are uniform
    cells = torch.ones(1, 1, K, dtype=torch.bool)
    assert diversity_loss(one_hot.log_softmax(dim=1), cells).item() == pytest.approx(0, abs=1e-6)


def test_diversity_is_log_k_for_a_single_class(logits, cells):
    z = torch.zeros(2, K, *SIZE)
    z[:, 1] = 200.0
    loss = diversity_loss(z.log_softmax(dim=1), cells)
    assert loss.item() == pytest.approx(math.log(K), rel=1e-5)


def test_the_gradient_of_diversity_is_that_of_its_formula(logits, cells):
    z, plain = logits(3, 2.0), logits(3, 2.0)
    diversity_loss(z.log_softmax(dim=1), cells).backward()
    m = plain.softmax(dim=1).permute(0, 2, 3, 1)[cells].mean(dim=0)
    ((m * m.log()).sum() + math.log(K)).backward()
    assert torch.allclose(z.grad, plain.grad, atol=1e-7)


def test_diversity_of_no_cell_is_zero_with_zero_gradient(logits, cells):
    z = logits()
    loss = diversity_loss(z.log_softmax(dim=1), torch.zeros_like(cells))
    loss.backward()
    assert loss.item() == 0
    assert not z.grad.any()


@pytest.mark.parametrize(('step', 'value'), [(0, 1.0), (5, 0.65), (10, 0.3), (99, 0.3)])
def test_a_course_runs_from_its_start_to_its_end(step, value):
    assert course(step, 11, start=1.0, end=0.3) == pytest.approx(value)


def test_a_course_of_one_step_is_at_its_start():
    assert course(0, 1, start=1.0, end=0.3) == 1.0
