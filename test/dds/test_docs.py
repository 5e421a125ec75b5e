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

"""docs/topics.md says what the code publishes."""

from pathlib import Path

import pytest

pytest.importorskip('cyclonedds')

from xspec_ros.dds.outputs import PUBLISHED
from xspec_ros.dds.qos import SENSOR

PAGE = Path(__file__).parents[2] / 'docs' / 'topics.md'


@pytest.mark.parametrize(('topic', 'type_name', 'profile'), PUBLISHED)
def test_every_output_stands_in_the_table_with_its_qos(topic, type_name, profile):
    row = next(line for line in PAGE.read_text().splitlines() if line.startswith(f'| `{topic}`'))
    durability = 'transient local' if profile.transient_local else 'volatile'
    reliability = 'reliable' if profile.reliable else 'best effort'
    assert f'`{type_name}`' in row
    assert row.endswith(f'| {reliability}, {durability}, keep last {profile.depth} |')


def test_inputs_are_asked_for_as_the_page_says():
    assert f'best effort, volatile, keep last {SENSOR.depth}' in PAGE.read_text()
