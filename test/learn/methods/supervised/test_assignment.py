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

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
import torch

from xspec_ros.learn.methods.supervised.assignment import (
    assign,
    CENTRE_RADIUS,
    pairwise_iou,
    TOP_CANDIDATES,
)


def grid(h, w, stride):
    ys, xs = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing='ij')
    centre = torch.stack((xs, ys), dim=-1).reshape(-1, 2) * stride
    return centre, torch.full((h * w,), float(stride))


def boxes_around(centre, half):
    return torch.cat((centre - half, centre + half), dim=1)


def run(truth_boxes, truth_classes, boxes=None, probabilities=None):
    centre, stride = grid(8, 8, 8)
    return assign(
        boxes_around(centre, 6.0) if boxes is None else boxes,
        torch.full((64, 3), 0.1) if probabilities is None else probabilities,
        centre=centre,
        stride=stride,
        truth_boxes=torch.tensor(truth_boxes, dtype=torch.float32),
        truth_classes=torch.tensor(truth_classes),
    )


def test_iou_of_known_boxes():
    a = torch.tensor([[0.0, 0, 10, 10]])
    b = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert pairwise_iou(a, b)[0].tolist() == pytest.approx([1, 1 / 3, 0])


def test_an_object_gets_at_least_one_cell_however_bad_the_boxes_are():
    centre, _ = grid(8, 8, 8)
    found = run([[20, 20, 30, 30]], [1], boxes=boxes_around(centre + 500, 1.0))
    assert len(found.cells) == 1


def test_positives_lie_near_the_centre():
    centre, _ = grid(8, 8, 8)
    found = run([[8, 8, 56, 56]], [0])
    distance = (centre[found.cells] - 32).abs().amax(dim=1)
    assert (distance < CENTRE_RADIUS * 8).all()


def test_the_cell_that_says_the_class_is_cheaper():
    probabilities = torch.full((64, 3), 0.05)
    wanted = 8 * 3 + 3  # its neighbours' boxes fit as well
    probabilities[wanted, 2] = 0.9
    found = run([[28, 28, 36, 36]], [2], probabilities=probabilities)
    assert wanted in found.cells.tolist()


def test_an_object_outside_the_picture_gets_nothing():
    found = run([[500, 500, 520, 520]], [0])
    assert len(found.cells) == 0
    assert found.iou.shape == (0,)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.integers(0, 48)] * 2, *[st.integers(4, 40)] * 2), min_size=1, max_size=6
    )
)
def test_a_cell_has_one_object_and_an_object_few_cells(rows):
    truth = [[x, y, x + w, y + h] for x, y, w, h in rows]
    found = run(truth, [index % 3 for index in range(len(rows))])
    assert len(set(found.cells.tolist())) == len(found.cells)
    assert int(torch.bincount(found.objects).max()) <= TOP_CANDIDATES
    expected = pairwise_iou(
        torch.tensor(truth, dtype=torch.float32), boxes_around(grid(8, 8, 8)[0], 6.0)
    )
    assert torch.allclose(found.iou, expected[found.objects, found.cells])


def test_better_boxes_bring_more_cells():
    centre, _ = grid(8, 8, 8)
    truth = [[12, 12, 52, 52]]
    poor = run(truth, [0], boxes=boxes_around(centre, 2.0))
    exact = torch.tensor(truth[0], dtype=torch.float32).expand(64, 4)
    good = run(truth, [0], boxes=exact)
    assert len(poor.cells) == 1
    assert len(good.cells) >= 4
