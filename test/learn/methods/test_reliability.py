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

"""RGB counts by day, not at night, and by its brightness where nobody knows."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.methods.reliability import rgb_reliability


def grey(pairs, level, day):
    return pairs._replace(
        rgb=torch.full_like(pairs.rgb, level), day=torch.full_like(pairs.day, day)
    )


@pytest.mark.parametrize('level', [0.0, 0.5])
@pytest.mark.parametrize(('day', 'weight'), [(1, 1.0), (0, 0.0)])
def test_a_known_hour_decides_alone(pairs, level, day, weight):
    found = rgb_reliability(grey(pairs, level, day))
    assert found.dtype == torch.float32
    assert found.tolist() == [weight] * 4


@pytest.mark.parametrize(
    ('level', 'weight'),
    [(0.1, 0.0), (0.175, 0.0), (0.1875, 0.25), (0.2, 0.5), (0.225, 1.0), (0.6, 1.0)],
)
def test_an_unknown_hour_is_judged_by_the_luma(pairs, level, weight):
    found = rgb_reliability(grey(pairs, level, -1))
    assert found.tolist() == pytest.approx([weight] * 4, abs=1e-5)


def test_channels_weigh_as_the_eye_sees_them(pairs):
    green = torch.zeros_like(pairs.rgb)
    green[:, 1] = 0.2 / 0.587
    found = rgb_reliability(grey(pairs, 0.0, -1)._replace(rgb=green))
    assert found.tolist() == pytest.approx([0.5] * 4, abs=1e-5)


def test_pixels_outside_are_not_looked_at(pairs):
    batch = grey(pairs, 0.6, -1)
    inside = batch.inside.clone()
    inside[:, :, 32:] = False
    rgb = torch.where(inside[:, None], batch.rgb, 0.0)
    assert rgb_reliability(batch._replace(rgb=rgb, inside=inside)).tolist() == [1.0] * 4


def test_a_picture_of_nothing_does_not_count(pairs):
    batch = grey(pairs, 0.6, -1)._replace(inside=torch.zeros_like(pairs.inside))
    assert rgb_reliability(batch).tolist() == [0.0] * 4


def test_without_rgb_nothing_counts(pairs):
    assert rgb_reliability(pairs._replace(rgb=None)).tolist() == [0.0] * 4
