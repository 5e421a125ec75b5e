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

"""What teachers and students are shown."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
from xspec_ros.learn.methods.crossmatch.auxiliary import gradient_image
from xspec_ros.learn.methods.crossmatch.sights import present, strong_sight, weak_sight

DAY = torch.tensor([1.0, 0.0, 0.5, 1.0])
NONE = [torch.zeros(0, 4)] * 4


def strong(batch, weak, kind, **view):
    args = CrossmatchArgs(auxiliary=kind) if not view else CrossmatchArgs(auxiliary=kind, **view)
    return strong_sight(batch, weak, NONE, args, step=3)


def test_teachers_see_the_pictures_as_they_are(pairs):
    weak = weak_sight(pairs, DAY, 'rgb')
    assert weak.thermal is pairs.thermal
    assert weak.second is pairs.rgb
    assert torch.equal(weak.reliability, DAY)
    alone = weak_sight(pairs._replace(rgb=None), DAY, 'none')
    assert alone.second is None


def test_students_see_other_pixels_and_rgb_is_withheld_from_some(pairs):
    weak = weak_sight(pairs, DAY, 'rgb')
    seen = [
        strong_sight(pairs, weak, NONE, CrossmatchArgs(), step=step).reliability
        for step in range(30)
    ]
    assert all(set(column.tolist()) == {0.0, v} for column, v in zip(
        torch.stack(seen).T[[0, 2, 3]], (1.0, 0.5, 1.0), strict=True
    ))  # fmt: skip
    after = strong(pairs, weak, 'rgb')
    assert not torch.equal(after.thermal, pairs.thermal)
    assert not torch.equal(after.second, pairs.rgb)


def test_the_gradient_image_is_that_of_the_picture_it_goes_with(pairs):
    thermal_alone = pairs._replace(rgb=None)
    weak = weak_sight(thermal_alone, DAY, 'gradient')
    assert torch.equal(weak.second, gradient_image(pairs.thermal))
    assert torch.equal(weak.reliability, torch.ones(4))  # thermal knows no night
    after = strong(thermal_alone, weak, 'gradient')
    assert torch.equal(after.second, gradient_image(after.thermal))
    assert torch.equal(after.reliability, torch.ones(4))


@pytest.mark.parametrize('camera', ['thermal', 'rgb'])
def test_a_missing_camera_is_named(pairs, camera):
    with pytest.raises(DataError, match=f'without {camera} pictures'):
        present(pairs._replace(**{camera: None}), camera)
    with pytest.raises(DataError, match=camera):
        weak_sight(pairs._replace(**{camera: None}), DAY, 'rgb')
