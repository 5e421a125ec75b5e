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

"""Mirror, gain and motion, held against plain values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xspec_ros.core.result import Detections
from xspec_ros.learn.adapt.consistency import (
    count_equal,
    count_matches,
    disturbed,
    mirrored,
    Motion,
)


def boxes(*rows, classes=None, scores=None):
    count = len(rows)
    return Detections(
        boxes_xyxy=np.array(rows, np.float32).reshape(-1, 4),
        scores=np.array(scores or [0.9] * count, np.float32),
        class_ids=np.array(classes or [0] * count, np.int32),
    )


def test_a_disturbed_picture_is_another_in_range_and_always_the_same():
    image = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)
    made = [disturbed(image, number) for number in range(8)]
    for number, one in enumerate(made):
        assert torch.equal(one, disturbed(image, number))
        assert 0.0 <= one.min() <= one.max() <= 1.0
        assert 0.01 < (one - image).abs().mean() < 0.3
    assert not torch.equal(made[0], made[7])


def test_equal_pixels_are_counted_where_asked():
    one = np.array([[0, 1], [2, 2]], np.uint8)
    other = np.array([[0, 2], [2, 1]], np.uint8)
    assert count_equal(one, other) == (2, 4)
    assert count_equal(one, other, np.array([[True, True], [False, False]])) == (1, 2)
    assert count_equal(one, other, np.zeros((2, 2), bool)) == (0, 0)


def test_a_box_mirrored_twice_is_itself():
    found = boxes([2, 3, 10, 9], [0, 0, 64, 48])
    assert mirrored(found, 64).boxes_xyxy.tolist() == [[54, 3, 62, 9], [0, 0, 64, 48]]
    assert np.array_equal(mirrored(mirrored(found, 64), 64).boxes_xyxy, found.boxes_xyxy)


@pytest.mark.parametrize(
    ('one', 'other', 'matches'),
    [
        (boxes([0, 0, 10, 10]), boxes([0, 0, 10, 10]), 1),
        (boxes([0, 0, 10, 10]), boxes([0, 0, 10, 4.9]), 0),
        (boxes([0, 0, 10, 10]), boxes([0, 0, 10, 10], classes=[1]), 0),
        (boxes([0, 0, 10, 10], [1, 0, 11, 10]), boxes([0, 0, 10, 10]), 1),
        (boxes([0, 0, 10, 10], [20, 0, 30, 10]), boxes([20, 0, 30, 10], [0, 0, 10, 10]), 2),
        (boxes(), boxes([0, 0, 10, 10]), 0),
        (boxes([0, 0, 10, 10]), boxes(), 0),
    ],
)
def test_boxes_match_one_to_one(one, other, matches):
    assert count_matches(one, other) == matches


@pytest.mark.parametrize(('dx', 'dy'), [(4, 0), (-3, 2)])
def test_a_label_map_comes_back_from_where_the_scene_has_moved(scene, dx, dy):
    wide = scene(3, (80, 112)).astype(np.float32)
    wide = (wide - wide.min()) / np.ptp(wide)
    now, later = (wide[16 - y : 64 - y, 24 - x : 88 - x] for x, y in ((0, 0), (dx, dy)))
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 3, (10, 14)), np.ones((8, 8))).astype(np.uint8)
    before, after = (labels[16 - y : 64 - y, 24 - x : 88 - x] for x, y in ((0, 0), (dx, dy)))
    motion = Motion(np.ascontiguousarray(now), np.ascontiguousarray(later))
    assert motion.followed.mean() > 0.7
    equal, compared = count_equal(before, motion.back(after), motion.followed)
    assert equal / compared > 0.9
    still = count_equal(before, np.ascontiguousarray(after))
    assert equal / compared > still[0] / still[1] + 0.1


def test_a_scene_that_is_another_is_not_followed():
    dark, bright = np.zeros((48, 64), np.float32), np.ones((48, 64), np.float32)
    assert not Motion(dark, bright).followed.any()
