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

"""What the perception node tells when no result comes: provoked on a real graph, read there."""

from __future__ import annotations

from time import time_ns
from typing import Any, TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')
pytest.importorskip('onnxruntime')

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image, PointCloud2

from xspec_ros.messages.diagnostics import decode_diagnostics, OK
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import DIAGNOSTICS, RGB, THERMAL
from xspec_ros.nodes.perception import PerceptionNode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Graph

HW = (48, 64)
PERIOD_S = 0.1
DEADLINE_S = 60.0
NS_PER_MS = 1_000_000


@pytest.fixture
def start(graph: Graph, tiny_bundle: Path) -> Callable[..., PerceptionNode]:
    """Make an active node whose diagnostics are listened to."""
    graph.listen(DiagnosticArray, DIAGNOSTICS)

    def make(**parameters: object) -> PerceptionNode:
        given = {'model': tiny_bundle, 'engine': 'onnxruntime', 'threads': 1} | parameters
        options = [part for key, value in given.items() for part in ('-p', f'{key}:={value}')]
        return graph.add(PerceptionNode(cli_args=['--ros-args', *options]))

    return make


class Camera:
    """Publishes pictures on a timer of the user's node."""

    def __init__(self, graph: Graph, topic: str, *, late_ms: float = 0.0) -> None:
        self._graph = graph
        self._late_ns = round(late_ms * NS_PER_MS)
        self._topic = topic
        self._publisher = graph.user.create_publisher(Image, topic, qos_profile_sensor_data)
        self._random = np.random.default_rng(0)
        self._timer = graph.user.create_timer(PERIOD_S, self._publish)

    def fall_silent(self) -> None:
        self._graph.user.destroy_timer(self._timer)

    def _publish(self) -> None:
        if self._topic == RGB:
            image, encoding = self._random.integers(0, 255, (*HW, 3), np.uint8), 'rgb8'
        else:
            image, encoding = self._random.integers(7000, 9000, HW, np.uint16), 'mono16'
        stamp_ns = time_ns() + self._late_ns
        self._publisher.publish(
            encode_image(image, stamp_ns=stamp_ns, frame_id='camera', encoding=encoding)
        )


def diagnosed(graph: Graph, text: str) -> bool:
    statuses = [s for cdr in list(graph.heard[DIAGNOSTICS]) for s in decode_diagnostics(cdr)]
    return any(text in status.message and status.level != OK for status in statuses)


@pytest.fixture
def assert_told(graph: Graph, capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Assert that both the log and the diagnostics say something, sooner or later."""
    written: list[str] = []

    def is_logged(text: str) -> bool:
        written.append(capfd.readouterr().err)
        return text in ''.join(written)

    def check(text: str) -> None:
        assert graph.wait_until(lambda: is_logged(text), DEADLINE_S), ''.join(written)
        assert graph.wait_until(lambda: diagnosed(graph, text), DEADLINE_S), (
            f'no diagnosis: {text}'
        )

    return check


def answers(node: PerceptionNode) -> int:
    session = node.session
    stream = session.stream if session is not None else None
    return 0 if stream is None else int(stream.pipeline.progress()['answered'])


def test_nobody_publishes(graph: Graph, start: Any, assert_told: Any) -> None:
    start()
    assert_told('nothing arrives on /thermal/image_raw: nobody publishes anything here')


def test_images_come_on_another_topic(graph: Graph, start: Any, assert_told: Any) -> None:
    Camera(graph, '/boson/image_raw')
    start()
    assert_told('images on this domain: /boson/image_raw')


def test_the_topic_carries_another_type(graph: Graph, start: Any, assert_told: Any) -> None:
    graph.user.create_publisher(PointCloud2, THERMAL, 5)
    start()
    assert_told('published as sensor_msgs/msg/PointCloud2, not as an image')


def test_the_publisher_offers_less_than_the_reader_asks_for(
    graph: Graph, start: Any, assert_told: Any
) -> None:
    Camera(graph, THERMAL)
    start(**{f'qos_overrides.{THERMAL}.subscription.reliability': 'reliable'})
    assert_told('the publisher offers other QoS (reliability)')


def test_one_camera_dies_while_the_other_runs(graph: Graph, start: Any, assert_told: Any) -> None:
    thermal = Camera(graph, THERMAL)
    Camera(graph, RGB)
    node = start()
    assert graph.wait_until(lambda: answers(node) > 2, DEADLINE_S)
    thermal.fall_silent()
    assert_told('thermal camera is dead')


def test_stamps_are_further_apart_than_a_pair_may_be(
    graph: Graph, start: Any, assert_told: Any
) -> None:
    Camera(graph, THERMAL)
    Camera(graph, RGB, late_ms=25.0)
    start(slop_ms=0.5)
    assert_told('slop_ms is 0.5')
    assert_told('rgb.stamp_offset_ms')


def test_no_clock_comes_and_frames_are_answered_all_the_same(
    graph: Graph, start: Any, assert_told: Any
) -> None:
    Camera(graph, THERMAL)
    node = start(use_sim_time=True)
    assert_told('nothing publishes /clock')
    before = answers(node)
    assert graph.wait_until(lambda: answers(node) > before, DEADLINE_S)


def test_two_nodes_of_one_name_publish_the_same_results(
    graph: Graph, start: Any, assert_told: Any
) -> None:
    start()
    start()
    assert_told('another node publishes the results of /perception')
