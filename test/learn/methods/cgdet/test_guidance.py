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

"""Where the teacher guides: boxes on their level, everything, or in between."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.methods.cgdet.args import CgdetArgs
from xspec_ros.learn.methods.cgdet.guidance import guidance_loss, guidance_weights

WIDTH = 64  # a box of 6.4 px is P4's, of 12.8 px P5's


def pyramid(seed, *, batch=4, channels=5):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, channels, n, n, generator=generator) for n in (8, 4, 2)]


@pytest.fixture
def boxed(pairs):
    """Return pairs with a small, a middle and a large box in every picture."""
    boxes = torch.tensor([[1.0, 1, 7, 7], [33, 1, 43, 11], [16, 16, 49, 49]])
    shape = (4, 3)
    return pairs._replace(
        boxes_xyxy=boxes.repeat(4, 1, 1),
        box_classes=torch.zeros(shape, dtype=torch.int64),
        box_crowd=torch.zeros(shape, dtype=torch.bool),
        box_scores=torch.ones(shape),
    )


def weights(batch, *, reliability=None, gamma=0.1, **arguments):
    known = torch.ones(4) if reliability is None else torch.tensor(reliability)
    return guidance_weights(batch, known, CgdetArgs(gamma=gamma, **arguments), width=WIDTH)


def loss(student, teacher, cells, *, guidance='cosine'):
    return guidance_loss(student, teacher, cells, CgdetArgs(guidance=guidance))


def test_a_box_counts_on_the_level_of_its_size(boxed):
    p3, p4, p5 = weights(boxed, gamma=0.0)
    assert p3[0].nonzero().tolist() == [[0, 0]]
    assert p4[0].nonzero().tolist() == [[0, 2]]
    assert p5[0].nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_boxes_may_count_on_every_level(boxed):
    p3, p4, _ = weights(boxed, gamma=0.0, levels='all')
    assert p3[0].sum() == 1 + 1 + 16  # one cell of each of the smaller boxes, 4 x 4 of the large
    assert p4[0].sum() == 1 + 4


def test_regions_to_ignore_and_unlabelled_pictures_have_no_boxes(boxed):
    boxed.box_crowd[:, 2] = True
    bare = boxed._replace(has_boxes=torch.tensor([True, False, True, True]))
    p3, _, p5 = weights(bare, gamma=0.0)
    assert not p5.any()
    assert not p3[1].any()


def test_cells_outside_the_picture_do_not_count(boxed):
    inside = boxed.inside.clone()
    inside[:, :, 40:] = False
    p3, p4, p5 = weights(boxed._replace(inside=inside), gamma=1.0)
    assert p3[0].sum(dim=0).tolist() == [8.0] * 5 + [0.0] * 3
    assert p4[0].sum(dim=0).tolist() == [4.0] * 2 + [0.0] * 2  # not the cell that is cut
    assert p5[0].sum(dim=0).tolist() == [2.0, 0.0]


def test_equal_directions_in_weighted_cells_cost_nothing(boxed):
    teacher = pyramid(0)
    inside = weights(boxed, gamma=0.0)
    student = [
        torch.where(cells[:, None] > 0, 3 * theirs, other)
        for theirs, other, cells in zip(teacher, pyramid(1), inside, strict=True)
    ]
    assert float(loss(student, teacher, inside)) == pytest.approx(0, abs=1e-6)
    assert float(loss(student, teacher, weights(boxed, gamma=0.1))) > 0.01


def test_the_teachers_scale_does_not_matter_and_four_is_the_most(boxed):
    student, teacher = pyramid(1), pyramid(0)
    cells = weights(boxed)
    plain = loss(student, teacher, cells)
    torch.testing.assert_close(loss(student, [9 * each for each in teacher], cells), plain)
    assert 0 < float(plain) < 4
    worst = loss([-each for each in teacher], teacher, weights(boxed, gamma=1.0))
    assert float(worst) == pytest.approx(4, rel=1e-5)


def test_without_gamma_features_outside_boxes_do_not_matter(boxed):
    student, teacher, cells = pyramid(1), pyramid(0), weights(boxed, gamma=0.0)
    changed = [
        torch.where(weight[:, None] > 0, ours, torch.full_like(ours, 1e6))
        for ours, weight in zip(student, cells, strict=True)
    ]
    assert torch.equal(loss(student, teacher, cells), loss(changed, teacher, cells))


def test_with_a_gamma_of_one_it_is_the_plain_mean(boxed):
    student, teacher = pyramid(1), pyramid(0)
    found = loss(student, teacher, weights(boxed, gamma=1.0))
    unit = [
        [each / each.norm(dim=1, keepdim=True) for each in side] for side in (student, teacher)
    ]
    means = [(a - b).square().sum(dim=1).mean() for a, b in zip(*unit, strict=True)]
    torch.testing.assert_close(found, torch.stack(means).mean())


def test_a_picture_that_is_not_believed_drops_out_exactly(boxed):
    student, teacher = pyramid(1), pyramid(0)
    with_night = loss(student, teacher, weights(boxed, reliability=[1.0, 0.0, 1.0, 1.0]))
    rest = [0, 2, 3]
    alone = [each[rest] for each in weights(boxed)]
    assert torch.equal(
        with_night, loss([each[rest] for each in student], [e[rest] for e in teacher], alone)
    )


@pytest.mark.parametrize('guidance', ['correlation', 'cosine', 'l1_cosine'])
def test_a_batch_of_the_night_gives_nothing(boxed, guidance):
    student = [each.requires_grad_() for each in pyramid(1)]
    found = loss(student, pyramid(0), weights(boxed, reliability=[0.0] * 4), guidance=guidance)
    found.backward()
    assert float(found.detach()) == 0
    assert not any(each.grad.any() for each in student)


def correlation(student, teacher, cells):
    return loss(student, teacher, cells, guidance='correlation')


def test_correlated_channels_cost_nothing_whatever_their_scale_and_level(boxed):
    teacher, cells = pyramid(0), weights(boxed)
    scale = torch.tensor([0.2, 1.0, 3.0, 10.0, 0.5])[:, None, None]
    moved = [each * scale + 7 * scale.flip(0) for each in teacher]
    assert float(correlation(moved, teacher, cells)) == pytest.approx(0, abs=1e-4)
    student = pyramid(1)
    plain = correlation(student, teacher, cells)
    torch.testing.assert_close(correlation(student, moved, cells), plain, rtol=1e-4, atol=1e-4)
    worst = correlation([-each for each in teacher], teacher, cells)
    assert float(worst) == pytest.approx(2, rel=1e-4)


def test_correlation_is_that_of_the_cells_of_all_pictures(boxed):
    student, teacher = pyramid(1), pyramid(0)
    found = correlation(student, teacher, weights(boxed, gamma=1.0))
    expected = [
        1 - torch.corrcoef(torch.stack((ours.flatten(), theirs.flatten())))[0, 1]
        for level in zip(student, teacher, strict=True)
        for ours, theirs in zip(*(side.transpose(0, 1) for side in level), strict=True)
    ]
    torch.testing.assert_close(found, torch.stack(expected).mean(), rtol=1e-4, atol=1e-5)


def test_a_cell_of_twice_the_weight_counts_as_two(boxed):
    student, teacher = pyramid(1), pyramid(0)
    cells = weights(boxed, gamma=1.0)
    heavier = [torch.cat((2 * each[:1], each[1:])) for each in cells]
    again = [0, 0, 1, 2, 3]
    repeated = [[each[again] for each in side] for side in (student, teacher, cells)]
    torch.testing.assert_close(correlation(student, teacher, heavier), correlation(*repeated))


def test_channels_that_the_teacher_does_not_use_do_not_count(boxed):
    student, teacher, cells = pyramid(1), pyramid(0), weights(boxed)
    dead = [torch.cat((each, torch.full_like(each[:, :2], 4.0)), dim=1) for each in teacher]
    wide = [torch.cat((each, each[:, :2] ** 2), dim=1) for each in student]
    torch.testing.assert_close(
        correlation(wide, dead, cells), correlation(student, teacher, cells)
    )


def test_correlation_keeps_out_what_is_not_weighted(boxed):
    student, teacher, cells = pyramid(1), pyramid(0), weights(boxed, reliability=[1.0, 0, 1, 1])
    rest = [0, 2, 3]
    alone = [[each[rest] for each in side] for side in (student, teacher, cells)]
    torch.testing.assert_close(correlation(student, teacher, cells), correlation(*alone))
    changed = [
        torch.where(weight[:, None] > 0, ours, torch.full_like(ours, 1e6))
        for ours, weight in zip(student, cells, strict=True)
    ]
    assert torch.equal(correlation(student, teacher, cells), correlation(changed, teacher, cells))


def test_a_channel_of_the_student_that_is_flat_can_be_learnt(boxed):
    flat = [torch.zeros_like(each, requires_grad=True) for each in pyramid(1)]
    correlation(flat, pyramid(0), weights(boxed, gamma=1.0)).backward()
    assert all(bool(each.grad.isfinite().all()) for each in flat)


@pytest.mark.parametrize('guidance', ['correlation', 'cosine', 'l1_cosine'])
def test_features_of_half_precision_are_compared_in_float32(boxed, guidance):
    halves = [[each.bfloat16() for each in pyramid(seed)] for seed in (1, 0)]
    cells = weights(boxed)
    expected = loss(
        *[[each.float() for each in side] for side in halves], cells, guidance=guidance
    )
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = loss(*halves, cells, guidance=guidance)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
