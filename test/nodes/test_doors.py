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

"""One bag through the bag door, the DDS door and the rclpy door: the same bytes come out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import Any, TYPE_CHECKING

import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')
pytest.importorskip('cyclonedds')
pytest.importorskip('onnxruntime')

from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.session import replay_bag, ReplayJob
from xspec_ros.cli.progress import progress_bar
from xspec_ros.messages.topics import CONFIDENCE, DETECTIONS, RGB, SEGMENTATION, THERMAL
from xspec_ros.nodes.perception import PerceptionNode
from xspec_ros.perception.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Graph

FRAMES = 6
SLOWLY = '0.1'  # of 30 Hz: nothing is dropped on a busy machine either
DEADLINE_S = 120.0
STAMP = slice(4, 12)
OUTPUTS = {SEGMENTATION: Image, CONFIDENCE: Image, DETECTIONS: Detection2DArray}
XSPEC = [sys.executable, '-m', 'xspec_ros']


@pytest.fixture(scope='module')
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bag = tmp_path_factory.mktemp('doors') / 'drive.mcap'
    options = ['--out', str(bag), '--frames', str(FRAMES), '--size', '160x128', '--seed', '3']
    subprocess.run([*XSPEC, 'synth', *options], check=True, timeout=DEADLINE_S)
    return bag


@pytest.fixture(scope='module')
def choices(tiny_bundle: Path) -> dict[str, object]:
    """Settings that give every door the same engine on one thread."""
    return {
        'model': str(tiny_bundle),
        'engine': 'onnxruntime',
        'precision': 'fp32',
        'threads': 1,
        'score_threshold': 0.0,
    }


@pytest.fixture(scope='module')
def replayed(
    drive: Path, choices: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[bytes]]:
    """What the bag door answers."""
    out = tmp_path_factory.mktemp('replayed')
    job = ReplayJob(bag=drive, settings=Settings(**choices), out=out, report=False, overlay=False)
    replay_bag(job, progress_bar)
    found: dict[str, list[bytes]] = {topic: [] for topic in OUTPUTS}
    with BagReader(out / 'results.mcap') as results:
        for record in results.messages(list(OUTPUTS)):
            found[record.topic].append(bytes(record.cdr))
    assert {topic: len(cdrs) for topic, cdrs in found.items()} == dict.fromkeys(OUTPUTS, FRAMES)
    return found


@pytest.fixture
def listening(graph: Graph) -> Graph:
    for topic, kind in OUTPUTS.items():
        graph.listen(kind, topic)
    return graph


def run_node(graph: Graph, choices: dict[str, object]) -> None:
    given = [part for key, value in choices.items() for part in ('-p', f'{key}:={value}')]
    graph.add(PerceptionNode(cli_args=['--ros-args', *given]))


@pytest.fixture
def dds_door(listening: Graph, choices: dict[str, object], tmp_path: Path) -> Iterator[None]:
    """Run ``xspec live`` as a process."""
    chosen = [part for key, value in choices.items() for part in ('--set', f'{key}={value}')]
    with (tmp_path / 'live.log').open('wb') as log:
        process = subprocess.Popen([*XSPEC, 'live', *chosen], stdout=log, stderr=log)
        yield
        process.terminate()
        process.wait(DEADLINE_S)


def is_complete(graph: Graph, number: int = FRAMES) -> bool:
    return all(len(graph.heard[topic]) >= number for topic in OUTPUTS)


def publish_one_by_one(graph: Graph, drive: Path) -> None:
    """Publish through rclpy, each frame after the answer to the one before."""
    publisher = graph.user.create_publisher(Image, THERMAL, qos_profile_sensor_data)
    listened = graph.wait_until(lambda: publisher.get_subscription_count() > 0, DEADLINE_S)
    heard = graph.wait_until(
        lambda: all(graph.user.count_publishers(topic) for topic in OUTPUTS), DEADLINE_S
    )
    assert listened
    assert heard
    with BagReader(drive) as reader:
        for number, record in enumerate(reader.messages([THERMAL]), start=1):
            publisher.publish(bytes(record.cdr))
            assert graph.wait_until(lambda n=number: is_complete(graph, n)), f'frame {number}'


def play(graph: Graph, command: list[str]) -> None:
    """Run a player, which waits for its readers itself, and wait for the answers."""
    subprocess.run(command, check=True, timeout=DEADLINE_S)
    assert graph.wait_until(lambda: is_complete(graph))


def assert_same(replayed: dict[str, list[bytes]], graph: Graph) -> None:
    for topic, expected in replayed.items():
        # DDS pads payloads to four bytes; what the message itself holds is the same.
        found = {cdr[STAMP]: cdr for cdr in graph.heard[topic]}
        assert [found[cdr[STAMP]][: len(cdr)] for cdr in expected] == expected


def test_an_rclpy_publisher_is_answered_by_the_node_as_the_bag_is(
    listening: Graph, drive: Path, choices: dict[str, object], replayed: Any
) -> None:
    run_node(listening, choices)
    publish_one_by_one(listening, drive)
    assert_same(replayed, listening)


@pytest.mark.usefixtures('dds_door')
def test_an_rclpy_publisher_is_answered_by_xspec_live_as_the_bag_is(
    listening: Graph, drive: Path, replayed: Any
) -> None:
    publish_one_by_one(listening, drive)
    assert_same(replayed, listening)


def test_xspec_play_is_answered_by_the_node_as_the_bag_is(
    listening: Graph, drive: Path, choices: dict[str, object], replayed: Any
) -> None:
    run_node(listening, choices)
    options = ['--rate', SLOWLY, '--wait-for', '2', '--topic', THERMAL, '--topic', RGB]
    play(listening, [*XSPEC, 'play', str(drive), *options])
    assert_same(replayed, listening)


@pytest.mark.skipif(shutil.which('ros2') is None, reason='no ros2 command')
def test_ros2_bag_play_is_answered_by_the_node_as_the_bag_is(
    listening: Graph, drive: Path, choices: dict[str, object], replayed: Any
) -> None:
    run_node(listening, choices)
    assert listening.wait_until(lambda: listening.user.count_subscribers(THERMAL) > 0)
    options = ['-r', SLOWLY, '--delay', '2', '--disable-keyboard-controls']
    play(listening, ['ros2', 'bag', 'play', str(drive), *options, '--topics', THERMAL])
    assert_same(replayed, listening)
