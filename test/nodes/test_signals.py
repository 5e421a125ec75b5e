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

"""The perception node as a process: SIGINT and SIGTERM end it soon and silently."""

from __future__ import annotations

import signal
import subprocess
import sys
from time import monotonic
from typing import Any, TYPE_CHECKING
from uuid import uuid4

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')
pytest.importorskip('onnxruntime')

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import THERMAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Graph

DEADLINE_S = 120.0
ENDS_WITHIN_S = 8.0  # 2 s are promised; a machine that runs other tests beside takes longer
GOOD = (0, 130)
SIGNALS = [
    pytest.param([signal.SIGINT], id='SIGINT'),
    pytest.param([signal.SIGTERM], id='SIGTERM'),
    pytest.param([signal.SIGINT, signal.SIGINT], id='SIGINT-twice'),
]


class Node:
    """A perception node in a process of its own, under a name that no other one has had."""

    def __init__(self, log: Path, **parameters: object) -> None:
        self.name = f'perception_{uuid4().hex}'
        given = [part for key, value in parameters.items() for part in ('-p', f'{key}:={value}')]
        module = 'xspec_ros.nodes.perception'
        command = [sys.executable, '-u', '-m', module, '--ros-args', *given]
        command += ['-r', f'__node:={self.name}']
        self.log = log
        with log.open('wb') as sink:
            self.process = subprocess.Popen(command, stdout=sink, stderr=sink)

    def text(self) -> str:
        return self.log.read_text(encoding='utf-8', errors='replace')

    def stop(self, numbers: list[int]) -> tuple[int, float]:
        started_s = monotonic()
        for number in numbers:
            self.process.send_signal(number)
        status = self.process.wait(DEADLINE_S)
        return status, monotonic() - started_s


@pytest.fixture
def start(domain: int, tiny_bundle: Path, tmp_path: Path) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(**parameters: object) -> Node:
        given = {'model': tiny_bundle, 'engine': 'onnxruntime', 'threads': 1} | parameters
        nodes.append(Node(tmp_path / 'node.log', **given))
        return nodes[-1]

    yield make
    for node in nodes:
        if node.process.poll() is None:
            node.process.kill()
            node.process.wait()


def assert_ends_well(node: Node, numbers: list[int]) -> None:
    assert node.process.poll() is None, node.text()
    status, seconds = node.stop(numbers)
    assert status in GOOD, node.text()
    assert 'Traceback' not in node.text(), node.text()
    assert seconds < ENDS_WITHIN_S


def joined(graph: Graph, node: Node) -> bool:
    """Tell whether the node is on the graph; its handlers have been in place for a while then."""
    return node.name in graph.user.get_node_names()


@pytest.mark.parametrize('numbers', SIGNALS)
def test_it_ends_while_it_comes_up(graph: Graph, start: Any, numbers: list[int]) -> None:
    node = start()
    assert graph.wait_until(lambda: joined(graph, node), DEADLINE_S)
    assert_ends_well(node, numbers)


@pytest.mark.parametrize('numbers', SIGNALS)
def test_it_ends_while_it_opens_the_model(graph: Graph, start: Any, numbers: list[int]) -> None:
    node = start(autostart='false')
    client = graph.user.create_client(ChangeState, f'/{node.name}/change_state')
    assert client.wait_for_service(DEADLINE_S)
    configure = Transition(id=Transition.TRANSITION_CONFIGURE)
    client.call_async(ChangeState.Request(transition=configure))
    assert_ends_well(node, numbers)


@pytest.mark.parametrize('numbers', SIGNALS)
def test_it_ends_under_load(graph: Graph, start: Any, numbers: list[int]) -> None:
    node = start()
    answers = f'/{node.name}/segmentation'
    graph.listen(Image, answers)
    publisher = graph.user.create_publisher(Image, THERMAL, qos_profile_sensor_data)
    assert graph.wait_until(lambda: publisher.get_subscription_count() > 0, DEADLINE_S)
    random = np.random.default_rng(0)
    image = random.integers(7000, 9000, (480, 640), np.uint16)
    sent = 0

    def stream() -> None:
        nonlocal sent
        sent += 1
        stamp_ns = sent * 30_000_000
        publisher.publish(
            encode_image(image, stamp_ns=stamp_ns, frame_id='boson', encoding='mono16')
        )

    graph.user.create_timer(0.03, stream)
    assert graph.wait_until(lambda: len(graph.heard[answers]) >= 3, DEADLINE_S), node.text()
    assert_ends_well(node, numbers)
