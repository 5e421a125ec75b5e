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

from xspec_ros.messages.diagnostics import ERROR, OK, WARN
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.pipeline import open_pipeline, Pipeline
from xspec_ros.perception.settings import Settings
from xspec_ros.perception.status import pipeline_statuses

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
    found = by_name(pipeline_statuses(pipeline, now_ns + 1))
    assert set(found) == {'thermal input', 'rgb input', 'pairing', 'pipeline', 'engine'}
    assert {name: status.message for name, status in found.items() if status.level != OK} == {}
    assert found['thermal input'].values['rate_hz'] == '10.0'


def test_one_dead_camera_is_named(pipeline: Pipeline) -> None:
    now_ns = perf_counter_ns()
    feed(pipeline, 'rgb', SECOND, now_ns)
    feed(pipeline, 'thermal', SECOND, now_ns + 5 * SECOND)
    found = by_name(pipeline_statuses(pipeline, now_ns + 5 * SECOND))
    assert found['rgb input'].level == ERROR
    assert 'rgb: no frame for 5.0 s' in found['rgb input'].message
    assert found['thermal input'].level == OK


def test_stamps_too_far_apart_are_measured_and_the_parameter_is_named(pipeline: Pipeline) -> None:
    now_ns = perf_counter_ns()
    for index in range(30):
        stamp_ns = 100 * SECOND + index * SECOND // 10
        feed(pipeline, 'rgb', stamp_ns + 7 * SECOND, now_ns)
        feed(pipeline, 'thermal', stamp_ns, now_ns)
    pairing = by_name(pipeline_statuses(pipeline, now_ns))['pairing']
    assert pairing.level == WARN
    assert 'offset' in pairing.message


def test_rejected_frames_show_with_their_cause(pipeline: Pipeline) -> None:
    pipeline.accept('thermal', IMAGE_TYPE, b'torn', received_ns=perf_counter_ns())
    status = by_name(pipeline_statuses(pipeline, perf_counter_ns()))['pipeline']
    assert status.level == WARN
    assert status.values['rejected_by/cdr'] == '1'
