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

"""Hot swap: no frame lost, none answered by half a model, a bad model refused."""

from __future__ import annotations

from dataclasses import replace
import shutil
from threading import Event, Thread
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip('onnxruntime')

from xspec_ros.core.result import Detections, Result
from xspec_ros.errors import BundleError, ConfigError
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE, LABEL_INFO
from xspec_ros.perception.live import LiveRunner
from xspec_ros.perception.pipeline import Answer, open_pipeline, Pipeline
from xspec_ros.perception.settings import Settings
from xspec_ros.perception.swap import find_fault, input_shape, open_beside

if TYPE_CHECKING:
    from pathlib import Path

    from xspec_ros.engines.engine import Engine, GraphOutput
    from xspec_ros.perception.perception import Perception

SECOND = 1_000_000_000
TIMEOUT_S = 30.0
HW = (64, 80)


class Watched:
    """An engine in front of the real one: may be held, and tells when it was closed."""

    def __init__(self, inner: Engine, *, held: bool) -> None:
        self.inner = inner
        self.name, self.precision, self.mode = inner.name, inner.precision, inner.mode
        self.entered, self.open, self.closed = Event(), Event(), Event()
        if not held:
            self.open.set()

    def infer(
        self, thermal: np.ndarray | None, rgb: np.ndarray | None, tone: tuple[float, float]
    ) -> GraphOutput:
        assert not self.closed.is_set(), 'a closed model was asked'
        self.entered.set()
        assert self.open.wait(TIMEOUT_S)
        return self.inner.infer(thermal, rgb, tone)

    def close(self) -> None:
        self.closed.set()
        self.inner.close()


@pytest.fixture
def settings(tiny_bundle: Path) -> Settings:
    return Settings(model=str(tiny_bundle), engine='onnxruntime', threads=1)


def watch(perception: Perception, *, held: bool = False) -> Watched:
    watched = Watched(perception.engines['thermal'], held=held)
    perception.engines['thermal'] = watched
    return watched


def submit(runner: LiveRunner, index: int) -> None:
    image = np.random.default_rng(index).integers(0, 255, HW, np.uint8)
    cdr = encode_image(image, stamp_ns=(index + 1) * SECOND, frame_id='t', encoding='mono8')
    runner.submit('thermal', IMAGE_TYPE, cdr, perf_counter_ns())


def served_by(answers: list[Answer]) -> list[Perception]:
    return [answer.serving.perception for answer in answers]


def test_what_was_accepted_before_the_swap_is_answered_by_the_old_model(
    settings: Settings,
) -> None:
    pipeline = open_pipeline(settings)
    old, new = pipeline.perception, open_beside(settings, settings.model)
    gate = watch(old, held=True)
    answers: list[Answer] = []
    runner = LiveRunner(pipeline, answers.append)
    submit(runner, 0)
    assert gate.entered.wait(TIMEOUT_S)
    submit(runner, 1)
    runner.swap(new)
    assert not gate.closed.is_set()
    gate.open.set()
    assert runner.wait_idle(TIMEOUT_S)
    submit(runner, 2)
    assert runner.wait_idle(TIMEOUT_S)
    runner.close()
    assert served_by(answers) == [old, old, new]
    assert gate.closed.is_set()
    new.close()


def test_the_old_model_is_closed_also_when_no_frame_follows(settings: Settings) -> None:
    pipeline = open_pipeline(settings)
    gate = watch(pipeline.perception)
    runner = LiveRunner(pipeline, lambda _: None)
    runner.swap(open_beside(settings, settings.model))
    assert gate.closed.wait(TIMEOUT_S)
    runner.close()


def test_the_labels_of_a_new_model_come_before_its_first_answer(settings: Settings) -> None:
    pipeline = open_pipeline(settings)
    told: list[str] = []
    runner = LiveRunner(
        pipeline,
        lambda _: told.append('answer'),
        relabelled=lambda messages: told.extend(message.topic for message in messages),
    )
    submit(runner, 0)
    assert runner.wait_idle(TIMEOUT_S)
    runner.swap(open_beside(settings, settings.model))
    submit(runner, 1)
    assert runner.wait_idle(TIMEOUT_S)
    runner.close()
    assert told == ['answer', LABEL_INFO, 'answer']


