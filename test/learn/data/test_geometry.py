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

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.learn.data.geometry import Crop, crop_labels, CropArgs, draw_crop


def crop(**changes):
    plain = {'scale_x': 1.0, 'scale_y': 1.0, 'shift_x': 0.0, 'shift_y': 0.0, 'size_hw': (60, 80)}
    return Crop(**plain | changes)


def test_the_identity_changes_nothing(picture):
    labels = crop_labels(picture, crop(), CropArgs())
    assert np.array_equal(crop().warp(picture.thermal, nearest=False, fill=0), picture.thermal)
    assert np.array_equal(labels.label_map, picture.label_map)
    assert np.array_equal(labels.boxes_xyxy, picture.boxes_xyxy)


def test_mirroring_mirrors_pixels_masks_and_boxes(picture):
    mirrored = crop(scale_x=-1.0, shift_x=80.0)
    labels = crop_labels(picture, mirrored, CropArgs())
    thermal = mirrored.warp(picture.thermal, nearest=False, fill=0)
    assert np.array_equal(thermal, picture.thermal[:, ::-1])
    assert np.array_equal(labels.label_map, picture.label_map[:, ::-1])
    assert labels.boxes_xyxy.tolist() == [[30, 20, 50, 40]]  # 80 - 50, 80 - 30


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mask_and_box_of_one_object_stay_together(seed):
    from xspec_ros.learn.data.picture import Picture

    label_map = np.zeros((60, 80), np.uint8)
    label_map[15:45, 20:60] = 8
    picture = Picture(
        name='box',
        thermal=np.zeros((60, 80), np.uint8),
        rgb=None,
        label_map=label_map,
        mask_classes=np.ones(11, bool),
        boxes_xyxy=np.array([[20, 15, 60, 45]], np.float32),
        box_classes=np.zeros(1, np.int64),
        box_crowd=np.zeros(1, bool),
        has_boxes=True,
        day=None,
    )
    args = CropArgs()
    drawn = draw_crop(
        picture, args, np.random.default_rng(seed), network_hw=(96, 128), crop_hw=(64, 96)
    )
    labels = crop_labels(picture, drawn, args)
    rows, columns = np.nonzero(labels.label_map == 8)
    if len(labels.boxes_xyxy) == 0:
        assert len(rows) == 0
        return
    around = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else None
    if around is not None:
        assert np.abs(labels.boxes_xyxy[0] - around).max() <= 2.0


def test_hardly_visible_boxes_become_regions_to_ignore(picture):
    moved = crop(shift_x=-45.0)  # 5 of 20 columns are left
    labels = crop_labels(picture, moved, CropArgs(least_visible=0.4))
    assert labels.box_crowd.tolist() == [True]
    assert crop_labels(picture, moved, CropArgs(least_visible=0.2)).box_crowd.tolist() == [False]


def test_tiny_boxes_become_regions_to_ignore(picture):
    small = crop(scale_x=0.1, scale_y=0.1)
    assert crop_labels(picture, small, CropArgs(least_side_px=3)).box_crowd.tolist() == [True]


def test_boxes_outside_are_gone(picture):
    assert len(crop_labels(picture, crop(shift_x=-60.0), CropArgs()).boxes_xyxy) == 0


def test_outside_of_the_picture_is_unlabelled(picture):
    labels = crop_labels(picture, crop(shift_x=40.0), CropArgs())
    assert (labels.label_map[:, :40] == 255).all()


def test_unlabelled_pictures_stay_unlabelled(picture):
    bare = dataclasses.replace(picture, label_map=None)
    assert (crop_labels(bare, crop(), CropArgs()).label_map == 255).all()


def test_a_focused_crop_shows_the_object(picture):
    args = CropArgs(focus=1.0, scale=(1.5, 1.5))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        drawn = draw_crop(picture, args, rng, network_hw=(60, 80), crop_hw=(32, 32))
        labels = crop_labels(picture, drawn, args)
        assert len(labels.boxes_xyxy) == 1


def test_scale_is_relative_to_the_deployed_size(picture):
    args = CropArgs(scale=(1.0, 1.0), aspect=1.0, flip=0.0)
    rng = np.random.default_rng(0)
    drawn = draw_crop(picture, args, rng, network_hw=(120, 240), crop_hw=(32, 32))
    assert (drawn.scale_y, drawn.scale_x) == pytest.approx((2.0, 3.0))


def test_scores_stay_with_their_boxes(picture):
    boxes = np.array([[30, 20, 50, 40], [2, 2, 9, 9]], np.float32)
    two = dataclasses.replace(
        picture,
        boxes_xyxy=boxes,
        box_classes=np.array([0, 1], np.int64),
        box_crowd=np.zeros(2, bool),
        box_scores=np.array([0.9, 0.4], np.float32),
    )
    assert crop_labels(two, crop(), CropArgs()).box_scores.tolist() == pytest.approx([0.9, 0.4])
    moved = crop_labels(two, crop(shift_x=-20.0), CropArgs())  # the second is outside
    assert moved.box_scores.tolist() == pytest.approx([0.9])
    assert crop_labels(picture, crop(), CropArgs()).box_scores is None
