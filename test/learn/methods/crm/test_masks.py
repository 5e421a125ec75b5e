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

"""Masks: shares, cases, seeds, and that what is hidden stays hidden."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.methods.crm.args import CrmArgs
from xspec_ros.learn.methods.crm.masks import draw_masks, grid_of, hide

GRID = (8, 10)


def draw(count=1, *, grid=GRID, step=0, **arguments):
    names = [f'picture {index}' for index in range(count)]
    return draw_masks(names, grid, CrmArgs(**arguments), step=step)


def case_of(thermal, rgb):
    """Return 0 where RGB is whole, 1 where thermal is, 2 where neither is."""
    return 0 if not rgb.any() else 1 if not thermal.any() else 2


@settings(max_examples=30, deadline=None)
@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 11),
    rho=st.sampled_from([0.1, 0.5, 0.75]),
    seed=st.integers(0, 2**31),
)
def test_comp_shows_each_place_in_one_camera(rows, columns, rho, seed):
    masks = draw(3, grid=(rows, columns), strategy='comp', rho=rho, seed=seed)
    assert bool((masks.thermal ^ masks.rgb).all())
    hidden = math.ceil(rho * (rows * columns))
    assert masks.rgb.flatten(1).sum(1).tolist() == [hidden] * 3
    assert masks.thermal.flatten(1).sum(1).tolist() == [rows * columns - hidden] * 3


def test_rand_comp_takes_each_case_in_a_third_of_10000_draws():
    masks = draw(10_000, grid=(2, 2))
    cases = torch.tensor([case_of(t, r) for t, r in zip(*masks, strict=True)])
    counts = torch.bincount(cases, minlength=3)
    sigma = math.sqrt(10_000 * (1 / 3) * (2 / 3))
    assert counts.sub(10_000 / 3).abs().max() < 3 * sigma


def test_rand_comp_hides_the_draw_from_rgb_and_the_rest_from_thermal():
    masks = draw(300, rho=0.3)
    hidden = math.ceil(0.3 * 80)
    seen = set()
    for thermal, rgb in zip(*masks, strict=True):
        case = case_of(thermal, rgb)
        seen.add(case)
        assert int(rgb.sum()) == (0 if case == 0 else hidden)
        assert int(thermal.sum()) == (0 if case == 1 else 80 - hidden)
        assert case != 2 or bool((thermal ^ rgb).all())
    assert seen == {0, 1, 2}


def test_indiv_draws_twice():
    masks = draw(50, strategy='indiv')
    assert bool((masks.rgb & masks.thermal).any())
    assert masks.thermal.flatten(1).sum(1).tolist() == [40] * 50
    assert not any(torch.equal(t, r) for t, r in zip(*masks, strict=True))


def test_every_patch_is_hidden_equally_often():
    share = draw(3000, strategy='comp').rgb.float().mean(dim=0)
    assert share.sub(0.5).abs().max() < 4 * 0.5 / math.sqrt(3000)


def test_pictures_of_a_batch_have_masks_of_their_own():
    masks = draw(8, strategy='comp').rgb.flatten(1)
    assert len({tuple(row.tolist()) for row in masks}) == 8


def test_a_draw_depends_on_seed_step_and_name_alone():
    args = CrmArgs()
    first = draw_masks(['a', 'b', 'c'], GRID, args, step=7)
    shuffled = draw_masks(['c', 'a'], GRID, args, step=7)
    assert torch.equal(first.rgb[[2, 0]], shuffled.rgb)
    assert torch.equal(first.thermal[[2, 0]], shuffled.thermal)
    assert not torch.equal(first.rgb, draw_masks(['a', 'b', 'c'], GRID, args, step=8).rgb)
    other = draw_masks(['a', 'b', 'c'], GRID, CrmArgs(seed=1), step=7)
    assert not torch.equal(first.rgb, other.rgb)


def test_a_draw_leaves_the_random_state_of_the_run_alone():
    before = torch.get_rng_state()
    draw(4)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize('size_hw', [(32, 32), (64, 96), (256, 320)])
def test_the_grid_follows_the_picture(size_hw):
    height, width = size_hw
    assert grid_of(torch.zeros(2, 1, height, width), 32) == (height // 32, width // 32)


@pytest.mark.parametrize('size_hw', [(240, 320), (64, 80), (16, 16)])
def test_other_sizes_are_refused(size_hw):
    with pytest.raises(DataError, match=rf'{size_hw[0]}x{size_hw[1]}.*32-pixel'):
        grid_of(torch.zeros(1, 1, *size_hw), 32)


def test_masks_are_constant_on_patches():
    picture = torch.zeros(2, 1, 64, 96)
    masks = draw(2, grid=grid_of(picture, 32), strategy='comp')
    hidden = hide(picture, masks.rgb, torch.ones(1, 1, 1, 1))
    blocks = hidden.reshape(2, 2, 32, 3, 32)
    assert torch.equal(blocks.amax(dim=(2, 4)), blocks.amin(dim=(2, 4)))
    assert torch.equal(blocks.amax(dim=(2, 4)).bool(), masks.rgb)


def test_nothing_hidden_is_the_picture_bit_for_bit():
    picture = torch.rand(2, 3, 64, 64)
    none = torch.zeros(2, 2, 2, dtype=torch.bool)
    assert torch.equal(hide(picture, none, torch.rand(1, 3, 1, 1)), picture)


def test_no_value_under_a_mask_comes_through():
    picture, token = torch.rand(2, 3, 64, 64), torch.rand(1, 3, 1, 1)
    mask = draw(2, grid=(2, 2), strategy='comp').rgb
    under = mask[:, None].repeat_interleave(32, 2).repeat_interleave(32, 3).expand_as(picture)
    for value in (0.0, 1e30, float('nan'), float('inf')):
        changed = torch.where(under, torch.tensor(value), picture)
        assert torch.equal(hide(changed, mask, token), hide(picture, mask, token))


def test_the_token_learns_from_hidden_pixels_alone():
    picture = torch.rand(1, 1, 64, 64, requires_grad=True)
    token = torch.zeros(1, 1, 1, 1, requires_grad=True)
    mask = torch.tensor([[[True, False], [False, False]]])
    hide(picture, mask, token).sum().backward()
    assert float(token.grad) == 32 * 32
    assert float(picture.grad.sum()) == 64 * 64 - 32 * 32
