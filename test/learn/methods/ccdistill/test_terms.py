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

"""Terms from features, without a network."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.batch import COMPLEMENT, IGNORE
from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs
from xspec_ros.learn.methods.ccdistill.domains import Rows
from xspec_ros.learn.methods.ccdistill.loss import residuals, style_degree
from xspec_ros.learn.methods.ccdistill.terms import (
    box_term,
    coarse_term,
    directions,
    pixel_term,
    style_term,
    styles,
)
from xspec_ros.learn.methods.crm.loss import box_supervision

ONES = torch.ones(5)
TABLE = {'C2': (4, 6), 'C3': (8, 9)}


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def truth():
    label_map = torch.randint(0, 5, (2, 16, 24), generator=torch.Generator().manual_seed(0))
    label_map[0, :5], label_map[1, 7] = IGNORE, COMPLEMENT
    return label_map


def test_pixels_without_a_label_change_nothing(truth):
    logits = draw(2, 5, 16, 24).requires_grad_()  # at full size, so that no pixel blends
    loss = pixel_term(logits, truth, ONES)
    loss.backward()
    labelled = truth < 5
    assert not logits.grad.movedim(1, 3)[~labelled].any()
    changed = torch.where(labelled[:, None], logits, 1e3)
    assert torch.equal(loss, pixel_term(changed, truth, ONES))


def test_pixels_are_weighed_by_their_class(truth):
    coarse, weights = draw(2, 5, 4, 6), torch.tensor([1.0, 2.0, 3.0, 1.0, 0.5])
    fine = torch.nn.functional.interpolate(coarse, size=(16, 24), mode='bilinear')
    index = torch.where(truth < 5, truth, IGNORE)
    expected = torch.nn.functional.cross_entropy(fine, index, weights, ignore_index=IGNORE)
    assert torch.allclose(pixel_term(coarse, truth, weights), expected, rtol=1e-5)


def test_a_cell_learns_the_label_in_its_middle(truth):
    coarse = draw(2, 5, 2, 3)
    middle = truth[:, 4::8, 4::8]
    index = torch.where(middle < 5, middle, IGNORE)
    expected = torch.nn.functional.cross_entropy(coarse, index, ignore_index=IGNORE)
    assert torch.allclose(coarse_term(coarse, truth, ONES), expected, rtol=1e-5)


@pytest.mark.parametrize('term', [pixel_term, coarse_term])
def test_nothing_labelled_gives_zero_with_zero_gradient(term):
    logits = draw(2, 5, 4, 6).requires_grad_()
    loss = term(logits, torch.full((2, 16, 24), IGNORE), ONES)
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()
    assert term(logits[:0], torch.zeros(0, 16, 24, dtype=torch.int64), ONES).item() == 0


def test_boxes_of_some_pictures_are_those_of_a_batch_of_them(context, pairs, rows):
    network = context('student').student.eval()
    chosen = torch.tensor([2, 0])
    part = rows(pairs, [2, 0])
    det = network(part.thermal).det
    assert torch.equal(box_term(det, pairs, chosen), box_supervision(det, part))


@pytest.fixture
def seen():
    """Features of two pictures by day and three by night."""
    return {
        domain: {
            level: draw(3 if domain == 'tn' else 2, channels, 64 // stride, 64 // stride, seed=n)
            for level, (stride, channels) in TABLE.items()
        }
        for n, domain in enumerate(('sd', 'sn', 'td', 'tn'))
    }


ROWS = Rows(torch.tensor([0, 1]), torch.tensor([0, 1]), torch.tensor([3, 2, 3]))


def test_style_is_averaged_over_the_levels(seen, pairs):
    loss = style_term(seen, pairs, ROWS, table=TABLE, args=CcDistillArgs())
    single = []
    for level, (stride, _) in TABLE.items():
        features = {domain: seen[domain][level] for domain in seen}
        matched = directions(features, pairs, ROWS, stride=stride, make=styles)
        assert matched.sd.shape[0] == 3
        single.append(sum(residuals(matched, style_degree)))
    assert torch.allclose(loss, sum(single) / 2)


def test_padding_enters_no_direction(seen, pairs):
    inside = pairs.inside.clone()
    inside[:, :, 41:] = False

    def loss(value):
        wild = {
            domain: {
                level: torch.cat((x[..., : 41 * x.shape[-1] // 64], torch.full_like(
                    x[..., 41 * x.shape[-1] // 64 :], value)), dim=-1)
                for level, x in levels.items()
            }
            for domain, levels in seen.items()
        }  # fmt: skip
        batch = pairs._replace(inside=inside)
        return style_term(wild, batch, ROWS, table=TABLE, args=CcDistillArgs())

    assert torch.equal(loss(0.0), loss(50.0))
