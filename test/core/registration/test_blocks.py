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

"""Correlation surfaces of blocks."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from xspec_ros.core.registration.blocks import find_blocks, Level
from xspec_ros.core.registration.structure import View

LEVEL = Level(width=160, block=40, reach=6, scales=(4.0,))


@pytest.fixture(scope='module')
def same():
    """A pair whose halves are one picture."""
    rng = np.random.default_rng(3)
    gray = np.repeat(np.repeat(rng.random((24, 32), np.float32), 5, axis=0), 5, axis=1)
    return View(thermal=gray, rgb=gray, thermal_hw=gray.shape, rgb_hw=gray.shape)


def shifted(dx, dy):
    return np.array([[1.0, 0.0, dx], [0.0, 1.0, dy], [0.0, 0.0, 1.0]])


def test_blocks_reach_every_border(same):
    found = find_blocks([same], np.eye(3), LEVEL)
    assert found.centres.min() == 20.0
    assert found.centres.max(axis=0).tolist() == [140.0, 100.0]
    assert found.seen.all()
    assert found.alike.shape == (1, len(found.centres), 13, 13)


@pytest.mark.parametrize(('dx', 'dy'), [(0, 0), (4, -3), (-5, 2)])
def test_every_block_is_found_where_rgb_was_put(same, dx, dy):
    found = find_blocks([same], shifted(dx, dy), LEVEL)
    for alike in found.alike[0]:
        row, column = np.unravel_index(alike.argmax(), alike.shape)
        assert (column - 6, row - 6) == (dx, dy)
        assert alike.max() > 0.8


def test_blocks_that_rgb_does_not_cover_are_not_seen(same):
    found = find_blocks([same], shifted(80.0, 0.0), LEVEL)
    assert not found.seen[found.centres[:, 0] < 60.0].any()
    assert found.seen[found.centres[:, 0] > 110.0].all()


def test_a_picture_of_another_resolution_is_the_same_block(same):
    finer = np.repeat(np.repeat(same.rgb, 2, axis=0), 2, axis=1)
    found = find_blocks([replace(same, rgb=finer)], np.eye(3), LEVEL)
    assert (found.alike[0, :, 6, 6] > 0.8).all()


def test_an_empty_block_is_like_nothing(same):
    empty = replace(same, thermal=np.zeros_like(same.thermal))
    assert np.abs(find_blocks([empty], np.eye(3), LEVEL).alike).max() < 1e-3


def test_what_stays_in_its_place_does_not_count():
    rng = np.random.default_rng(4)
    bars = np.zeros((120, 160), np.float32)
    bars[:, ::37], bars[::31] = 2.0, 2.0  # edges of both pictures, not of the scene
    views = []
    for _ in range(10):
        moving = 5.0 * cv2.GaussianBlur(rng.random((120, 160), np.float32), (0, 0), 2.5)
        rgb = moving + np.roll(bars, (3, -4), axis=(0, 1))
        views.append(
            View(thermal=moving + bars, rgb=rgb, thermal_hw=(120, 160), rgb_hw=(120, 160))
        )
    for count, peak in ((3, (0, 0)), (10, (4, -3))):
        pooled = find_blocks(views[:count], shifted(4, -3), LEVEL).alike.mean(axis=(0, 1))
        row, column = np.unravel_index(pooled.argmax(), pooled.shape)
        assert np.hypot(column - 6 - peak[0], row - 6 - peak[1]) < 1.5
