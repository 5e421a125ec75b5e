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

"""Night looks: another hour, the same geometry."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.methods.ccdistill.night import (
    blur,
    draw,
    match_levels,
    percentiles,
    rgb_night,
    swap_amplitude,
    thermal_night,
)

NAMES = ('a', 'b', 'c')
SIZE = (64, 96)
INSIDE = torch.ones(3, *SIZE, dtype=torch.bool)


def scenes(channels, seed=0):
    """Return bright blocks on a slope, (3, C, H, W) in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    blocks = torch.rand(3, channels, 4, 6, generator=generator)
    fine = blocks.repeat_interleave(16, dim=2).repeat_interleave(16, dim=3)
    return 0.1 + 0.6 * fine + 0.2 * torch.linspace(0, 1, SIZE[1])


def dark(channels):
    return 0.15 * scenes(channels, seed=5)


def night_of(picture, *, step=0, names=NAMES, lenders=None):
    """Return the night look of pictures of either camera."""
    draws = draw(names, picture, seed=0, step=step)
    lenders = dark(picture.shape[1]) if lenders is None else lenders
    if picture.shape[1] == 3:
        return rgb_night(picture, lenders, draws)
    levels = percentiles(picture, INSIDE[: len(picture)])
    lent = percentiles(lenders, INSIDE[: len(lenders)])
    return thermal_night(picture, levels, lent, draws=draws)


def edges(picture):
    return (
        picture.mean(dim=1).diff(dim=2).abs()[:, :-1]
        + picture.mean(dim=1).diff(dim=1).abs()[:, :, :-1]
    )


@pytest.fixture(params=[1, 3], ids=['thermal', 'rgb'])
def day(request):
    return scenes(request.param)


def test_shape_type_and_range_stay(day):
    for extreme in (day, torch.zeros_like(day), torch.ones_like(day)):
        night = night_of(extreme)
        assert night.shape == day.shape
        assert night.dtype == day.dtype
        assert night.min() >= 0
        assert night.max() <= 1
        assert torch.isfinite(night).all()


def test_edges_stay_where_they_are(day):
    before, after = edges(day), edges(night_of(day))

    def overlap(dy, dx):
        return (before * after.roll((dy, dx), dims=(1, 2)))[:, 8:-8, 8:-8].sum().item()

    here = overlap(0, 0)
    assert here > max(overlap(dy, dx) for dy in (-2, 0, 2) for dx in (-2, 0, 2) if dy or dx)


def test_a_look_is_repeated_for_its_name_and_step_wherever_the_picture_stands(day):
    first = night_of(day)
    assert torch.equal(first, night_of(day))
    turned = night_of(day[[2, 0, 1]], names=('c', 'a', 'b'))
    assert torch.equal(first[[2, 0, 1]], turned)
    assert not torch.equal(first, night_of(day, step=1))
    assert not torch.allclose(first[0], night_of(day, names=('d', 'b', 'c'))[0])


def test_rgb_becomes_as_dark_as_the_night_it_is_shown():
    day, lenders = scenes(3), dark(3)
    night = night_of(day, lenders=lenders[:1])
    assert day.mean() > 0.4
    assert (night.mean(dim=(1, 2, 3)) - lenders[0].mean()).abs().max() < 0.03


def test_rgb_becomes_dark_without_a_night_to_see():
    assert night_of(scenes(3), lenders=scenes(3)[:0]).mean() < 0.15


def test_thermal_takes_the_levels_of_the_night():
    day, lenders = scenes(1), dark(1)
    night = night_of(day, lenders=lenders[:1])
    own = percentiles(night, INSIDE)
    lent = percentiles(lenders[:1], INSIDE[:1])
    assert torch.allclose(own[:, 2], lent[0, 2].expand(3), atol=0.02)


def test_pictures_of_a_pair_see_the_same_night():
    draws = [draw(NAMES, scenes(channels), seed=0, step=3) for channels in (1, 3)]
    assert torch.equal(draws[0].lender(7), draws[1].lender(7))
    assert draws[0].lender(1).tolist() == [0, 0, 0]


def test_no_pictures_have_no_night():
    none = scenes(3)[:0]
    assert len(rgb_night(none, dark(3), draw((), none, seed=0, step=0))) == 0


def test_the_lowest_amplitudes_alone_are_swapped():
    one, other = torch.rand(1, 1, 300, 200), torch.rand(1, 1, 300, 200)
    mixed = torch.fft.fftshift(torch.fft.fft2(swap_amplitude(one, other)))
    own, theirs = (torch.fft.fftshift(torch.fft.fft2(each)) for each in (one, other))
    low = torch.zeros(1, 1, 300, 200, dtype=torch.bool)
    low[:, :, 148:153, 98:103] = True
    amplitude = torch.where(low, theirs.abs(), own.abs())
    assert torch.allclose(mixed.abs(), amplitude, rtol=1e-3, atol=1e-2)
    assert ((mixed * own.conj()).real > 0.99 * mixed.abs() * own.abs()).all()  # one phase


def test_a_picture_keeps_itself_when_it_lends_to_itself():
    one = scenes(3)
    assert torch.allclose(swap_amplitude(one, one), one, rtol=1e-4, atol=1e-5)


def test_blur_is_a_gaussian_and_none_at_zero():
    spot = torch.zeros(2, 1, 9, 9)
    spot[:, :, 4, 4] = 1.0
    sharp, soft = blur(spot, torch.tensor([0.0, 1.0])[:, None, None, None])
    assert torch.equal(sharp, spot[0])
    taps = torch.exp(-0.5 * torch.arange(-2.0, 3.0) ** 2)
    taps = taps / taps.sum()
    assert torch.allclose(soft[0, 2:7, 2:7], taps[:, None] * taps, atol=1e-6)
    flat = torch.full((1, 3, 5, 5), 0.3)
    assert torch.allclose(blur(flat, torch.ones(1, 1, 1, 1)), flat)


def test_levels_become_levels_and_order_stays():
    picture = torch.linspace(0, 1, 1001).reshape(1, 1, 7, 143).repeat(2, 1, 1, 1)
    own = torch.tensor([[0.1, 0.2, 0.5, 0.6, 0.9], [0.0, 0.0, 0.3, 1.0, 1.0]])
    other = torch.tensor([[0.0, 0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.4, 0.5, 0.6]])
    mapped = match_levels(picture, own, other).flatten(1)
    assert (mapped.diff(dim=1) >= -1e-6).all()
    assert torch.allclose(mapped[0, [0, 100, 200, 500, 600, 900, 1000]], torch.tensor(
        [0, 0, 0.1, 0.2, 0.3, 0.4, 1]), atol=1e-5)  # fmt: skip
    assert mapped[1, 300].item() == pytest.approx(0.4, abs=1e-5)


def test_percentiles_know_nothing_of_what_lies_outside():
    picture = scenes(1)
    inside = INSIDE.clone()
    inside[0, :, 48:] = False
    inside[2] = False
    wild = torch.where(inside[:, None], picture, 0.0)
    levels = percentiles(wild, inside)
    assert torch.equal(levels, percentiles(torch.where(inside[:, None], picture, 1.0), inside))
    half = picture[0, 0, ::5, ::5][:, :10].flatten().quantile(torch.tensor([0.05, 0.5, 0.95]))
    assert torch.allclose(levels[0, [0, 2, 4]], half, atol=1e-6)
    assert levels[2].tolist() == pytest.approx([0.05, 0.25, 0.5, 0.75, 0.95])


def test_looks_are_the_same_under_autocast(day):
    plain = night_of(day)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(night_of(day), plain)
