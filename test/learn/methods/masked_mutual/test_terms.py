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

"""The terms together, without a network."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.batch import COMPLEMENT, IGNORE
from xspec_ros.learn.methods.masked_mutual.args import MaskedMutualArgs, MutualArgs
from xspec_ros.learn.methods.masked_mutual.prototypes import Prototypes
from xspec_ros.learn.methods.masked_mutual.terms import day_terms, night_term, View

K, D, CELLS, SIZE = 5, 6, (8, 8), (32, 32)
ARGS = MaskedMutualArgs(theta=0.3)


def view(seed):
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(4, K, *CELLS, generator=generator)
    return View(logits, torch.randn(4, D, *CELLS, generator=generator))


def learning(seen):
    return View(*(tensor.clone().requires_grad_() for tensor in seen))


@pytest.fixture
def rgb():
    return view(1)


@pytest.fixture
def thermal():
    return view(2)


@pytest.fixture
def truth():
    label_map = torch.randint(0, K, (4, *SIZE), generator=torch.Generator().manual_seed(3))
    label_map[:, :4], label_map[1, 8:12] = IGNORE, COMPLEMENT
    return label_map


@pytest.fixture
def known():
    eta = torch.randn(K, D, generator=torch.Generator().manual_seed(4))
    return Prototypes(torch.nn.functional.normalize(eta, dim=1), torch.ones(K, dtype=torch.bool))


@pytest.fixture
def inside():
    return torch.ones(4, *SIZE, dtype=torch.bool)


def same(a, b):
    return all(
        torch.allclose(a.terms[name], b.terms[name], rtol=1e-6) for name in a.terms
    ) and all(torch.allclose(x, y, atol=1e-4) for x, y in zip(a.sums, b.sums, strict=True))


def test_swapping_the_networks_swaps_their_terms(rgb, thermal, truth, known):
    there = day_terms(rgb, thermal, truth, known=known, args=ARGS).terms
    back = day_terms(thermal, rgb, truth, known=known, args=ARGS).terms
    for name in ('seg', 'mml', 'prototype'):
        assert torch.equal(there[name], back[f'{name}_rgb'])
        assert torch.equal(there[f'{name}_rgb'], back[name])


def test_order_of_the_batch_does_not_matter(rgb, thermal, truth, known, inside):
    order = torch.tensor([2, 0, 3, 1])
    there = day_terms(rgb, thermal, truth, known=known, args=ARGS)
    back = day_terms(rgb.of(order), thermal.of(order), truth[order], known=known, args=ARGS)
    assert same(there, back)
    term, turned = (
        night_term(each, inside, known=known, args=ARGS) for each in (thermal, thermal.of(order))
    )
    assert torch.allclose(term, turned, rtol=1e-6)


def test_what_lies_at_ignored_pixels_changes_no_term(rgb, thermal, truth, known):
    truth[:, :, 12:] = IGNORE
    there = day_terms(rgb, thermal, truth, known=known, args=ARGS)
    for each in (rgb, thermal):  # from column 16 on: bilinear upsampling reaches 2 pixels further
        each.logits[..., 4:] += 7
        each.features[..., 4:] *= -3
    assert same(there, day_terms(rgb, thermal, truth, known=known, args=ARGS))


def test_a_batch_without_labels_gives_zero_and_finite_gradients(rgb, thermal, truth, known):
    rgb, thermal = learning(rgb), learning(thermal)
    nothing = torch.full_like(truth, IGNORE)
    day = day_terms(rgb, thermal, nothing, known=known, args=ARGS)
    sum(day.terms.values()).backward()
    assert all(term.item() == 0 for term in day.terms.values())
    assert day.sums.pixels.max() == 0
    for tensor in (*rgb, *thermal):
        assert tensor.grad.abs().max() == 0


def test_a_batch_of_none_gives_zero(rgb, thermal, truth, known, inside):
    none = torch.zeros(4, dtype=torch.bool)
    day = day_terms(rgb.of(none), thermal.of(none), truth[none], known=known, args=ARGS)
    assert all(term.item() == 0 for term in day.terms.values())
    for form in ('clean', 'official'):
        args = MaskedMutualArgs(psl=form)
        assert night_term(thermal.of(none), inside[none], known=known, args=args).item() == 0


@pytest.mark.parametrize(
    ('name', 'reached'),
    [
        ('seg_rgb', {'rgb logits'}),
        ('seg', {'thermal logits'}),
        ('mml_rgb', {'rgb logits'}),
        ('mml', {'thermal logits'}),
        ('prototype_rgb', {'rgb features'}),
        ('prototype', {'thermal features'}),
    ],
)
def test_every_term_teaches_what_it_is_meant_to(rgb, thermal, truth, known, name, reached):
    rgb, thermal = learning(rgb), learning(thermal)
    day_terms(rgb, thermal, truth, known=known, args=ARGS).terms[name].backward()
    tensors = {
        f'{camera} {part}': getattr(each, part)
        for camera, each in (('rgb', rgb), ('thermal', thermal))
        for part in ('logits', 'features')
    }
    found = {key for key, t in tensors.items() if t.grad is not None and t.grad.abs().sum() > 0}
    assert found == reached


@pytest.mark.parametrize('form', ['clean', 'official'])
def test_the_night_term_teaches_features_alone(thermal, known, inside, form):
    thermal = learning(thermal)
    args = MaskedMutualArgs(psl=form)
    night_term(thermal, inside, known=known, args=args).backward()
    assert thermal.logits.grad is None
    assert thermal.features.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ('args', 'names'),
    [
        (MaskedMutualArgs(segmentation=0.0), {'seg', 'seg_rgb'}),
        (MaskedMutualArgs(mml=MutualArgs(weight=0.0)), {'mml', 'mml_rgb'}),
        (MaskedMutualArgs(prototype=0.0), {'prototype', 'prototype_rgb'}),
    ],
)
def test_a_weight_of_zero_takes_its_terms_away(rgb, thermal, truth, known, args, names):
    terms = day_terms(rgb, thermal, truth, known=known, args=args).terms
    assert {name for name, term in terms.items() if term.item() == 0} == names


def test_the_ablations_of_the_mask_differ(rgb, thermal, truth, known):
    variants = (
        MutualArgs(),
        MutualArgs(mask='weight'),
        MutualArgs(mask='none'),
        MutualArgs(inter=False),
        MutualArgs(intra=False),
    )
    values = {
        day_terms(rgb, thermal, truth, known=known, args=MaskedMutualArgs(mml=mml))
        .terms['mml']
        .item()
        for mml in variants
    }
    assert len(values) == len(variants)


def test_unsure_pixels_stay_out_of_the_sums(rgb, thermal, truth, known):
    def pixels(theta):
        args = MaskedMutualArgs(theta=theta)
        return day_terms(rgb, thermal, truth, known=known, args=args).sums.pixels.sum().item()

    labelled = (truth[:, ::4, ::4] < K).sum().item()
    assert pixels(0.0) == 2 * labelled
    assert 0 < pixels(0.6) < 2 * labelled
    assert pixels(1.0) == 0
