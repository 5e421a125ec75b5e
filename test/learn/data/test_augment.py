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

import numpy as np
import pytest

from xspec_ros.core.radiometry import apply_tone, tone_range
from xspec_ros.learn.data.augment import erase, PhotoArgs, rgb_crop, thermal_crop
from xspec_ros.learn.data.geometry import Crop, CroppedLabels

WHOLE = Crop(scale_x=1.0, scale_y=1.0, shift_x=0.0, shift_y=0.0, size_hw=(60, 80))
OFF = PhotoArgs(
    percentile=0, gain=0, offset=0, gamma=1, equalise=0, invert=0, noise=0, fixed_pattern=0,
    blur=0, erase=0,
)  # fmt: skip


def cut(image, args, seed=0):
    return thermal_crop(image, WHOLE, args, np.random.default_rng(seed), percentiles=(1.0, 99.0))


def test_without_jitter_training_sees_what_deployment_sees(picture):
    expected = apply_tone(picture.thermal, *tone_range(picture.thermal, 1.0, 99.0))
    assert np.allclose(cut(picture.thermal, OFF), expected, atol=1e-5)


def test_gain_and_offset_of_the_counts_do_not_matter(picture):
    other = (picture.thermal * 3 + 500).astype(np.uint16)
    assert np.allclose(cut(picture.thermal, OFF), cut(other, OFF), atol=2e-3)


@pytest.mark.parametrize('seed', range(6))
def test_jittered_pictures_stay_in_range_and_are_repeatable(picture, seed):
    args = PhotoArgs(invert=0.5, blur=0.5, equalise=0.5)
    x = cut(picture.thermal, args, seed)
    assert x.dtype == np.float32
    assert x.shape == (60, 80)
    assert 0 <= x.min() <= x.max() <= 1
    assert np.array_equal(x, cut(picture.thermal, args, seed))


def test_inverted_polarity_is_the_negative(picture):
    from msgspec.structs import replace

    assert np.allclose(
        cut(picture.thermal, replace(OFF, invert=1.0)), 1 - cut(picture.thermal, OFF)
    )


def test_equalising_keeps_the_order_of_the_levels(picture):
    from msgspec.structs import replace

    dark = (np.linspace(0, 1, 80) ** 6 * 200).astype(np.uint8)
    image = np.tile(dark, (60, 1))
    x = cut(image, replace(OFF, equalise=1.0))[0]
    assert (np.diff(x) >= -1e-6).all()
    assert x.mean() > cut(image, OFF)[0].mean()


def test_a_constant_picture_stays_finite():
    assert np.isfinite(cut(np.full((60, 80), 900, np.uint16), PhotoArgs())).all()


def test_rgb_stays_in_range(picture):
    rgb = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    x = rgb_crop(rgb, WHOLE, PhotoArgs(), np.random.default_rng(1))
    assert x.shape == (60, 80, 3)
    assert x.dtype == np.float32
    assert 0 <= x.min() <= x.max() <= 1


def test_erased_pixels_are_unlabelled_and_covered_boxes_ignored():
    rng = np.random.default_rng(3)
    corners = np.stack(np.meshgrid(*[np.arange(0, 40, 2)] * 2), axis=-1).reshape(-1, 2)
    corners = corners.astype(np.float32)
    labels = CroppedLabels(
        label_map=np.zeros((40, 40), np.uint8),
        inside=np.ones((40, 40), bool),
        boxes_xyxy=np.concatenate((corners, corners + 2), axis=1),
        box_classes=np.zeros(400, np.int64),
        box_crowd=np.zeros(400, bool),
    )  # fmt: skip
    image = np.full((40, 40), -1.0, np.float32)
    after = erase([image], labels, PhotoArgs(erase=1.0), rng)
    assert np.array_equal(after.label_map == 255, image != -1)
    assert 0 < after.box_crowd.sum() < 400
    assert not labels.box_crowd.any()  # the source's own arrays are left alone
    assert (labels.label_map == 0).all()
