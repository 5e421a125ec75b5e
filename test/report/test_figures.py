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

import xml.etree.ElementTree as ET

import pytest

from xspec_ros.report.data import FrameNote
from xspec_ros.report.figures import histogram, timeline


@pytest.mark.parametrize('values', [[0.0], [1.0, 1.0], list(range(100)), [1e-9, 1e6]])
def test_histogram_is_valid_svg(values):
    ET.fromstring(histogram(values, unit='ms'))


def test_timeline_has_a_lane_for_every_cause(notes):
    lost = FrameNote(time_s=0.5, outcome='dropped', cause='overflow')
    picture = timeline((*notes(), lost))
    ET.fromstring(picture)
    assert 'answered (20)' in picture
    assert 'dropped: overflow (1)' in picture


def test_timeline_of_a_long_bag_stays_small(notes):
    assert len(timeline(notes(20_000))) < 200_000
