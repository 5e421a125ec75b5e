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

"""What /diagnostics says of a harvest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from xspec_ros.bag.recorder import Recording
from xspec_ros.bag.recorder_status import recorder_statuses
from xspec_ros.messages.diagnostics import ERROR, OK, WARN
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE, RGB, THERMAL
from xspec_ros.perception.harvest import Harvest
from xspec_ros.perception.harvest_settings import HarvestSettings
from xspec_ros.perception.shots import CameraMessage
from xspec_ros.perception.silence import GraphView, InputView

SECOND = 1_000_000_000
GOING = Recording(
    path=Path('pairs/pairs_1.mcap'),
    files=1,
    pairs=3,
    queued=0,
    lost=0,
    failure='',
    used_bytes=4_000_000,
    limit_bytes=10_000_000,
    free_bytes=50_000_000,
)
GRAPH = GraphView(
    inputs={'rgb': InputView(topics=(RGB,)), 'thermal': InputView(topics=(THERMAL,))},
    publications=[],
    causes='another domain',
)


def told(harvest, recording=GOING, now_ns=SECOND // 2):
    statuses = recorder_statuses(harvest, recording, now_ns, graph=GRAPH, node='car/record_pairs')
    return {status.name.partition(': ')[2]: status for status in statuses}


@pytest.fixture
def harvest():
    return Harvest(HarvestSettings(), lambda pair: None)


def test_every_part_has_a_status_under_the_name_of_the_node(harvest):
    statuses = recorder_statuses(harvest, GOING, 0, graph=GRAPH, node='car/record_pairs')
    assert [status.name for status in statuses] == [
        'car/record_pairs: recording',
        'car/record_pairs: thermal input',
        'car/record_pairs: rgb input',
        'car/record_pairs: pairing',
    ]


def test_space_and_counts_are_told(harvest):
    harvest.counts.seen, harvest.counts.kept = 5, 3
    harvest.counts.skipped['rate'] = 2
    status = told(harvest)['recording']
    assert (status.level, status.message) == (OK, '3 of 5 pairs kept')
    assert status.values['used_mb'] == '4.0'
    assert status.values['budget_mb'] == '10.0'
    assert status.values['free_mb'] == '50.0'
    assert status.values['skipped/rate'] == '2'


def test_a_recording_that_stopped_is_an_error(harvest):
    status = told(harvest, replace(GOING, failure='budget used up', free_bytes=None))['recording']
    assert (status.level, status.message) == (ERROR, 'stopped: budget used up')
    assert status.values['free_mb'] == '-'


def test_a_slow_disk_is_a_warning(harvest):
    harvest.counts.skipped['queue'] = 7
    status = told(harvest)['recording']
    assert status.level == WARN
    assert '7 pairs lost' in status.message


def test_missing_confidence_maps_are_a_warning_that_names_the_topic():
    harvest = Harvest(HarvestSettings(keep_by='uncertainty'), lambda pair: None)
    assert told(harvest)['recording'].level == OK
    harvest.counts.seen = 1
    status = told(harvest)['recording']
    assert status.level == WARN
    assert '/perception/confidence' in status.message
    assert status.values['median_confidence'] == '-'


def test_a_camera_that_was_never_heard_is_an_error_with_its_cause(harvest):
    assert told(harvest)['rgb input'].level == WARN
    status = told(harvest, now_ns=5 * SECOND)['rgb input']
    assert status.level == ERROR
    assert 'nobody publishes' in status.message


def test_rejected_messages_are_a_warning_while_they_come(harvest):
    broken = CameraMessage(topic=RGB, type_name=IMAGE_TYPE, cdr=b'1234', arrived_ns=0)
    harvest.accept('rgb', broken, SECOND)
    status = told(harvest, now_ns=SECOND + 1)['rgb input']
    assert (status.level, status.message) == (WARN, 'rgb: rejected 1 cdr')
    harvest.cameras.heard('rgb', 20 * SECOND)
    assert told(harvest, now_ns=20 * SECOND)['rgb input'].level == OK


def test_pairing_that_fails_says_what_to_set(harvest):
    assert told(harvest)['pairing'].level == OK
    rng = np.random.default_rng(0)
    for index in range(40):
        for name, topic, offset_ns in (('thermal', THERMAL, 0), ('rgb', RGB, 200_000_000)):
            image = rng.integers(0, 256, (6, 8), np.uint8)
            stamp_ns = (index + 1) * SECOND + offset_ns
            cdr = encode_image(image, stamp_ns=stamp_ns, frame_id='f', encoding='mono8')
            message = CameraMessage(
                topic=topic, type_name=IMAGE_TYPE, cdr=cdr, arrived_ns=stamp_ns
            )
            harvest.accept(name, message, stamp_ns)
    status = told(harvest)['pairing']
    assert status.level == WARN
    assert 'stamp_offset_ms' in status.message
    assert float(status.values['offset_ms']) == pytest.approx(200, abs=1)