def test_no_frame_is_lost_while_models_are_swapped_under_load(settings: Settings) -> None:
    pipeline = open_pipeline(settings)
    answers: list[Answer] = []
    runner = LiveRunner(pipeline, answers.append)
    models = [open_beside(settings, settings.model) for _ in range(5)]
    gates = [watch(model) for model in models]
    swapping = Thread(target=lambda: [runner.swap(model) for model in models])
    swapping.start()
    for index in range(60):
        submit(runner, index)
    swapping.join(TIMEOUT_S)
    submit(runner, 60)
    assert runner.wait_idle(TIMEOUT_S)
    runner.close()
    counts = pipeline.progress()
    assert counts['thermal'] == 61
    assert counts['thermal'] == counts['answered'] + counts['dropped'] + counts['rejected']
    assert counts['swaps'] == 5
    assert served_by(answers)[-1] is models[-1]
    assert [gate.closed.is_set() for gate in gates] == [True] * 4 + [False]
    models[-1].close()


def test_a_tampered_bundle_is_refused_before_it_serves(
    settings: Settings, tiny_bundle: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(tiny_bundle, tmp_path / 'broken')
    graph = next(broken.glob('*.onnx'))
    graph.write_bytes(graph.read_bytes()[:-1] + b'x')
    with pytest.raises(BundleError, match=r'SHA-256|hash'):
        open_beside(settings, str(broken))


def good_result() -> Result:
    return Result(
        stamp_ns=1,
        frame_id='',
        label_map=np.zeros(HW, np.uint8),
        confidence=np.zeros(HW, np.uint8),
        detections=Detections.empty(),
        mode='thermal',
        degraded=False,
    )


def boxes(scores: float, class_id: int) -> Detections:
    return Detections(
        boxes_xyxy=np.array([[0, 0, 5, 5]], np.float32),
        scores=np.array([scores], np.float32),
        class_ids=np.array([class_id], np.int32),
    )


@pytest.mark.parametrize(
    ('changes', 'fault'),
    [
        ({}, ''),
        ({'label_map': np.zeros((8, 8), np.uint8)}, 'label map'),
        ({'label_map': np.full(HW, 200, np.uint8)}, 'class 200'),
        ({'label_map': np.full(HW, 255, np.uint8)}, ''),
        ({'detections': boxes(float('nan'), 0)}, 'no numbers'),
        ({'detections': boxes(0.5, 9)}, 'box class 9'),
    ],
)
def test_an_answer_that_makes_no_sense_is_named(
    settings: Settings, changes: dict[str, object], fault: str
) -> None:
    perception = open_beside(settings, settings.model)
    found = find_fault(replace(good_result(), **changes), perception, HW)
    assert found.startswith(fault) if not fault else fault in found
    perception.close()


def test_a_new_model_is_tried_at_the_size_of_the_camera(settings: Settings) -> None:
    pipeline = open_pipeline(settings)
    assert input_shape(pipeline) == ((480, 640), 1)
    image = np.full((48, 56), 8000, np.uint16)
    image[0] = 9000
    cdr = encode_image(image, stamp_ns=1, frame_id='', encoding='mono16')
    pipeline.accept('thermal', IMAGE_TYPE, cdr, received_ns=1)
    assert input_shape(pipeline) == ((48, 56), 2)


def test_thresholds_change_between_two_frames(settings: Settings) -> None:
    pipeline = open_pipeline(settings)
    answers: list[Answer] = []
    runner = LiveRunner(pipeline, answers.append)
    submit(runner, 0)
    assert runner.wait_idle(TIMEOUT_S)
    runner.apply(Settings(model=settings.model, confidence_threshold=1.0, score_threshold=0.0))
    submit(runner, 1)
    assert runner.wait_idle(TIMEOUT_S)
    runner.close()
    assert [(answers[1].result.label_map == 255).mean() > 0.99] == [True]
    assert (answers[0].result.label_map == 255).mean() < 0.5
    assert pipeline.score_threshold == 0.0


def test_parameters_that_do_not_fit_together_change_nothing(settings: Settings) -> None:
    pipeline: Pipeline = open_pipeline(settings)
    before = pipeline.settings
    with pytest.raises(ConfigError, match='temperature'):
        pipeline.apply(Settings(model=settings.model, range_k=(280.0, 320.0)))
    assert pipeline.settings is before
    assert pipeline.intake.settings is before
