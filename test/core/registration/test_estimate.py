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

"""Registration of a whole drive: what is found, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xspec_ros.core.geometry import warp_points
from xspec_ros.core.registration import (
    beyond_chance,
    count_steps,
    MIN_CHANCE_SIGMA,
    register,
    view_of,
)
from xspec_ros.core.registration.estimate import levels_for
from xspec_ros.errors import DataError

TOLERANCE_PX = 1.0  # mean over the picture; 240 x 180 pixels, eight pairs


def test_a_known_homography_is_found(views, true):
    steps = []
    found = register(views, step=lambda: steps.append(0))
    grid = np.array([[x, y] for x in range(20, 240, 40) for y in range(20, 180, 40)], float)
    in_rgb = warp_points(grid, np.linalg.inv(true))
    off = np.linalg.norm(warp_points(in_rgb, found.homography) - grid, axis=1)
    assert off.mean() < TOLERANCE_PX
    assert found.problem == ''
    assert found.residual_px < TOLERANCE_PX
    assert found.residual_px <= found.residual_p90_px
    assert found.pairs == 8
    assert found.beyond_chance > 10.0
    assert (found.rgb_hw, found.thermal_hw) == ((180, 240), (180, 240))
    assert 0 < len(steps) <= count_steps(8)


def test_pairs_that_do_not_belong_together_are_refused(views):
    shuffled = [
        replace(view, thermal=views[(index + 3) % 8].thermal) for index, view in enumerate(views)
    ]
    found = register(shuffled)
    assert found.problem
    assert found.hint


def test_thermal_without_structure_is_refused(pairs):
    rng = np.random.default_rng(0)
    noise = [np.asarray(7000 + 8 * rng.standard_normal((180, 240)), np.uint16) for _ in pairs]
    found = register([view_of(rgb, each) for (rgb, _), each in zip(pairs, noise, strict=True)])
    assert 'blocks' in found.problem


def test_few_pairs_and_pairs_of_other_sizes_do_not_count(pairs, views):
    with pytest.raises(DataError, match='7 usable pairs of one size, 8 are needed'):
        register(views[:7])
    small = view_of(pairs[7][0][:90], pairs[7][1])
    with pytest.raises(DataError, match='7 usable pairs'):
        register([*views[:7], small])
    with pytest.raises(DataError, match='0 usable pairs'):
        register([])


@pytest.mark.parametrize(
    ('width', 'widths'),
    [(80, [160]), (160, [160]), (240, [160, 240]), (384, [160, 320]), (640, [160, 320, 640])],
)
def test_levels_end_at_the_picture(width, widths):
    levels = levels_for(width)
    assert [level.width for level in levels] == widths
    assert [level.block for level in levels] == sorted(level.block for level in levels)


def test_a_camera_that_stands_still_is_refused(views):
    assert register([views[0]] * 8).problem


def test_a_known_homography_is_held_against_chance(views, true):
    assert beyond_chance(views, true) > MIN_CHANCE_SIGMA
    shuffled = [
        replace(view, thermal=views[(index + 3) % 8].thermal) for index, view in enumerate(views)
    ]
    assert beyond_chance(shuffled, true) < MIN_CHANCE_SIGMA
    assert np.isnan(beyond_chance([], true))
