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

"""Degrees of difference and their residuals, on tensors alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xspec_ros.learn.methods.ccdistill.loss import (
    content_degree,
    embeddings,
    gram,
    gram_rows,
    match,
    Quadruple,
    residuals,
    style_degree,
)

DOMAINS = ('sd', 'sn', 'td', 'tn')
SIZE = (6, 10)
GRID = (2, 5)
WHOLE = torch.ones(3, *SIZE, dtype=torch.bool)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def features(seed, channels=7):
    return draw(3, channels, *SIZE, seed=seed) + 0.5


def content(x, cells=WHOLE, grid=GRID):
    return embeddings(x, cells, grid)


def style(x, cells=WHOLE):
    return gram_rows(gram(x, cells))


MAKERS = {'content': (content, content_degree), 'style': (style, style_degree)}


@pytest.fixture(params=MAKERS)
def kind(request):
    """How directions are made, and their degree."""
    return MAKERS[request.param]


def four(make, sd=1, sn=2, td=3, tn=4):
    """Return directions of random features, equal where the seeds are."""
    return Quadruple(*(make(features(seed)) for seed in (sd, sn, td, tn)))


def test_degrees_are_cosines(kind):
    make, degree = kind
    x, y = make(features(1)), make(features(2))
    assert degree(x, y).abs().max() <= 1 + 1e-6
    assert degree(x, x).abs().max() <= 1 + 1e-6


def test_content_of_a_picture_with_itself_has_a_unit_diagonal_and_turns_over():
    x, y = content(features(1)), content(features(2))
    diagonal = content_degree(x, x).diagonal(dim1=1, dim2=2)
    assert torch.allclose(diagonal, torch.ones_like(diagonal), atol=1e-6)
    assert torch.allclose(content_degree(y, x), content_degree(x, y).mT, atol=1e-6)


def test_style_is_symmetric_and_one_with_itself():
    x, y = style(features(1)), style(features(2))
    assert torch.equal(style_degree(x, y), style_degree(y, x))
    assert torch.allclose(style_degree(x, x), torch.ones(3, 7), atol=1e-6)


def test_equal_hours_leave_nothing_to_learn_but_the_content_of_places(kind):
    make, degree = kind
    same = residuals(four(make, sn=1, tn=3), degree)
    assert same.inherent.item() == 0
    if degree is style_degree:
        assert same.illumination.item() == pytest.approx(0, abs=1e-6)
    pooled = residuals(four(lambda x: content(x, grid=(1, 1)), sn=1, tn=3), content_degree)
    assert pooled.illumination.item() == pytest.approx(0, abs=1e-6)


def test_equal_cameras_leave_nothing_to_learn_between_hours(kind):
    make, degree = kind
    assert residuals(four(make, td=1, tn=2), degree).illumination.item() == 0


def test_different_domains_leave_something_to_learn(kind):
    make, degree = kind
    assert all(each.item() > 1e-3 for each in residuals(four(make), degree))


@pytest.mark.parametrize('distance', ['l1', 'l2'])
def test_content_residuals_equal_the_plain_values(distance):
    pooled = {}
    for seed, name in enumerate(DOMAINS, start=1):
        x = features(seed).numpy().astype(np.float64)
        places = x.reshape(3, 7, 2, 3, 5, 2).mean(axis=(3, 5)).reshape(3, 7, 10)
        pooled[name] = places / np.linalg.norm(places, axis=1, keepdims=True)

    def cosines(a, b):
        return np.einsum('bdi,bdj->bij', pooled[a], pooled[b])

    norm = np.abs if distance == 'l1' else np.square
    both = residuals(four(content), content_degree, distance=distance)
    inherent = norm(cosines('sd', 'td') - cosines('sn', 'tn')).mean()
    illumination = norm(cosines('sd', 'sn') - cosines('td', 'tn')).mean()
    assert both.inherent.item() == pytest.approx(inherent, rel=1e-5)
    assert both.illumination.item() == pytest.approx(illumination, rel=1e-5)


def test_style_residuals_equal_the_plain_values():
    rows = []
    for seed in (1, 2, 3, 4):
        x = features(seed).numpy().astype(np.float64).reshape(3, 7, -1)
        x = x / np.sqrt((x**2).mean(axis=(1, 2), keepdims=True))
        g = x @ x.transpose(0, 2, 1) / x.shape[2]
        assert torch.allclose(gram(features(seed), WHOLE), torch.tensor(g).float(), atol=1e-5)
        rows.append(g / np.linalg.norm(g, axis=2, keepdims=True))
    sd, sn, td, tn = rows
    both = residuals(four(style), style_degree)
    inherent = np.abs((sd * td).sum(axis=2) - (sn * tn).sum(axis=2)).mean()
    illumination = np.abs((sd * sn).sum(axis=2) - (td * tn).sum(axis=2)).mean()
    assert both.inherent.item() == pytest.approx(inherent, rel=1e-4)
    assert both.illumination.item() == pytest.approx(illumination, rel=1e-4)


@pytest.mark.parametrize('gain', [1e-2, 30.0])
def test_style_does_not_depend_on_the_gain_of_features(gain):
    x, y = features(1), features(2)
    assert torch.allclose(gram(gain * x, WHOLE), gram(x, WHOLE), rtol=1e-3, atol=1e-5)
    plain, louder = (style_degree(style(each), style(y)) for each in (x, gain * x))
    assert torch.allclose(plain, louder, atol=1e-5)


def test_style_does_not_know_where_things_are_and_content_does():
    x = features(1)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    shuffled = x.flatten(2)[:, :, order].reshape(x.shape)
    for moved in (shuffled, x.flip(3)):
        assert torch.allclose(gram(moved, WHOLE), gram(x, WHOLE), atol=1e-5)
        other = content_degree(content(moved), content(features(2)))
        assert not torch.allclose(other, content_degree(content(x), content(features(2))))


def test_matrix_differences_would_make_both_kinds_the_same():
    sd, sn, td, tn = (gram(features(seed), WHOLE) for seed in (1, 2, 3, 4))
    inherent, illumination = (sd - td) - (sn - tn), (sd - sn) - (td - tn)
    assert torch.allclose(inherent, illumination, atol=1e-6)
    both = residuals(four(style), style_degree)
    assert abs(both.inherent.item() - both.illumination.item()) > 1e-3


@pytest.mark.parametrize('stop_source', [True, False])
def test_the_teachers_side_gets_no_gradient(kind, stop_source):
    make, degree = kind
    leaves = [features(seed).requires_grad_() for seed in (1, 2, 3, 4)]

    def reached(which):
        found = residuals(Quadruple(*map(make, leaves)), degree, stop_source=stop_source)
        gradients = torch.autograd.grad(getattr(found, which), leaves, allow_unused=True)
        return {
            name
            for name, gradient in zip(DOMAINS, gradients, strict=True)
            if gradient is not None and gradient.abs().sum() > 0
        }

    assert reached('inherent') == ({'tn'} if stop_source else {'sn', 'tn'})
    assert reached('illumination') == ({'tn'} if stop_source else {'td', 'tn'})


def test_a_step_along_the_gradient_lessens_the_residual(kind):
    make, degree = kind
    night = features(4).requires_grad_()
    fixed = [make(features(seed)) for seed in (1, 2, 3)]

    def loss(x):
        return sum(residuals(Quadruple(*fixed, make(x)), degree))

    before = loss(night)
    before.backward()
    assert loss((night - 0.1 * night.grad).detach()) < before


def test_what_lies_outside_the_picture_enters_nothing(kind):
    make, degree = kind
    cells = WHOLE.clone()
    cells[:, :, 8:] = False
    cells[2] = False

    def loss(wild):
        x = [torch.where(cells[:, None], features(s), wild * (1 + s)) for s in (1, 2, 3, 4)]
        return sum(residuals(Quadruple(*(make(each, cells) for each in x)), degree))

    assert torch.equal(loss(0.0), loss(1e3))
    cut = [features(s)[:2, :, :, :8] for s in (1, 2, 3, 4)]
    inside = torch.ones(2, 6, 8, dtype=torch.bool)
    grid = {} if make is style else {'grid': (2, 4)}
    alone = sum(residuals(Quadruple(*(make(each, inside, **grid) for each in cut)), degree))
    assert torch.allclose(loss(1e3), alone, rtol=1e-5)


def test_places_and_channels_without_a_word_do_not_count(kind):
    make, degree = kind
    x = [features(seed) for seed in (1, 2, 3, 4)]
    silent = [each.clone() for each in x]
    silent[1][:, 2] = 0.0
    domains = Quadruple(*map(make, silent))
    if make is style:
        assert not domains.known()[:, 2].any()
        assert domains.known().sum() == 3 * 6
    night = silent[3].requires_grad_()
    found = sum(residuals(domains._replace(tn=make(night)), degree))
    found.backward()
    assert torch.isfinite(night.grad).all()


@pytest.mark.parametrize('empty', range(4))
def test_an_empty_domain_gives_zero_with_zero_gradient(kind, empty):
    make, degree = kind
    leaves = [features(seed).requires_grad_() for seed in (1, 2, 3, 4)]
    parts = [each[:0] if n == empty else each for n, each in enumerate(leaves)]
    made = [make(each, WHOLE[: len(each)]) for each in parts]
    found = residuals(match(Quadruple(*made)), degree)
    assert found == (0, 0)
    (found.inherent + found.illumination).backward()
    assert all(each.grad is None or not each.grad.any() for each in leaves)


def test_a_picture_of_no_area_gives_zero_with_finite_gradients(kind):
    make, degree = kind
    night, nowhere = features(4).requires_grad_(), torch.zeros_like(WHOLE)
    domains = Quadruple(*(make(features(s), nowhere) for s in (1, 2, 3)), make(night, nowhere))
    loss = sum(residuals(domains, degree))
    loss.backward()
    assert loss.item() == 0
    assert not night.grad.any()


def test_partners_are_taken_turn_by_turn():
    numbered = [torch.arange(float(count))[:, None, None] for count in (2, 2, 3, 5)]
    matched = match(Quadruple(*numbered))
    assert [each.flatten().tolist() for each in matched] == [
        [0, 1, 0, 1, 0],
        [0, 1, 0, 1, 0],
        [0, 1, 2, 0, 1],
        [0, 1, 2, 3, 4],
    ]


def test_the_order_of_quadruples_does_not_matter(kind):
    make, degree = kind
    domains = four(make)
    turned = Quadruple(*(each[[2, 0, 1]] for each in domains))
    for one, other in zip(residuals(domains, degree), residuals(turned, degree), strict=True):
        assert torch.allclose(one, other, rtol=1e-5)


def test_over_the_batch_pictures_take_the_place_of_cells():
    pooled = four(lambda x: content(x, grid=(1, 1)))
    domains = pooled.over_batch()
    assert content_degree(domains.sd, domains.td).shape == (1, 3, 3)
    turned = Quadruple(*(each[[2, 0, 1]] for each in pooled)).over_batch()
    for one, other in zip(
        residuals(domains, content_degree), residuals(turned, content_degree), strict=True
    ):
        assert torch.allclose(one, other, rtol=1e-5)


def test_bf16_features_are_compared_in_float32(kind):
    make, degree = kind
    with torch.autocast('cpu', dtype=torch.bfloat16):
        inside = degree(make(features(1)), make(features(2)))
    assert inside.dtype == torch.float32
    assert torch.equal(inside, degree(make(features(1)), make(features(2))))
    rounded = degree(make(features(1).bfloat16()), make(features(2).bfloat16()))
    assert torch.allclose(rounded, inside, atol=1e-2)
