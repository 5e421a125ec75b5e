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

"""Figures that tell a scene from noise, emptiness and blur."""

from __future__ import annotations

import cv2
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.learn.adapt.quality import quality_of
from xspec_ros.learn.adapt.settings import AdaptSettings

LIMITS = AdaptSettings()


@pytest.mark.parametrize('size_hw', [(48, 64), (120, 160), (512, 640)])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_noise_does_not_correlate(size_hw, dtype):
    noise = np.random.default_rng(0).integers(0, 200, size_hw).astype(dtype)
    assert abs(quality_of(noise).correlation) < 0.1 < LIMITS.least_correlation


@pytest.mark.parametrize('night', [False, True])
@pytest.mark.parametrize('bits', [8, 16])
def test_drives_show_scenes_by_day_and_night(night, bits):
    from xspec_ros.synth import drive, DriveSettings

    made = DriveSettings(frames=3, seed=4, night=night, size_wh=(160, 120), rate_hz=1, bits=bits)
    for frame in drive(made):
        quality = quality_of(frame.thermal)
        assert quality.correlation > LIMITS.least_correlation + 0.1
        assert quality.contrast > 2 * LIMITS.least_contrast


def test_blur_takes_fine_structure_away(scene):
    image = scene(1, (120, 160))
    blurred = cv2.GaussianBlur(image, (0, 0), 6.0)
    assert quality_of(blurred).sharpness < LIMITS.least_sharpness * quality_of(image).sharpness


def test_an_even_picture_is_empty():
    quality = quality_of(np.full((48, 64), 7000, np.uint16))
    assert (quality.correlation, quality.contrast, quality.sharpness) == (0.0, 0.0, 0.0)


def test_a_hot_pixel_does_not_make_noise_a_scene():
    image = np.random.default_rng(1).integers(7000, 7100, (120, 160)).astype(np.uint16)
    image[40:44, 60:64] = 16000
    assert quality_of(image).correlation < LIMITS.least_correlation


@hypothesis_settings(max_examples=25, deadline=None)
@given(gain=st.integers(1, 20), offset=st.integers(0, 5000), seed=st.integers(0, 99))
def test_gain_and_offset_of_the_counts_do_not_matter(gain, offset, seed):
    rng = np.random.default_rng(seed)
    image = cv2.GaussianBlur(rng.integers(0, 500, (30, 40)).astype(np.uint16), (0, 0), 2.0)
    one, other = quality_of(image), quality_of(image * np.uint16(gain) + np.uint16(offset))
    assert other.correlation == pytest.approx(one.correlation, abs=1e-3)
    assert other.sharpness == pytest.approx(one.sharpness, rel=1e-2, abs=1e-4)
    assert other.contrast == pytest.approx(gain * one.contrast, rel=1e-3, abs=1e-2)
