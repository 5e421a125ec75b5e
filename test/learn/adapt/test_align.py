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

"""Whether RGB may teach."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.core.registration import MIN_CHANCE_SIGMA
from xspec_ros.core.rig import Rig
from xspec_ros.datasets import open_dataset, Sample, write_dataset
from xspec_ros.errors import ConfigError
from xspec_ros.learn.adapt.align import align, count_work

SIZE_HW = (180, 240)
MOVED = ((1.0, 0.0, 12.0), (0.0, 1.0, -9.0), (0.0, 0.0, 1.0))
EYE = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@pytest.fixture(scope='module')
def pairs():
    """Ten pairs of a synthetic drive by day, on one grid."""
    from xspec_ros.synth import drive, DriveSettings

    made = DriveSettings(
        frames=10, seed=2, size_wh=SIZE_HW[::-1], rate_hz=1.0, fov_deg=60.0, shutter_every_s=0.0
    )
    return [
        Sample(name=f'{frame.index:03d}', rgb=frame.rgb, thermal=frame.thermal)
        for frame in drive(made)
    ]


@pytest.fixture
def frames(tmp_path):
    """Return a function that writes samples and opens them."""

    def write(samples):
        write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
        return open_dataset(tmp_path / 'set')

    return write


def shuffled(pairs):
    return [
        replace(one, rgb=pairs[(number + 4) % len(pairs)].rgb) for number, one in enumerate(pairs)
    ]


def rig_of(rows, rgb_hw=SIZE_HW):
    return Rig(homography=rows, rgb_hw=rgb_hw, thermal_hw=SIZE_HW)


def test_pairs_on_the_grid_that_they_are_said_to_have_are_used(frames, pairs):
    found = align(frames(pairs), rig=None, registered=True, most=10)
    assert found.used
    assert found.rig is None
    assert found.beyond_chance > MIN_CHANCE_SIGMA
    assert (found.pairs, found.as_json()['homography']) == (10, None)


def test_unregistered_pairs_are_registered(frames, pairs):
    forth = np.array(MOVED)[:2]
    moved = [replace(one, rgb=cv2.warpAffine(one.rgb, forth, SIZE_HW[::-1])) for one in pairs]
    steps = []
    found = align(frames(moved), rig=None, registered=False, most=10, step=lambda: steps.append(1))
    assert found.used
    assert np.allclose(found.rig.matrix @ np.array(MOVED), np.eye(3), atol=2.0)
    assert found.residual_px < 1.5
    assert found.as_json()['homography'] == found.rig.homography
    assert len(steps) <= count_work(10)


@pytest.mark.parametrize('how', ['registered', 'rig'])  # estimating: see core.registration
def test_rgb_of_other_moments_is_found_out(frames, pairs, how):
    rig = rig_of(EYE) if how == 'rig' else None
    found = align(frames(shuffled(pairs)), rig=rig, registered=how == 'registered', most=10)
    assert not found.used
    assert found.reason
    assert found.as_json()['homography'] is None


def test_a_rig_that_fits_is_used_and_one_that_does_not_is_not(frames, pairs):
    data = frames(pairs)
    good = align(data, rig=rig_of(EYE), registered=False, most=10)
    assert good.used
    assert good.rig == rig_of(EYE)
    far = ((1.0, 0.0, 90.0), (0.0, 1.0, -60.0), (0.0, 0.0, 1.0))
    assert not align(data, rig=rig_of(far), registered=False, most=10).used


def test_a_rig_of_other_cameras_is_an_error(frames, pairs):
    with pytest.raises(ConfigError, match='other cameras'):
        align(frames(pairs), rig=rig_of(EYE, (100, 100)), registered=False, most=10)


def test_pairs_of_the_night_do_not_speak(frames, pairs):
    dark = [replace(one, rgb=one.rgb // 8) for one in pairs]
    found = align(frames([*dark[:5], *pairs[5:]]), rig=None, registered=True, most=10)
    assert not found.used
    assert found.reason == '5 usable pairs by day, 8 are needed'


def test_pairs_said_to_be_of_the_night_are_not_opened(frames, pairs):
    night = [replace(one, day=False) for one in pairs]
    found = align(frames(night), rig=None, registered=True, most=10)
    assert found.reason.startswith('0 usable pairs')
