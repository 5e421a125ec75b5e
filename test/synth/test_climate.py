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

from dataclasses import replace

import numpy as np
import pytest

from xspec_ros.synth.climate import draw_weather, EXPOSURES, MATERIALS, Temperatures, Weather
from xspec_ros.synth.settings import DriveSettings

CLEAR = Weather(
    hour=14.0,
    night=False,
    noon_elevation=1.0,
    azimuth=0.0,
    air_mean=293.0,
    air_swing=5.0,
    cloud=0.0,
    wind=2.0,
    wet=0.0,
)
NIGHT = replace(CLEAR, hour=3.0, night=True)


def test_sunlit_asphalt_is_far_warmer_than_the_air_by_day():
    temps = Temperatures(CLEAR)
    assert temps.of('asphalt') - temps.air > 8.0


def test_shade_stays_cooler_than_sun():
    temps = Temperatures(CLEAR)
    for material in ('asphalt', 'paving', 'sheet', 'grass'):
        assert temps.of(material, 'shaded') < temps.of(material, 'flat') - 1.0


def test_leaves_follow_the_air():
    for weather in (CLEAR, NIGHT):
        temps = Temperatures(weather)
        assert abs(temps.of('foliage', 'shaded') - temps.air) < 3.0


def test_contrast_of_car_roofs_and_roads_inverts_between_day_and_night():
    day, night = Temperatures(CLEAR), Temperatures(NIGHT)
    assert day.of('sheet') > day.of('paving')
    assert night.of('sheet') < night.of('paving') - 1.0


def test_heavy_materials_keep_the_days_warmth_at_night():
    temps = Temperatures(NIGHT)
    assert temps.of('asphalt') > temps.of('board', 'flat') + 1.0
    assert temps.of('trunk', 'front') > temps.of('foliage', 'flat')


def test_thin_metal_cools_below_the_air_under_a_clear_sky():
    temps = Temperatures(NIGHT)
    assert temps.of('sheet') < temps.air
    cloudy = Temperatures(replace(NIGHT, cloud=1.0))
    assert cloudy.of('sheet') - cloudy.air > temps.of('sheet') - temps.air


def test_walls_towards_the_sun_are_warmest():
    morning = Temperatures(replace(CLEAR, hour=9.0, azimuth=0.0))
    right, left = morning.of('brick', 'right'), morning.of('brick', 'left')
    sun = morning.weather.sun()
    assert (right > left) == (sun[0] > 0)


def test_the_sky_is_cold_and_clouds_warm_it():
    assert CLEAR.zenith < CLEAR.air() - 40.0
    assert replace(CLEAR, cloud=1.0).zenith > CLEAR.zenith + 20.0


@pytest.mark.parametrize('seed', range(12))
@pytest.mark.parametrize('night', [False, True])
def test_no_weather_makes_absurd_temperatures(seed, night):
    settings = DriveSettings(seed=seed, night=night)
    weather = draw_weather(settings, np.random.default_rng(seed))
    temps = Temperatures(weather)
    for material in MATERIALS:
        for exposure in EXPOSURES:
            assert temps.air - 22.0 < temps.of(material, exposure) < temps.air + 48.0


def test_given_weather_wins_over_the_seed():
    settings = DriveSettings(air_c=-5.0, cloud=0.25, hour=11.0)
    weather = draw_weather(settings, np.random.default_rng(0))
    assert weather.air() == pytest.approx(268.15, abs=0.01)
    assert weather.cloud == 0.25
