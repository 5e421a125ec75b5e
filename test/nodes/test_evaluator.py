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

"""The evaluator on a real graph, beside a stand-in for perception that answers when told."""

from __future__ import annotations

import json
from typing import Any, TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from xspec_ros.bag.pack import pack
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import Sample
from xspec_ros.errors import BundleError, ConfigError, DataError
from xspec_ros.messages.diagnostics import encode_diagnostics
from xspec_ros.messages.topics import (
    CONFIDENCE,
    DETECTIONS,
    IMAGE_TYPE,
    LABEL_INFO,
    SEGMENTATION,
    THERMAL,
)
from xspec_ros.nodes.evaluator import evaluate, EvaluatorNode
from xspec_ros.nodes.qos import LATCHED, LIST, RESULT
from xspec_ros.perception.pipeline import open_pipeline
from xspec_ros.perception.settings import Settings
from xspec_ros.perception.status import StatusBoard

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Graph

SIZE = (48, 64)
FRAMES = 5


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    slope = np.linspace(20, 200, SIZE[0] * SIZE[1]).reshape(SIZE)
    samples = [
        Sample(
            name=str(index),
            thermal=(slope + rng.normal(0, 3, SIZE)).clip(0, 255).astype(np.uint8),
            label_map=rng.integers(0, 11, SIZE).astype(np.uint8),
            boxes_thermal=Boxes.of([[4, 4, 20, 30]], [index % 3]),
        )
        for index in range(FRAMES)
    ]
    path = tmp_path / 'drive.mcap'
    with BagWriter(path) as writer:
        pack(samples, writer, bits=16)
    return path


class Perception:
    """Publishes a bag's frames and what the pipeline answers, all frames but those dropped."""

    def __init__(self, graph: Graph, model: Path) -> None:
        create = graph.user.create_publisher
        self.publishers = {
            SEGMENTATION: create(Image, SEGMENTATION, RESULT),
            CONFIDENCE: create(Image, CONFIDENCE, RESULT),
            DETECTIONS: create(Detection2DArray, DETECTIONS, LIST),
            LABEL_INFO: create(LabelInfo, LABEL_INFO, LATCHED),
        }
        self.camera = create(Image, THERMAL, qos_profile_sensor_data)
        self.diagnostics = create(DiagnosticArray, '/diagnostics', LIST)
        settings = Settings(
            model=str(model), engine='onnxruntime', threads=1, score_threshold=0.01
        )
        self.pipeline = open_pipeline(settings)

    def is_heard(self) -> bool:
        publishers = [*self.publishers.values(), self.camera, self.diagnostics]
        return all(each.get_subscription_count() for each in publishers)

    def activate(self) -> None:
        for message in self.pipeline.latched():
            self.publishers[message.topic].publish(message.cdr)

    def play(self, path: Path, *, drop: int = 0) -> None:
        with BagReader(path) as bag:
            for index, record in enumerate(bag.messages([THERMAL])):
                cdr = bytes(record.cdr)
                self.camera.publish(cdr)
                for work in self.pipeline.accept('thermal', IMAGE_TYPE, cdr, received_ns=1):
                    if index < drop:
                        self.pipeline.drop('overflow')
                        continue
                    for message in self.pipeline.run(work).messages:
                        self.publishers[message.topic].publish(message.cdr)

    def tell(self) -> None:
        statuses = StatusBoard(self.pipeline).write(1)
        self.diagnostics.publish(encode_diagnostics(statuses, stamp_ns=1))


@pytest.fixture
def start(graph: Graph, drive: Path, tiny_bundle: Path, tmp_path: Path):
    def make(**values: object) -> EvaluatorNode:
        given = {'bag': drive, 'out': tmp_path / 'live', 'model': tiny_bundle} | values
        texts = [f'{name}:={value}' for name, value in given.items()]
        return graph.add(
            EvaluatorNode(cli_args=['--ros-args', *(part for t in texts for part in ('-p', t))])
        )

    return make


def judged(node: EvaluatorNode) -> tuple[int, Any]:
    node.close()
    code = evaluate(node)
    return code, json.loads((node.job.out / 'summary.json').read_text())


def test_it_ends_when_every_frame_is_answered(
    graph: Graph, start: Any, drive: Path, tiny_bundle: Path
) -> None:
    node, perception = start(), Perception(graph, tiny_bundle)
    assert graph.wait_until(perception.is_heard)
    assert not node.recorder.active
    perception.activate()
    assert graph.wait_until(lambda: node.recorder.active)
    perception.play(drive)
    assert graph.wait_until(node.ended.is_set)
    code, summary = judged(node)
    assert (code, summary['answered'], summary['missing'], summary['judged']) == (0, 5, 0, 5)
    assert summary['metrics']['miou'] is not None
    assert summary['latency_ms']['total']['p50'] >= 0
    assert (node.job.out / 'report.html').exists()


def test_frames_that_the_node_dropped_are_accounted_for(
    graph: Graph, start: Any, drive: Path, tiny_bundle: Path
) -> None:
    node, perception = start(), Perception(graph, tiny_bundle)
    assert graph.wait_until(perception.is_heard)
    perception.activate()
    perception.tell()
    perception.play(drive, drop=2)
    assert not node.ended.wait(0.6)
    perception.tell()
    assert graph.wait_until(node.ended.is_set)
    code, summary = judged(node)
    assert (code, summary['answered'], summary['dropped'], summary['missing']) == (0, 3, 2, 0)
    assert summary['dropped_by'] == {'overflow': 2}
    assert (summary['engine'], summary['model']) == ('onnxruntime', 'untrained')


def test_told_to_end_early_it_judges_what_there_is(
    graph: Graph, start: Any, drive: Path, tiny_bundle: Path
) -> None:
    node, perception = start(), Perception(graph, tiny_bundle)
    assert graph.wait_until(perception.is_heard)
    perception.activate()
    perception.play(drive, drop=2)
    assert graph.wait_until(lambda: len(node.recorder.heard().latency_ms) == 3)
    code, summary = judged(node)
    assert (code, summary['answered'], summary['missing']) == (1, 3, 2)


def test_silence_ends_it_with_nothing(start: Any) -> None:
    node = start(timeout_s=0.3)
    assert node.ended.wait(30.0)
    code, summary = judged(node)
    assert (code, summary['answered']) == (2, 0)


@pytest.mark.parametrize(
    ('values', 'error', 'text'),
    [
        ({'bag': "''"}, ConfigError, 'bag is empty'),
        ({'bag': '/nowhere/drive.mcap'}, DataError, 'no bag'),
        ({'model': '/nowhere/model'}, BundleError, 'not found'),
        ({'thermal.topic': '/boson/image_raw'}, DataError, 'boson'),
        ({'timeouts': 2}, ConfigError, 'timeout_s'),
    ],
)
def test_what_cannot_be_evaluated_is_refused_at_the_start(
    start: Any, values: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        start(**values)
