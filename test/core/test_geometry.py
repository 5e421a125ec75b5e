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

"""Boxes there and back: scaling, warping, turning; overlap by brute force."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.geometry import (
    box_areas,
    check_homography,
    clip_boxes,
    invert_homography,
    iou_matrix,
    rescale_boxes,
    rotate_boxes,
    rotate_image,
    warp_boxes,
    warp_points,
)
from xspec_ros.errors import ConfigError

quick = settings(max_examples=40, deadline=None)
seeds = st.integers(0, 2**32 - 1)


def random_boxes(seed, count=None):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 8)) if count is None else count
    corner = rng.uniform(0.0, 300.0, (count, 2))
    return np.hstack([corner, corner + rng.uniform(1.0, 200.0, (count, 2))]).astype(np.float32)


def random_homography(seed):
    """Return a mild perspective, as between two cameras of a rig."""
    rng = np.random.default_rng(seed)
    homography = np.eye(3) + rng.uniform(-0.1, 0.1, (3, 3))
    homography[:2, 2] = rng.uniform(-50.0, 50.0, 2)
    homography[2, :2] = rng.uniform(-2e-4, 2e-4, 2)
    homography[2, 2] = 1.0
    return homography


@quick
@given(seed=seeds, to_hw=st.tuples(*[st.integers(1, 2000)] * 2))
def test_boxes_survive_scaling_there_and_back(seed, to_hw):
    boxes = random_boxes(seed)
    there = rescale_boxes(boxes, (512, 640), to_hw)
    np.testing.assert_allclose(rescale_boxes(there, to_hw, (512, 640)), boxes, atol=1e-2)
    assert there.dtype == np.float32


def test_the_whole_picture_stays_the_whole_picture():
    whole = np.array([[0, 0, 640, 512]], np.float32)
    np.testing.assert_array_equal(rescale_boxes(whole, (512, 640), (240, 320)), [[0, 0, 320, 240]])


@quick
@given(seed=seeds)
def test_clipped_boxes_lie_in_the_picture(seed):
    boxes = random_boxes(seed) - 100.0
    clipped = clip_boxes(boxes, (120, 200))
    assert (clipped >= 0.0).all()
    assert (clipped[:, [0, 2]] <= 200).all()
    assert (clipped[:, [1, 3]] <= 120).all()
    inside = clip_boxes(clipped, (120, 200))
    np.testing.assert_array_equal(inside, clipped)


def test_boxes_outside_keep_their_row_without_area():
    outside = np.array([[700, 10, 720, 30], [-50, -50, -1, -1]], np.float32)
    assert box_areas(clip_boxes(outside, (512, 640))).tolist() == [0.0, 0.0]


@quick
@given(seed=seeds)
def test_iou_equals_counted_cells(seed):
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 10, (5, 2))
    boxes = np.hstack([corner, corner + rng.integers(1, 10, (5, 2))])
    grids = np.zeros((5, 20, 20), bool)
    for grid, (left, top, right, bottom) in zip(grids, boxes, strict=True):
        grid[top:bottom, left:right] = True
    expected = [[(a & b).sum() / (a | b).sum() for b in grids] for a in grids]
    boxes = boxes.astype(np.float32)
    np.testing.assert_allclose(iou_matrix(boxes, boxes), expected, rtol=1e-6)


@quick
@given(a=seeds, b=seeds)
def test_iou_is_symmetric_and_between_0_and_1(a, b):
    first, second = random_boxes(a), random_boxes(b)
    iou = iou_matrix(first, second)
    assert iou.shape == (len(first), len(second))
    np.testing.assert_array_equal(iou, iou_matrix(second, first).T)
    assert ((iou >= 0.0) & (iou <= 1.0)).all()
    np.testing.assert_allclose(np.diag(iou_matrix(first, first)), 1.0)


def test_boxes_without_area_overlap_nothing():
    flat = np.array([[5, 5, 5, 9], [9, 9, 5, 5]], np.float32)
    assert (iou_matrix(flat, flat) == 0.0).all()
    assert iou_matrix(flat[:0], flat).shape == (0, 2)


@quick
@given(seed=seeds, sign=st.sampled_from([1.0, -1.0, 3.5]))
def test_points_survive_a_warp_there_and_back(seed, sign):
    points = np.random.default_rng(seed).uniform(0.0, 640.0, (9, 2))
    homography = random_homography(seed)
    there = warp_points(points, homography * sign)
    np.testing.assert_allclose(there, warp_points(points, homography), rtol=1e-9)
    back = warp_points(there, invert_homography(homography))
    np.testing.assert_allclose(back, points, atol=1e-6)


@quick
@given(seed=seeds, shift=st.tuples(*[st.floats(-90, 90)] * 2), scale=st.floats(0.3, 3.0))
def test_boxes_survive_an_upright_warp_there_and_back(seed, shift, scale):
    boxes = random_boxes(seed)
    homography = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]], [0.0, 0.0, 1.0]])
    back = warp_boxes(warp_boxes(boxes, homography), invert_homography(homography))
    np.testing.assert_allclose(back, boxes, atol=1e-2)
    assert back.dtype == np.float32


@quick
@given(seed=seeds)
def test_a_box_warped_there_and_back_holds_the_original(seed):
    boxes, homography = random_boxes(seed), random_homography(seed)
    back = warp_boxes(warp_boxes(boxes, homography), invert_homography(homography))
    assert (back[:, :2] <= boxes[:, :2] + 1e-2).all()
    assert (back[:, 2:] >= boxes[:, 2:] - 1e-2).all()


def test_points_behind_the_horizon_are_nan():
    homography = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-0.01, 0.0, 1.0]])
    warped = warp_points(np.array([[50.0, 1.0], [100.0, 1.0], [200.0, 1.0]]), homography)
    assert np.isfinite(warped).all(axis=1).tolist() == [True, False, False]
    assert np.isnan(warp_boxes(np.array([[50, 0, 200, 9]], np.float32), homography)).all()


@pytest.mark.parametrize(
    'homography', [np.eye(2), np.zeros((3, 3)), np.full((3, 3), np.nan), np.ones((3, 3))]
)
def test_homographies_without_a_way_back_are_refused(homography):
    with pytest.raises(ConfigError, match='homography'):
        check_homography(homography)


@pytest.mark.parametrize('rotate_deg', [-270, -180, -90, 0, 90, 180, 270, 360])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_boxes_turn_with_their_picture(rotate_deg, dtype):
    image = np.zeros((6, 9), dtype)
    image[1:3, 2:7] = 1
    box = np.array([[2, 1, 7, 3]], np.float32)
    turned = rotate_image(image, rotate_deg)
    left, top, right, bottom = rotate_boxes(box, rotate_deg, (6, 9))[0].astype(int)
    assert turned[top:bottom, left:right].all()
    assert (right - left) * (bottom - top) == turned.sum()
    assert turned.flags.c_contiguous
    back = rotate_boxes(rotate_boxes(box, rotate_deg, (6, 9)), -rotate_deg, turned.shape)
    np.testing.assert_array_equal(back, box)


def test_a_quarter_turn_is_clockwise():
    turned = rotate_image(np.array([[1, 2], [3, 4]], np.uint8), 90)
    assert turned.tolist() == [[3, 1], [4, 2]]


def test_other_angles_are_refused():
    with pytest.raises(ConfigError, match='rotate_deg 45'):
        rotate_image(np.zeros((2, 2), np.uint8), 45)


def test_no_boxes_are_a_valid_answer():
    none = np.zeros((0, 4), np.float32)
    for result in (
        rescale_boxes(none, (2, 2), (4, 4)),
        clip_boxes(none, (2, 2)),
        warp_boxes(none, np.eye(3)),
        rotate_boxes(none, 90, (2, 2)),
    ):
        assert result.shape == (0, 4)
