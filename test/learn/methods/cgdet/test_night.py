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

"""The averaged student's boxes on night pictures, and on no others."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.batch import NO_BOX
from xspec_ros.learn.methods.cgdet.night import NightRule, NightTeacher
from xspec_ros.learn.models.deploy import detect


@pytest.fixture
def student(context, pairs, acquainted):
    """Return a network that sees objects everywhere, more or less surely."""
    network = acquainted(context('student').student, pairs.thermal)
    with torch.no_grad():
        for layer in (*network.detection.obj_out, *network.detection.cls_out):
            layer.bias.fill_(0.5)
            layer.weight.normal_(std=0.3)
    return network


@pytest.fixture
def half_night(pairs, night):
    """Return pairs of which the second and the fourth are of the night, without boxes."""
    dark = torch.tensor([False, True, False, True])
    return pairs._replace(
        day=torch.where(dark, night.day, pairs.day),
        has_boxes=pairs.has_boxes & ~dark,
        box_classes=torch.where(dark[:, None], NO_BOX, pairs.box_classes),
    )


def labelled(student, batch, *, score=0.7, ignore=0.6, weight=0.5):
    return NightTeacher(student, NightRule(score, ignore, weight)).label(batch)


def test_sure_boxes_are_labels_and_others_regions_to_ignore(student, half_night):
    found = labelled(student, half_night)
    student.eval()
    for row in (1, 3):
        det = student(half_night.thermal[row : row + 1]).det
        boxes, scores, classes = (each[0] for each in detect(det, (64, 64), 64, 64))
        count = int((scores >= 0.6).sum())
        assert 0 < int((scores >= 0.7).sum()) < count
        torch.testing.assert_close(found.boxes_xyxy[row, :count], boxes[:count], rtol=0, atol=1e-3)
        assert torch.equal(found.box_classes[row, :count], classes[:count].long())
        assert torch.equal(found.box_crowd[row, :count], scores[:count] < 0.7)
        torch.testing.assert_close(found.box_scores[row, :count], scores[:count] / 2)
        assert (found.box_classes[row, count:] == NO_BOX).all()
    assert found.has_boxes.all()


def test_day_pictures_and_labelled_night_pictures_keep_their_labels(student, half_night):
    kept = half_night._replace(has_boxes=torch.tensor([True, False, True, True]))
    found = labelled(student, kept)
    for row in (0, 2, 3):
        assert torch.equal(found.boxes_xyxy[row, :1], kept.boxes_xyxy[row])
        assert torch.equal(found.box_classes[row, :1], kept.box_classes[row])
        assert (found.box_classes[row, 1:] == NO_BOX).all()
        assert (found.box_scores[row] == 1).all()
    assert kept.box_classes.shape == (4, 1)  # the batch itself is left alone
    assert not kept.has_boxes[1]


def test_an_unknown_hour_is_no_night(student, half_night):
    unknown = half_night._replace(day=torch.full_like(half_night.day, -1))
    assert labelled(student, unknown) is unknown


def test_nothing_found_is_no_label_of_anything(student, half_night):
    found = labelled(student, half_night, score=1.0, ignore=1.0)
    assert (found.box_classes[1] == NO_BOX).all()
    assert found.has_boxes.all()  # as with a teacher that sees nothing
    bare = labelled(student, half_night._replace(box_scores=None), score=1.0, ignore=1.0)
    assert (bare.box_scores == 1).all()


def test_suppressed_boxes_are_not_kept(student, half_night):
    found = labelled(student, half_night, score=0.0, ignore=0.0)
    kept = found.box_classes[1] != NO_BOX
    assert (found.box_scores[1][kept] > 0).all()


def test_it_follows_slowly_and_stays_in_evaluation_mode(context, student):
    teacher = NightTeacher(student, NightRule(0.7, 0.3, 0.5)).train()
    assert not any(layer.training for layer in teacher.modules())
    assert not any(p.requires_grad for p in teacher.parameters())
    other = context('student').student
    with torch.no_grad():
        torch._foreach_add_(list(other.parameters()), 1.0)
    start = [p.clone() for p in teacher.network.parameters()]
    teacher.follow(other, 0.75)
    for p, before, target in zip(
        teacher.network.parameters(), start, other.parameters(), strict=True
    ):
        torch.testing.assert_close(p, 0.75 * before + 0.25 * target.detach())
    teacher.follow(other, 0.0)
    for p, target in zip(teacher.network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(p, target.detach())
