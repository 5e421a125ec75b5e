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

"""What /diagnostics tells of a running pipeline."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np
import pytest

from xspec_ros.bundle.store import bundle_hash, open_bundle
from xspec_ros.messages.diagnostics import ERROR, OK, WARN
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.notices import Notice
from xspec_ros.perception.pipeline import open_pipeline, Pipeline
from xspec_ros.perception.settings import Settings
from xspec_ros.perception.status import StatusBoard

if TYPE_CHECKING:
    from pathlib import Path

    from xspec_ros.messages.diagnostics import Status

SECOND = 1_000_000_000


@pytest.fixture
def pipeline(tiny_bundle: Path) -> Pipeline:
    return open_pipeline(Settings(model=str(tiny_bundle), engine='onnxruntime', threads=1))


def feed(pipeline: Pipeline, source: str, stamp_ns: int, now_ns: int) -> None:
    image = np.random.default_rng(stamp_ns // 1_000_000).integers(0, 255, (64, 80), np.uint8)
    picture = image if source == 'thermal' else np.repeat(image[..., None], 3, axis=2)
    encoding = 'mono8' if source == 'thermal' else 'rgb8'
    cdr = encode_image(picture, stamp_ns=stamp_ns, frame_id='', encoding=encoding)
    for work in pipeline.accept(source, IMAGE_TYPE, cdr, received_ns=now_ns):
        pipeline.run(work)


def by_name(statuses: list[Status]) -> dict[str, Status]:
    return {status.name.removeprefix('perception: '): status for status in statuses}


def test_a_healthy_stream_is_ok_everywhere(pipeline: Pipeline) -> None:
    now_ns = perf_counter_ns()
    for index in range(4):
        stamp_ns = SECOND + index * SECOND // 10
        feed(pipeline, 'thermal', stamp_ns, now_ns)
        feed(pipeline, 'rgb', stamp_ns, now_ns)
    found = by_name(StatusBoard(pipeline).write(now_ns + 1))
    assert set(found) == {'thermal input', 'rgb input', 'pairing', 'pipeline', 'engine'}
    assert {name: status.message for name, status in found.items() if status.level != OK} == {}
    assert found['thermal input'].values['rate_hz'] == '10.0'


def test_one_dead_camera_is_named(pipeline: Pipeline) -> None:
    now_ns = perf_counter_ns()
    feed(pipeline, 'rgb', SECOND, now_ns)
    feed(pipeline, 'thermal', SECOND, now_ns + 5 * SECOND)
    found = by_name(StatusBoard(pipeline).write(now_ns + 5 * SECOND))
    assert found['rgb input'].level == WARN  # mode thermal does without it
    assert 'rgb: no frame for 5.0 s' in found['rgb input'].message
    assert found['thermal input'].level == OK
    later = by_name(StatusBoard(pipeline).write(now_ns + 9 * SECOND))
    assert later['thermal input'].level == ERROR


def test_what_was_told_of_a_camera_stands_in_its_status(pipeline: Pipeline) -> None:
    board = StatusBoard(pipeline)
    trouble = Notice(level='error', kind='qos', text='thermal: other QoS (deadline)')
    found = by_name(board.write(perf_counter_ns(), troubles={'thermal': trouble}))
    assert found['thermal input'].level == ERROR
    assert found['thermal input'].message == trouble.text
    assert by_name(board.write(perf_counter_ns()))['thermal input'].message != trouble.text


def test_a_camera_not_heard_since_the_start_is_waited_for(pipeline: Pipeline) -> None:
    late_ns = perf_counter_ns() + 60 * SECOND
    found = by_name(StatusBoard(pipeline).write(late_ns, silent=['thermal']))
    assert (found['thermal input'].level, found['thermal input'].message) == (
        WARN,
        'thermal: no frame yet',
    )


def test_stamps_too_far_apart_are_measured_and_the_parameter_is_named(pipeline: Pipeline) -> None:
    now_ns = perf_counter_ns()
    for index in range(30):
        stamp_ns = 100 * SECOND + index * SECOND // 10
        feed(pipeline, 'rgb', stamp_ns + 7 * SECOND, now_ns)
        feed(pipeline, 'thermal', stamp_ns, now_ns)
    pairing = by_name(StatusBoard(pipeline).write(now_ns))['pairing']
    assert pairing.level == WARN
    assert 'offset' in pairing.message


def test_rejected_frames_show_with_their_cause_while_it_is_news(pipeline: Pipeline) -> None:
    now_ns = perf_counter_ns()
    board = StatusBoard(pipeline)
    pipeline.accept('thermal', IMAGE_TYPE, b'torn', received_ns=now_ns)
    status = by_name(board.write(now_ns))['pipeline']
    assert status.level == WARN
    assert 'frames are rejected: cdr 1' in status.message
    later = by_name(board.write(now_ns + 6 * SECOND))['pipeline']
    assert (later.level, later.values['rejected_by/cdr']) == (OK, '1')


def test_degraded_answers_are_a_warning(pipeline: Pipeline) -> None:
    pipeline.degraded['late'] = 3  # what a fused model counts without its RGB camera
    status = by_name(StatusBoard(pipeline).write(perf_counter_ns()))['pipeline']
    assert status.level == WARN
    assert status.message.startswith('degraded: frames are answered from one camera (late 3)')
    assert status.values['degraded_by/late'] == '3'


def test_the_engine_names_the_model_that_serves(pipeline: Pipeline, tiny_bundle: Path) -> None:
    board = StatusBoard(pipeline)
    status = by_name(board.write(perf_counter_ns()))['engine']
    digest = bundle_hash(open_bundle(tiny_bundle))
    assert status.values == {
        'model': pipeline.perception.bundle.manifest.name,
        'engine': 'onnxruntime',
        'precision': pipeline.perception.engine.precision,
        'mode': 'thermal',
        'hash': digest,
        'path': str(tiny_bundle),
    }
    assert digest[:12] in status.message


def test_notices_of_the_door_stand_where_they_belong(pipeline: Pipeline) -> None:
    noted = [
        Notice(level='error', kind='swap_refused', text='the new model is refused'),
        Notice(level='warning', kind='odd', text='odd thing'),
        Notice(level='info', kind='swapped', text='not shown'),
    ]
    found = by_name(StatusBoard(pipeline).write(perf_counter_ns(), noted=noted))
    assert (found['engine'].level, found['pipeline'].level) == (ERROR, WARN)
    assert found['engine'].message.startswith('the new model is refused; ')
    assert found['pipeline'].message.startswith('odd thing; ')


def test_recent_latencies_are_told(pipeline: Pipeline) -> None:
    silent = by_name(StatusBoard(pipeline).write(perf_counter_ns()))['pipeline']
    assert silent.values['latency_p95_ms'] == '-'
    for value in range(1, 101):
        pipeline.latency.record('total', float(value))
    told = by_name(StatusBoard(pipeline).write(perf_counter_ns()))['pipeline'].values
    assert [told[f'latency_{name}_ms'] for name in ('p50', 'p95', 'p99')] == [
        '50.5',
        '95.0',
        '99.0',
    ]


def test_several_nodes_can_be_told_apart(pipeline: Pipeline) -> None:
    statuses = StatusBoard(pipeline, 'left/perception').write(perf_counter_ns())
    assert all(status.name.startswith('left/perception: ') for status in statuses)
