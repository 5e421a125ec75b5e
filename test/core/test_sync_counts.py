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

"""What pairing measures."""

from __future__ import annotations

import pytest

from xspec_ros.core.sync_counts import percentile, StreamMeter

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
