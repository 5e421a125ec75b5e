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

"""The pictures that networks are measured on."""

from __future__ import annotations

import time

import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.core.rig import Rig
from xspec_ros.datasets import Sample, write_dataset
from xspec_ros.errors import DataError
from xspec_ros.learn.adapt.drives import DriveOptions
from xspec_ros.learn.adapt.gather import gather, Reading
from xspec_ros.learn.adapt.pictures import (
    GuardChoice,
    load_aside,
    load_some,
    open_guard,
    some_of,
)
from xspec_ros.learn.adapt.recipe import adapt_recipe, open_source_model

RIG = Rig(
    homography=((2.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 1.0)),
    rgb_hw=(24, 32),
    thermal_hw=(48, 64),
)


@pytest.fixture
def model(tiny_bundle):
    return open_source_model(str(tiny_bundle))


@pytest.fixture
def gathered(tmp_path, write_drive, scene, settings, show):
    thermal = [scene(number) for number in range(30)]
    rgb = [np.full((24, 32, 3), 150, np.uint8) for _ in range(30)]
    reading = Reading(
        settings=settings(),
        options=DriveOptions(),
        classes=DEFAULT_CLASSES,
        deadline_s=time.monotonic() + 1000.0,
    )
    drive = write_drive(tmp_path / 'drive.mcap', thermal, rgb)
    return tmp_path / 'work', gather([drive], tmp_path / 'work', reading, show)


@pytest.mark.parametrize('rgb', [True, False])
def test_frames_kept_aside_come_with_their_followers(gathered, rgb):
    work, found = gathered
    aside = load_aside(work, found, rgb=rgb, rig=RIG)
    assert len(aside) == found.aside
    for each in aside:
        assert each.picture.thermal.dtype == np.uint16
        assert each.follower.thermal.shape == (48, 64)
        assert not np.array_equal(each.picture.thermal, each.follower.thermal)
        assert (each.picture.rgb is not None) == rgb
        assert each.picture.day is True
        if rgb:
            assert each.picture.rgb.shape == (48, 64, 3)


def test_some_training_pictures_are_as_the_trainer_reads_them(gathered, model, settings):
    work, _ = gathered
    recipe = adapt_recipe(model, work, 'rgb', settings())
    pictures = load_some(work, recipe, rig=RIG, most=3)
    assert len(pictures) == 3
    assert pictures[0].rgb.shape == (48, 64, 3)
    assert pictures[0].mask_classes.shape == (len(DEFAULT_CLASSES),)


def test_a_guard_set_has_labels(tmp_path, model, scene):
    samples = [
        Sample(name=str(n), thermal=scene(n), label_map=np.zeros((48, 64), np.uint8), fold=fold)
        for n, fold in enumerate(('val', 'val', 'train'))
    ]
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    pictures = open_guard(GuardChoice(path=tmp_path / 'set', fold='val'), model)
    assert len(pictures) == 2
    assert pictures.facts['fold'] == 'val'
    assert str(tmp_path) not in str(pictures.facts)
    bare = [Sample(name='1', thermal=scene(1))]
    write_dataset(bare, tmp_path / 'bare', DEFAULT_CLASSES)
    with pytest.raises(DataError, match='no labels'):
        open_guard(GuardChoice(path=tmp_path / 'bare'), model)
    with pytest.raises(DataError):
        open_guard(GuardChoice(path=tmp_path / 'absent'), model)


@pytest.mark.parametrize(
    ('count', 'most', 'places'), [(5, 9, [0, 1, 2, 3, 4]), (9, 3, [0, 4, 8]), (0, 3, [])]
)
def test_some_are_spread_evenly(count, most, places):
    assert some_of(list(range(count)), most) == places
