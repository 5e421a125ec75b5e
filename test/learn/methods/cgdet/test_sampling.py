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

"""Which boxes are drawn: how many, how near, and that their place does not matter."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.batch import NO_BOX
from xspec_ros.learn.methods.cgdet.args import CgdetArgs
from xspec_ros.learn.methods.cgdet.sampling import (
    BACKGROUND,
    clipped,
    draw_rois,
    jittered,
    usable,
)
from xspec_ros.learn.methods.supervised.assignment import pairwise_iou


def crowded(pairs, count=20, *, seed=0):
    """Return the pairs with many boxes of three classes in every picture."""
    generator = torch.Generator().manual_seed(seed)
    corner = 40 * torch.rand(len(pairs.names), count, 2, generator=generator)
    sides = 6 + 14 * torch.rand(len(pairs.names), count, 2, generator=generator)
    shape = (len(pairs.names), count)
    return pairs._replace(
        boxes_xyxy=torch.cat((corner, corner + sides), dim=2),
        box_classes=torch.randint(0, 3, shape, generator=generator),
        box_crowd=torch.zeros(shape, dtype=torch.bool),
        box_scores=torch.rand(shape, generator=generator),
    )


def as_set(rois, names):
    """Return the boxes by the name of their picture."""
    return {
        (names[row], tuple(box), number, weight)
        for box, row, number, weight in zip(*(value.tolist() for value in rois), strict=True)
    }


def test_every_box_and_one_jittered_copy_of_it_are_drawn(pairs):
    rois = draw_rois(pairs, CgdetArgs(), step=3)
    assert len(rois.rows) == 8
    for row in range(4):
        own = rois.boxes_xyxy[rois.rows == row]
        iou = pairwise_iou(own, pairs.boxes_xyxy[row])[:, 0]
        assert sorted(iou.tolist())[1] == pytest.approx(1.0)
        assert 0.7 <= sorted(iou.tolist())[0] < 1.0
        assert (rois.classes[rois.rows == row] == pairs.box_classes[row]).all()


def test_a_jittered_box_overlaps_by_seven_tenths():
    generator = torch.Generator().manual_seed(0)
    boxes = torch.tensor([[10.0, 20.0, 50.0, 30.0]]).repeat(5000, 1)
    iou = pairwise_iou(jittered(boxes, generator), boxes[:1])
    assert 0.7 <= float(iou.min()) < 0.76
    extreme = torch.tensor([[10 + 3.2, 20 + 0.8, 50 - 3.2, 30 - 0.8]])  # every edge inwards
    assert float(pairwise_iou(extreme, boxes[:1])) >= 0.7


def test_pictures_and_classes_have_their_fill(pairs):
    batch = crowded(pairs)
    few = draw_rois(batch, CgdetArgs(rois_a_picture=9), step=0)
    assert few.rows.bincount().tolist() == [9] * 4
    scarce = draw_rois(batch, CgdetArgs(rois_a_class=5), step=0)
    assert scarce.classes.bincount().tolist() == [5] * 3
    assert len(as_set(scarce, batch.names)) == 15  # none twice


def test_order_of_the_batch_does_not_matter(pairs, rows):
    batch = crowded(pairs)
    turned = rows(batch, [2, 0, 3, 1])
    args = CgdetArgs(rois_a_picture=9, rois_a_class=8, background=2)
    one, other = (as_set(draw_rois(each, args, step=5), each.names) for each in (batch, turned))
    assert one == other


def test_seed_and_step_draw_anew(pairs):
    batch = crowded(pairs)

    def drawn(step, **arguments):
        args = CgdetArgs(rois_a_picture=9, **arguments)
        return as_set(draw_rois(batch, args, step=step), batch.names)

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert drawn(1) != drawn(1, seed=1)


def test_what_is_no_object_is_not_drawn(pairs):
    batch = crowded(pairs, count=4)
    boxes = batch.boxes_xyxy.clone()
    boxes[0, 0] = torch.tensor([5.0, 5.0, 8.9, 30.0])  # less than four pixels wide
    boxes[0, 1] = torch.tensor([61.0, 5.0, 90.0, 30.0])  # hardly in the picture
    crowd, classes = batch.box_crowd.clone(), batch.box_classes.clone()
    crowd[0, 2], classes[0, 3] = True, NO_BOX
    batch = batch._replace(
        boxes_xyxy=boxes,
        box_crowd=crowd,
        box_classes=classes,
        has_boxes=torch.tensor([True, True, False, True]),
    )
    assert usable(batch).sum(dim=1).tolist() == [0, 4, 0, 4]
    assert draw_rois(batch, CgdetArgs(), step=0).rows.bincount().tolist() == [0, 8, 0, 8]


def test_boxes_are_cut_at_the_border():
    found = clipped(torch.tensor([[-5.0, 3.0, 70.0, 90.0]]), (64, 48))
    assert found.tolist() == [[0.0, 3.0, 48.0, 64.0]]


def test_a_box_weighs_as_its_label_is_sure(pairs):
    batch = crowded(pairs)
    rois = draw_rois(batch, CgdetArgs(rois_a_picture=40, rois_a_class=500), step=0)
    expected = batch.box_scores.flatten().repeat(2).sort().values
    assert torch.equal(rois.weights.sort().values, expected)
    sure = draw_rois(batch._replace(box_scores=None), CgdetArgs(), step=0)
    assert (sure.weights == 1).all()


def test_background_is_away_from_all_objects(pairs):
    batch = crowded(pairs, count=3)
    batch.box_crowd[:, 0] = True  # regions to ignore are no background either
    rois = draw_rois(batch, CgdetArgs(background=4), step=0)
    free = rois.classes == BACKGROUND
    assert free.any()
    assert (rois.weights[free] == 0).all()
    for box, row in zip(rois.boxes_xyxy[free], rois.rows[free], strict=True):
        assert float(pairwise_iou(box[None], batch.boxes_xyxy[row]).max()) < 0.3
        assert 0 <= float(box.min()) <= float(box.max()) <= 64
    assert rois.rows[free].bincount().max() <= 4


def test_unlabelled_pictures_have_no_boxes_and_no_background(night):
    rois = draw_rois(night, CgdetArgs(background=4), step=0)
    assert [len(value) for value in rois] == [0] * 4
    assert rois.boxes_xyxy.shape == (0, 4)
