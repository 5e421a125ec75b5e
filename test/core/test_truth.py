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

"""True boxes, and regions where the masks do not say what is there."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.truth import Boxes, segmentation_ids, unmasked_box_regions

PERSON = 8
IDS = segmentation_ids(DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES)


def region(share_labelled: float, box=(2, 1, 12, 11), class_id=0, label=PERSON):
    """Label the left part of a 10x10 box and ask whether the box is a region to ignore."""
    label_map = np.full((16, 16), 255, np.uint8)
    label_map[1:11, 2 : 2 + round(10 * share_labelled)] = label
    boxes = Boxes.of([box], [class_id], [class_id < 0])
    return unmasked_box_regions(label_map, boxes, IDS)


def test_detection_classes_find_their_segmentation_class():
    assert IDS.tolist() == [8, 9, 10]
    assert segmentation_ids(DEFAULT_CLASSES, ['dog']).tolist() == [-1]


def test_a_box_that_no_mask_covers_is_a_region_to_ignore():
    found = region(0.1)
    assert found.sum() == 100
    assert found[1:11, 2:12].all()


def test_a_box_covered_by_its_class_is_not():
    assert not region(0.2).any()


def test_cover_of_another_class_does_not_help():
    assert region(1.0, label=10).sum() == 100


def test_a_region_of_no_class_is_always_ignored():
    assert region(1.0, class_id=-1).sum() == 100


@pytest.mark.parametrize('box', [(20, 20, 30, 30), (-9, -9, 0, 0), (4, 4, 4, 9)])
def test_boxes_without_pixels_are_no_region(box):
    assert not region(0.0, box=box).any()


def test_boxes_that_stick_out_are_cut():
    assert region(0.0, box=(-5, -5, 4, 4)).sum() == 16


def test_arrays_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match='boxes need'):
        Boxes.of([[0, 0, 1, 1]], [0, 1])


def test_no_boxes_is_a_value():
    assert len(Boxes.empty()) == 0
    assert Boxes.empty().boxes_xyxy.shape == (0, 4)
