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

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.synth import drive, DriveSettings
from xspec_ros.synth.sensors import radiance, stretch

PERSON = next(i for i, label in enumerate(DEFAULT_CLASSES) if label.name == 'person')
SKY = next(i for i, label in enumerate(DEFAULT_CLASSES) if label.name == 'sky')


def test_radiance_rises_with_temperature_and_is_one_at_300_kelvin():
    kelvin = np.linspace(200.0, 400.0, 50)
    assert np.all(np.diff(radiance(kelvin)) > 0)
    assert float(radiance(300.0)) == pytest.approx(1.0)


def counts_of(class_id, **changes):
    means, others = [], []
    for seed in range(6):
        settings = DriveSettings(
            frames=1, size_wh=(200, 150), seed=seed, shutter_every_s=0.0, **changes
        )
        frame = next(drive(settings))
        assert frame.thermal is not None
        where = frame.label_map == class_id
        if where.sum() > 30:
            means.append(float(np.median(frame.thermal[where])))
            others.append(float(np.median(frame.thermal[~where & (frame.label_map != SKY)])))
    return np.array(means), np.array(others)


def test_people_are_warmer_than_a_cold_night():
    people, scene = counts_of(PERSON, night=True, air_c=5.0)
    assert len(people) >= 2
    assert np.all(people > scene + 30)


def test_the_clear_sky_is_the_coldest_thing():
    sky, scene = counts_of(SKY, night=False, cloud=0.0)
    assert len(sky) >= 3
    assert np.all(sky < scene - 10)


def test_noise_has_the_asked_strength():
    def spread(noise):
        settings = DriveSettings(frames=2, size_wh=(160, 120), seed=4, noise=noise, rate_hz=1000.0)
        first, second = (frame.thermal.astype(float) for frame in drive(settings))
        return np.median(np.abs(second - first))

    assert spread(0.0) <= 1.0
    assert spread(4.0) > 2.5 * max(spread(1.0), 0.5)


def test_gain_scales_contrast():
    def contrast(gain):
        settings = DriveSettings(frames=1, size_wh=(160, 120), seed=4, gain=gain)
        thermal = next(drive(settings)).thermal
        return float(np.subtract(*np.percentile(thermal, (80, 20))))

    assert contrast(2.0) == pytest.approx(2.0 * contrast(1.0), rel=0.1)


def test_night_pictures_are_dark():
    def brightness(night):
        settings = DriveSettings(frames=1, size_wh=(160, 120), seed=4, night=night)
        rgb = next(drive(settings)).rgb
        return float(np.median(rgb))

    assert brightness(True) < 0.4 * brightness(False)


def test_stretch_maps_its_range_to_bytes():
    counts = np.array([[100, 150, 200, 400]], np.uint16)
    assert stretch(counts, (100.0, 200.0)).tolist() == [[0, 127, 255, 255]]
