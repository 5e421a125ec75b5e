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

import dataclasses

import numpy as np
import pytest

from xspec_ros.learn.data.sources import MemoryPictures
from xspec_ros.learn.data.views import Labels, NO_CLASSES, only, relabelled, unlabelled


@pytest.fixture
def pictures(picture):
    days = (True, False, None, True)
    return MemoryPictures(
        [dataclasses.replace(picture, name=f'p{i}', day=day) for i, day in enumerate(days)],
        {'name': 'four', 'pictures': 4},
    )


def test_day_and_night_are_taken_apart(pictures):
    day, night = only(pictures, day=True), only(pictures, day=False)
    assert [picture.name for picture in day] == ['p0', 'p3']
    assert [picture.name for picture in night] == ['p1']
    assert (day.title, night.title) == ('four day', 'four night')
    assert unlabelled(day, masks=True, boxes=True).title == 'four day'
    assert day.facts == {'name': 'four', 'pictures': 2, 'when': 'day'}


def test_labels_are_withheld(pictures):
    bare = unlabelled(pictures, masks=True, boxes=True)[0]
    assert bare.label_map is None
    assert not bare.has_boxes
    assert len(bare.boxes_xyxy) == len(bare.box_crowd) == 0
    boxed = unlabelled(pictures, masks=True, boxes=False)[0]
    assert boxed.label_map is None
    assert boxed.has_boxes


def test_labels_of_another_take_the_place_of_the_own(pictures):
    theirs = Labels(
        label_map=np.full((60, 80), 3, np.uint8),
        boxes_xyxy=np.zeros((0, 4), np.float32),
        box_classes=NO_CLASSES,
    )
    nothing = Labels(label_map=None, boxes_xyxy=None, box_classes=NO_CLASSES)
    view = relabelled(pictures, [theirs, nothing, nothing, theirs], 'teacher t')
    assert (view[0].label_map == 3).all()
    assert view[0].has_boxes  # none found is an answer
    assert view[1].label_map is None
    assert not view[1].has_boxes
    assert view.facts['labels'] == 'teacher t'


def test_boxes_of_another_keep_their_scores_and_regions_to_ignore(pictures):
    theirs = Labels(
        label_map=None,
        boxes_xyxy=np.array([[0, 0, 9, 9], [5, 5, 9, 9]], np.float32),
        box_classes=np.zeros(2, np.int64),
        box_scores=np.array([0.8, 0.4], np.float32),
        box_crowd=np.array([False, True]),
    )
    view = relabelled(pictures, [theirs] * 4, 'teacher t')
    assert view[0].box_scores.tolist() == pytest.approx([0.8, 0.4])
    assert view[0].box_crowd.tolist() == [False, True]
    bare = unlabelled(view, masks=False, boxes=True)[0]
    assert bare.box_scores is None
    assert len(bare.box_crowd) == 0
