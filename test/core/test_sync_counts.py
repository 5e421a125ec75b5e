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

"""What pairing measures, and the advice drawn from it."""

from __future__ import annotations

import pytest

from xspec_ros.core.sync_counts import advise, percentile, StreamMeter

MS = 1_000_000


def meter_with_lead(lead_ms):
    """RGB at 30 Hz and thermal at 9 Hz, RGB stamps ahead by ``lead_ms`` at arrival."""
    meter = StreamMeter('thermal')
    latest = {'rgb': None, 'thermal': None}
    arrivals = [(i * 1000 / 30, 'rgb') for i in range(300)]
    arrivals += [(5 + i * 1000 / 9, 'thermal') for i in range(90)]
    for at_ms, modality in sorted(arrivals):
        stamp = round((at_ms + (lead_ms if modality == 'rgb' else 0)) * MS)
        other = 'rgb' if modality == 'thermal' else 'thermal'
        meter.arrived(modality, stamp, latest[modality], latest[other])
        latest[modality] = stamp
    return meter


def advice_for(cause, lead_ms, reference='thermal'):
    counts = meter_with_lead(lead_ms).counts({'rgb': 0, 'thermal': 0}, 0)
    return advise(cause, counts, reference)


@pytest.mark.parametrize('lead_ms', [-3_600_000, -500, 0, 60, 500])
def test_lead_is_measured_whatever_the_rates(lead_ms):
    assert meter_with_lead(lead_ms).rgb_lead_ns() / MS == pytest.approx(lead_ms, abs=12)


def test_lead_of_one_camera_alone_is_unknown():
    meter = StreamMeter('thermal')
    meter.arrived('rgb', 0, None, None)
    assert meter.rgb_lead_ns() is None


@pytest.mark.parametrize(
    ('values', 'fraction', 'expected'),
    [([7], 0.5, 7), ([1, 2, 3, 4], 0.5, 2), (list(range(1, 101)), 0.95, 95)],
)
def test_percentile_is_the_nearest_rank(values, fraction, expected):
    assert percentile(values, fraction) == expected


def test_late_camera_gets_a_wait_above_its_delay():
    advice = advice_for('late', -500)
    assert (advice.camera, advice.parameter) == ('rgb', 'max_wait_ms')
    assert advice.value > 550


def test_hour_late_is_a_clock_and_no_wait():
    advice = advice_for('late', -3_600_000)
    assert advice.parameter == 'rgb_offset_ms'
    assert advice.value == pytest.approx(3_600_000, abs=20)
    assert 'max_wait_ms' not in advice.message


def test_late_thermal_is_named_when_rgb_is_the_reference():
    advice = advice_for('late', 500, reference='rgb')
    assert (advice.camera, advice.parameter) == ('thermal', 'max_wait_ms')


def test_stamps_beyond_slop_get_the_offset_that_cures_them():
    advice = advice_for('slop', 70)
    assert advice.parameter == 'rgb_offset_ms'
    assert advice.value == pytest.approx(-70, abs=12)


def test_full_buffer_names_the_late_camera():
    advice = advice_for('overflow', 2000)
    assert (advice.camera, advice.parameter) == ('thermal', 'max_frames')


def test_missing_camera_and_jumps_name_no_parameter():
    assert advice_for('missing', 0).camera == 'rgb'
    assert advice_for('missing', 0).parameter is None
    assert advice_for('epoch', 0).camera is None


def test_rare_and_normal_causes_are_worth_no_word():
    meter = StreamMeter('thermal')
    for index in range(64):
        meter.left_alone('taken', None)
        if index % 8 == 0:
            meter.left_alone('late', None)
    assert meter.main_cause() is None
    for _ in range(20):
        meter.left_alone('late', None)
    assert meter.main_cause() == 'late'
