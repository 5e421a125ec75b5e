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

"""Live: the newest frame wins, and every frame is answered or counted."""

from __future__ import annotations

from threading import Event
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np
import pytest

from xspec_ros.errors import EngineError
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.live import LiveRunner, MAX_FAILURES
from xspec_ros.perception.pipeline import Answer, open_pipeline, Pipeline
from xspec_ros.perception.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xspec_ros.engines.engine import Engine, GraphOutput

SECOND = 1_000_000_000
TIMEOUT_S = 20.0


class Gate:
    """An engine in front of the real one that waits for a signal, or fails."""

    def __init__(self, inner: Engine) -> None:
        self.inner = inner
        self.name, self.precision, self.mode = inner.name, inner.precision, inner.mode
        self.entered, self.open = Event(), Event()
        self.broken = False

    def infer(
        self, thermal: np.ndarray | None, rgb: np.ndarray | None, tone: tuple[float, float]
    ) -> GraphOutput:
        self.entered.set()
        assert self.open.wait(TIMEOUT_S)
        if self.broken:
            message = 'the device is lost'
            raise EngineError(message)
        return self.inner.infer(thermal, rgb, tone)

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def gated(tiny_bundle: Path) -> Iterator[tuple[Pipeline, Gate]]:
    pipeline = open_pipeline(Settings(model=str(tiny_bundle), engine='onnxruntime', threads=1))
    gate = Gate(pipeline.perception.engines['thermal'])
    pipeline.perception.engines['thermal'] = gate
    yield pipeline, gate
    gate.open.set()


def submit(runner: LiveRunner, index: int) -> None:
    image = np.random.default_rng(index).integers(0, 255, (64, 80), np.uint8)
    cdr = encode_image(image, stamp_ns=(index + 1) * SECOND, frame_id='t', encoding='mono8')
    runner.submit('thermal', IMAGE_TYPE, cdr, perf_counter_ns())


def test_the_newest_frame_wins_and_the_rest_are_counted(gated: tuple[Pipeline, Gate]) -> None:
    pipeline, gate = gated
    answers: list[Answer] = []
    runner = LiveRunner(pipeline, answers.append)
    submit(runner, 0)
    assert gate.entered.wait(TIMEOUT_S)
    for index in (1, 2, 3):
        submit(runner, index)
    gate.open.set()
    assert runner.wait_idle(TIMEOUT_S)
    runner.close()
    assert [answer.result.stamp_ns // SECOND for answer in answers] == [1, 4]
    summary = pipeline.summary()
    assert (summary['answered'], summary['dropped_by']) == (2, {'overflow': 2})


def test_nothing_is_dropped_when_the_engine_keeps_up(gated: tuple[Pipeline, Gate]) -> None:
    pipeline, gate = gated
    gate.open.set()
    answers: list[Answer] = []
    runner = LiveRunner(pipeline, answers.append)
    for index in range(5):
        submit(runner, index)
        assert runner.wait_idle(TIMEOUT_S)
    runner.close()
    assert len(answers) == 5
    assert pipeline.summary()['dropped'] == 0


def test_closing_answers_the_frame_that_still_waits(gated: tuple[Pipeline, Gate]) -> None:
    pipeline, gate = gated
    answers: list[Answer] = []
    runner = LiveRunner(pipeline, answers.append)
    submit(runner, 0)
    assert gate.entered.wait(TIMEOUT_S)
    submit(runner, 1)
    gate.open.set()
    runner.close()
    assert [answer.result.stamp_ns // SECOND for answer in answers] == [1, 2]


def test_failures_in_a_row_end_the_run_and_single_ones_do_not(
    gated: tuple[Pipeline, Gate],
) -> None:
    pipeline, gate = gated
    gate.open.set()
    gate.broken = True
    answers: list[Answer] = []
    runner = LiveRunner(pipeline, answers.append)
    submit(runner, 0)
    assert runner.wait_idle(TIMEOUT_S)
    gate.broken = False
    submit(runner, 1)
    assert runner.wait_idle(TIMEOUT_S)
    assert len(answers) == 1
    gate.broken = True
    for index in range(2, 2 + MAX_FAILURES):
        submit(runner, index)
        runner.wait_idle(1.0)
    runner.close()
    assert runner.failure is not None
    assert pipeline.summary()['dropped_by'] == {'engine': MAX_FAILURES + 1}
