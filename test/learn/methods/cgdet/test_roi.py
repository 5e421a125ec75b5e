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

"""Levels by size, and RoIAlign against sums by hand."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from xspec_ros.learn.methods.cgdet.roi import box_levels, roi_align, roi_features
from xspec_ros.learn.models.student import STRIDES


def box(width, height=None):
    return torch.tensor([[3.0, 5.0, 3.0 + width, 5.0 + (width if height is None else height)]])


@pytest.mark.parametrize(
    ('side', 'level'), [(63.9, 3), (64, 4), (127.9, 4), (128, 5), (1, 3), (900, 5)]
)
@pytest.mark.parametrize('scale', [1.0, 0.5, 2.0])
def test_a_box_goes_to_the_level_of_its_size_in_the_picture(side, level, scale):
    assert box_levels(box(side * scale), int(640 * scale)).tolist() == [level]


@pytest.mark.parametrize('aspect', [0.25, 0.5, 2.0, 4.0])
@pytest.mark.parametrize(('side', 'level'), [(60, 3), (64, 4), (100, 4), (128, 5)])
def test_the_aspect_ratio_does_not_matter(side, level, aspect):
    stretch = aspect**0.5
    assert box_levels(box(side * stretch, side / stretch), 640).tolist() == [level]


@settings(max_examples=50, deadline=None)
@given(st.floats(1, 1000), st.floats(1, 3))
def test_a_larger_box_is_never_on_a_finer_level(side, growth):
    small, large = (int(box_levels(box(each), 640)) for each in (side, side * growth))
    assert small <= large


def test_a_box_of_no_size_has_a_level():
    assert box_levels(torch.zeros(2, 4), 640).tolist() == [3, 3]
    assert box_levels(torch.zeros(2, 3, 4), 640).shape == (2, 3)


def align(features, boxes, *, stride=8, size=7, rows=None):
    rows = torch.zeros(len(boxes), dtype=torch.int64) if rows is None else rows
    return roi_align(features, boxes, rows, stride=stride, size=size)


def test_a_constant_map_gives_the_constant():
    features = torch.full((1, 2, 6, 8), 3.5)
    boxes = torch.tensor([[4.0, 4.0, 40.0, 30.0], [-9.0, -9.0, 90.0, 70.0], [3.0, 3.0, 5.0, 5.0]])
    assert torch.allclose(align(features, boxes), torch.tensor(3.5))


def test_a_ramp_gives_the_value_at_the_bins_centres():
    rows, columns = 12, 16
    x = (torch.arange(columns) + 0.5) * 8  # pixels at the cells' centres
    y = (torch.arange(rows) + 0.5) * 8
    features = torch.stack((x.expand(rows, -1), y[:, None].expand(-1, columns)))[None]
    left, top, right, bottom = 21.0, 13.0, 98.0, 62.0
    found = align(features, torch.tensor([[left, top, right, bottom]]))
    centres = (torch.arange(7) + 0.5) / 7
    across, down = left + centres * (right - left), top + centres * (bottom - top)
    torch.testing.assert_close(found[0, 0], across.expand(7, -1), rtol=0, atol=1e-4)
    torch.testing.assert_close(found[0, 1], down[:, None].expand(-1, 7), rtol=0, atol=1e-4)


def test_moving_map_and_box_by_a_cell_changes_nothing():
    torch.manual_seed(0)
    wide = torch.randn(1, 3, 10, 12)
    boxes = torch.tensor([[20.0, 22.0, 60.0, 54.0]])
    there = align(wide[..., :-1, :-1], boxes)
    moved = align(wide[..., 1:, 1:], boxes - 8.0)
    torch.testing.assert_close(there, moved, rtol=1e-5, atol=1e-5)


def bilinear(plane, y, x):
    """Return a (h, w) map at fractional indices, which stay inside."""
    height, width = plane.shape
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = min(int(y), height - 2), min(int(x), width - 2)
    dy, dx = y - top, x - left
    upper = (1 - dx) * plane[top, left] + dx * plane[top, left + 1]
    lower = (1 - dx) * plane[top + 1, left] + dx * plane[top + 1, left + 1]
    return (1 - dy) * upper + dy * lower


@pytest.mark.parametrize('size', [1, 3])
@pytest.mark.parametrize('stride', [8, 16])
def test_sums_by_hand_agree(stride, size):
    torch.manual_seed(1)
    features = torch.randn(2, 2, 5, 6)
    boxes = torch.tensor(
        [[9.0, 3.0, 31.5, 30.0], [-6.0, 20.0, 12.0, 90.0], [30.0, 1.0, 33.0, 3.0]]
    )
    rows = torch.tensor([1, 0, 1])
    found = align(features, boxes, stride=stride, size=size, rows=rows)
    for number, (row, channel) in itertools.product(range(3), enumerate((0, 1))):
        left, top, right, bottom = boxes[number].tolist()
        plane = features[rows[number], channel]
        for i, j in itertools.product(range(size), range(size)):
            samples = [
                bilinear(
                    plane,
                    (top + (i + a) / size * (bottom - top)) / stride - 0.5,
                    (left + (j + b) / size * (right - left)) / stride - 0.5,
                )
                for a, b in itertools.product((0.25, 0.75), repeat=2)
            ]
            assert float(found[number, row, i, j]) == pytest.approx(
                float(sum(samples)) / 4, abs=1e-5
            )


def test_each_box_is_read_from_its_picture_and_its_level():
    sizes = ((8, 8), (4, 4), (2, 2))
    pyramid = [
        torch.arange(2.0)[:, None, None, None] + 10.0 * level + torch.zeros(2, 1, *size)
        for level, size in zip((3, 4, 5), sizes, strict=True)
    ]
    boxes = torch.tensor([[8.0, 8.0, 40.0, 40.0]]).repeat(4, 1)
    rows, levels = torch.tensor([1, 0, 0, 1]), torch.tensor([5, 3, 4, 3])
    found = roi_features(pyramid, boxes, rows, levels=levels, size=2)
    torch.testing.assert_close(found[:, 0], torch.tensor([51.0, 30.0, 40.0, 31.0]))
    assert len(STRIDES) == len(pyramid)


def test_no_boxes_give_no_features():
    pyramid = [torch.randn(2, 3, n, n, requires_grad=True) for n in (8, 4, 2)]
    none = torch.zeros(0, dtype=torch.int64)
    found = roi_features(pyramid, torch.zeros(0, 4), none, levels=none, size=7)
    assert found.shape == (0, 3)


def test_the_gradient_reaches_the_cells_of_the_box_alone():
    features = torch.randn(2, 1, 8, 8, requires_grad=True)
    found = align(features, torch.tensor([[16.0, 16.0, 32.0, 32.0]]), rows=torch.tensor([1]))
    found.sum().backward()
    reached = features.grad[:, 0] != 0
    assert not reached[0].any()
    assert reached[1, 2:4, 2:4].all()
    assert not reached[1, 5:].any()
    assert not reached[1, :, 5:].any()
