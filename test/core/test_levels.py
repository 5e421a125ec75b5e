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

"""Levels and layouts that ignore gain, offset and small hot objects."""

from __future__ import annotations

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.levels import find_levels, layout_ranks, Levels, same_layout


def field(seed, noise=10.0, contrast=300.0, shape=(120, 160)):
    """Return a smooth random field with noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(5000.0, contrast, (5, 6)).astype(np.float32)
    smooth = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return (smooth + rng.normal(0.0, noise, shape)).astype(np.uint16)


def layout(image):
    ordered = np.sort(image, axis=None)
    return layout_ranks(image, find_levels(image, ordered, (1.0, 99.0)).spread)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), gain=st.integers(2, 5), offset=st.integers(0, 9000))
def test_layouts_ignore_gain_and_offset(seed, gain, offset):
    image = field(seed)
    other = (image.astype(np.int64) * gain + offset).astype(np.uint16)
    assert float(layout(image) @ layout(other)) > 0.99


def test_layouts_ignore_a_hot_object():
    hot = field(1)
    hot[40:60, 50:80] = 60_000
    assert same_layout(layout(field(1)), layout(hot))


def test_layouts_of_other_scenes_differ():
    matches = [same_layout(layout(field(n)), layout(field(n + 1))) for n in range(20)]
    assert sum(matches) <= 1


@pytest.mark.parametrize('shape', [(120, 160), (512, 640), (1, 1), (3, 300)])
def test_noise_has_no_layout_and_may_be_any_scene(shape):
    noise = field(1, noise=300.0, contrast=0.0, shape=shape)
    assert not layout(noise).any()
    assert same_layout(layout(noise), layout(field(2)))


def test_levels_of_a_known_histogram():
    image = np.arange(101, dtype=np.uint16).reshape(1, 101)
    levels = find_levels(image, image.ravel(), (1.0, 99.0))
    assert levels == Levels(low=1.0, high=99.0, median=50.0, spread=50.0)


@pytest.mark.parametrize(
    ('median', 'spread', 'is_cut'),
    [(50.0, 20.0, False), (200.0, 20.0, True), (50.0, 81.0, True), (50.0, 4.0, True)],
)
def test_a_cut_moves_the_median_out_of_range_or_the_contrast(median, spread, is_cut):
    usual = Levels(low=0.0, high=100.0, median=50.0, spread=20.0)
    assert usual.is_cut(Levels(low=0.0, high=900.0, median=median, spread=spread)) is is_cut
