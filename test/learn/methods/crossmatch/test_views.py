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

"""The strong view: which pixels change, which never do, and on what the draws depend."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.methods.crossmatch.args import ViewArgs
from xspec_ros.learn.methods.crossmatch.views import (
    draw_cutouts,
    draw_views,
    strong_rgb,
    strong_thermal,
)

SIZE = (48, 64)
NAMES = ('a', 'b', 'c')
NONE = torch.zeros(0, 4)
DEFAULT = ViewArgs()
STILL = ViewArgs(
    gain=0, offset=0, gamma=1, blur=0, noise=0, cutouts=(0, 0), colour=0, rgb_dropout=0
)


def views(args=DEFAULT, *, names=NAMES, seed=0, step=0, boxes=None):
    boxes = [NONE] * len(names) if boxes is None else boxes
    return draw_views(names, SIZE, args, seed=seed, step=step, boxes=boxes)


@pytest.fixture
def thermal():
    return torch.rand(3, 1, *SIZE, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def rgb():
    return torch.rand(3, 3, *SIZE, generator=torch.Generator().manual_seed(1))


def test_amounts_of_zero_change_nothing(thermal, rgb):
    draw = views(STILL)
    assert torch.allclose(strong_thermal(thermal, draw), thermal, atol=1e-6)
    assert torch.allclose(strong_rgb(rgb, draw), rgb, atol=1e-6)
    assert draw.shown.all()


def test_a_strong_view_stays_in_range_and_differs(thermal, rgb):
    draw = views()
    for before, after in (
        (thermal, strong_thermal(thermal, draw)),
        (rgb, strong_rgb(rgb, draw)),
    ):
        assert after.shape == before.shape
        assert after.dtype == torch.float32
        assert 0 <= float(after.min()) <= float(after.max()) <= 1
        assert float((after - before).abs().mean()) > 0.01


def test_nothing_moves(thermal):
    """A single warm pixel stays where it is: labels of the weak view fit."""
    args = ViewArgs(cutouts=(0, 0), noise=0, blur=1)
    spot = torch.zeros_like(thermal)
    spot[:, :, 20, 30] = 1.0
    after = strong_thermal(spot, views(args))
    for each in after:
        assert divmod(int(each.argmax()), SIZE[1]) == (20, 30)


def test_the_view_of_a_flipped_picture_is_the_flipped_view(thermal, rgb):
    """The geometry is the loader's alone: tone, blur and colours know no place."""
    draw = views(ViewArgs(cutouts=(0, 0), noise=0, blur=1))
    for strong, picture in ((strong_thermal, thermal), (strong_rgb, rgb)):
        once = strong(picture.flip(-1), draw)
        assert torch.allclose(once.flip(-1), strong(picture, draw), atol=1e-6)
        assert torch.equal(picture.flip(-1).flip(-1), picture)


def test_blur_of_one_picture_leaves_the_others_alone(thermal):
    draw = views(STILL)._replace(sigma=torch.tensor([0.0, 1.2, 0.0]))
    after = strong_thermal(thermal, draw)
    assert torch.allclose(after[[0, 2]], thermal[[0, 2]], atol=1e-6)
    assert float(after[1].std()) < 0.6 * float(thermal[1].std())
    assert float(after[1].mean()) == pytest.approx(float(thermal[1].mean()), abs=0.01)


def test_what_is_cut_out_reads_the_mean_of_its_picture(thermal):
    args = ViewArgs(gain=0, offset=0, gamma=1, blur=0, noise=0)
    draw = views(args)
    after = strong_thermal(thermal, draw)
    for index in range(3):
        hidden = draw.hidden[index]
        assert torch.allclose(after[index][hidden], thermal[index].mean(), atol=1e-5)
        assert torch.allclose(after[index][~hidden], thermal[index][~hidden], atol=1e-6)


def test_draws_belong_to_picture_step_and_seed():
    first = views()
    turned = views(names=('c', 'a', 'b'))
    for one, other in zip(first, turned, strict=True):
        assert torch.equal(one[[2, 0, 1]], other)
    for changed in (views(step=1), views(seed=1)):
        assert not torch.equal(first.tone, changed.tone)
        assert not torch.equal(first.noise, changed.noise)
    assert all(torch.equal(a, b) for a, b in zip(first, views(), strict=True))


def test_the_random_state_of_the_run_is_left_alone():
    before = torch.get_rng_state()
    views()
    assert torch.equal(before, torch.get_rng_state())


def test_rgb_is_withheld_in_its_share_of_the_pictures():
    names = tuple(f'picture {index}' for index in range(300))
    draw = draw_views(names, (8, 8), ViewArgs(), seed=0, step=0, boxes=[NONE] * 300)
    assert 0.22 < 1 - float(draw.shown.float().mean()) < 0.38


def cut(boxes=NONE, seed=0, args=DEFAULT):
    return draw_cutouts(torch.Generator().manual_seed(seed), SIZE, args, boxes)


def test_as_many_boxes_as_asked_are_cut_out():
    args = ViewArgs(cutouts=(1, 1), side=(0.25, 0.25))
    for seed in range(20):
        hidden = cut(seed=seed, args=args)
        assert int(hidden.any(dim=1).sum()) == SIZE[0] // 4 + 1
        assert int(hidden.any(dim=0).sum()) == SIZE[1] // 4 + 1
        assert int(hidden.sum()) == (SIZE[0] // 4 + 1) * (SIZE[1] // 4 + 1)
    shares = [float(cut(seed=seed).float().mean()) for seed in range(50)]
    assert 0.02 < min(shares) < max(shares) < 0.4


def test_cutouts_never_cover_more_than_half_of_a_box():
    boxes = torch.tensor([[5.0, 5, 15, 25], [20, 10, 60, 40], [0, 0, 6, 6], [50, 30, 64, 48]])
    args = ViewArgs(cutouts=(6, 6), side=(0.2, 0.6))
    for seed in range(40):
        hidden = cut(boxes, seed, args).float()
        for left, top, right, bottom in boxes.long().tolist():
            assert float(hidden[top:bottom, left:right].mean()) <= 0.5
