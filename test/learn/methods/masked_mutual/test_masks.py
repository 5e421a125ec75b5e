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

from xspec_ros.learn.methods.masked_mutual.masks import (
    inter_spectral,
    intra_spectral,
    spectral_masks,
)


@pytest.fixture
def probabilities():
    """p_m of the label, (2, B, H, W), from almost 0 to almost 1."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 5, 6, 7, generator=generator).clamp(1e-6, 1 - 1e-6)


@pytest.fixture
def valid():
    return torch.rand(5, 6, 7, generator=torch.Generator().manual_seed(1)) > 0.2


def test_the_inter_spectral_masks_of_both_sum_to_one(probabilities):
    nll = -probabilities.log()
    total = inter_spectral(nll[0], nll[1]) + inter_spectral(nll[1], nll[0])
    assert torch.allclose(total, torch.ones_like(total), atol=1e-6)


def test_both_factors_equal_their_closed_forms(probabilities):
    p, other = probabilities
    inter = inter_spectral(-p.log(), -other.log())
    assert np.allclose(inter.numpy(), (p / (p + other)).numpy(), atol=1e-6)
    assert np.allclose(intra_spectral(-p.log()).numpy(), (2 * p / (1 + p)).numpy(), atol=1e-6)


def test_masks_lie_between_zero_and_one_and_vanish_without_a_label(probabilities, valid):
    for mask in spectral_masks(*-probabilities.log(), valid):
        assert ((mask >= 0) & (mask <= 1)).all()
        assert (mask[~valid] == 0).all()
        assert (mask[valid] > 0).all()


def test_hopeless_pixels_give_masks_of_zero_not_of_nan():
    nll = torch.tensor([[[1e4]]])
    masks = spectral_masks(nll, nll, torch.ones(1, 1, 1, dtype=torch.bool))
    assert masks.rgb.item() == 0
    assert masks.thermal.item() == 0


def test_swapping_the_networks_swaps_the_masks(probabilities, valid):
    nll_rgb, nll_thermal = -probabilities.log()
    there = spectral_masks(nll_rgb, nll_thermal, valid)
    back = spectral_masks(nll_thermal, nll_rgb, valid)
    assert torch.equal(there.rgb, back.thermal)
    assert torch.equal(there.thermal, back.rgb)


@pytest.mark.parametrize('days', range(1, 6))
def test_masks_of_any_part_of_a_batch_are_those_of_its_pictures(probabilities, valid, days):
    """The released code mixes pictures and networks when a part of the batch is of the day."""
    nll = -probabilities[:, :days].log()
    together = spectral_masks(*nll, valid[:days])
    for row in range(days):
        alone = spectral_masks(*nll[:, row : row + 1], valid[row : row + 1])
        assert torch.allclose(together.rgb[row], alone.rgb[0], atol=1e-6)
        assert torch.allclose(together.thermal[row], alone.thermal[0], atol=1e-6)


@pytest.mark.parametrize(('inter', 'intra'), [(True, False), (False, True), (False, False)])
def test_a_factor_can_be_left_out(probabilities, valid, inter, intra):
    nll = -probabilities.log()
    masks = spectral_masks(*nll, valid, inter=inter, intra=intra)
    expected = valid.float()
    if inter:
        expected = expected * inter_spectral(nll[0], nll[1])
    if intra:
        expected = expected * intra_spectral(nll[0])
    assert torch.equal(masks.rgb, expected)


def test_masks_carry_no_gradient(probabilities, valid):
    nll = (-probabilities.log()).requires_grad_()
    masks = spectral_masks(*nll, valid)
    assert not masks.rgb.requires_grad
    assert not masks.thermal.requires_grad
