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

"""The recorder as a process, launched or not: it ends on a signal, and its bag is closed."""

from __future__ import annotations

from importlib.util import find_spec
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
from threading import Event, Thread
import time
from typing import Any, TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')
if find_spec('launch_ros') is None:
    pytest.skip('ros2 launch is not installed', allow_module_level=True)

from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from xspec_ros.bag.reader import BagReader
from xspec_ros.messages.image import encode_image
from xspec_ros.nodes.running import EXIT_REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Graph

ROOT = Path(__file__).parents[2]
LAUNCH = ROOT / 'launch' / 'record_pairs.launch.py'
HW = (48, 64)
TIMEOUT_S = 60.0
NAMESPACE = f'record_{os.getpid()}'
THERMAL, RGB = f'/{NAMESPACE}/thermal/image_raw', f'/{NAMESPACE}/rgb/image_raw'
END_WITHIN_S = {'node': 4.0, 'launch': 8.0}  # 2 s on a machine that has nothing else to do


@pytest.fixture
def launched(domain: int, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that runs the launch file from a prefix laid out as installed."""
    prefix = tmp_path / 'prefix'
    marker = prefix / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'xspec_ros'
    marker.parent.mkdir(parents=True)
    marker.touch()
    shutil.copytree(ROOT / 'executables', prefix / 'lib' / 'xspec_ros')
    paths = {
        'PATH': Path(sys.executable).parent,
        'PYTHONPATH': ROOT,
        'AMENT_PREFIX_PATH': prefix,
    }
    env = os.environ | {
        name: f'{path}{os.pathsep}{os.environ.get(name, "")}' for name, path in paths.items()
    }
    started: list[subprocess.Popen[str]] = []

    def run(how: str, **arguments: object) -> subprocess.Popen[str]:
        given = [f'{name}:={value}' for name, value in arguments.items()]
        ros2 = shutil.which('ros2') or 'ros2'
        set_each = [word for each in given for word in ('-p', each)]
        namespace = ('--ros-args', '-r', f'__ns:=/{NAMESPACE}')
        commands = {
            'launch': [ros2, 'launch', LAUNCH, f'namespace:={NAMESPACE}', *given],
            'node': ['-m', 'xspec_ros.nodes.record_pairs', *namespace, *set_each],
        }
        process = subprocess.Popen(
            [sys.executable, *commands[how]],
            env=env,
            cwd=tmp_path,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


class Cameras:
    """Publishes both cameras at 20 Hz until it is stopped."""

    def __init__(self, graph: Graph) -> None:
        self._stop = Event()
        self._publishers = [
            graph.user.create_publisher(Image, topic, qos_profile_sensor_data)
            for topic in (THERMAL, RGB)
        ]
        self._thread = Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        rng = np.random.default_rng(0)
        while not self._stop.wait(0.05):
            for publisher in self._publishers:
                image = rng.integers(0, 256, HW, np.uint8)
                publisher.publish(
                    encode_image(image, stamp_ns=time.time_ns(), frame_id='f', encoding='mono8')
                )


@pytest.fixture
def cameras(graph: Graph) -> Iterator[Cameras]:
    found = Cameras(graph)
    yield found
    found.stop()


def wait_for_bag(process: subprocess.Popen[str], folder: Path, size: int = 30_000) -> Path:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        for path in folder.glob('*.mcap'):
            if path.stat().st_size > size:
                return path
        Event().wait(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    pytest.fail(f'no bag in {folder}: {process.communicate()[0]}')


# ros2 launch does not wait for its nodes on SIGTERM, so that signal goes to the node alone.
@pytest.mark.parametrize(
    ('how', 'number', 'times'),
    [
        ('launch', signal.SIGINT, 1),
        ('launch', signal.SIGINT, 2),
        ('node', signal.SIGINT, 1),
        ('node', signal.SIGINT, 2),
        ('node', signal.SIGTERM, 1),
    ],
)
def test_it_records_and_ends_on_a_signal_with_the_bag_closed(
    launched: Any, cameras: Cameras, tmp_path: Path, *, how: str, number: int, times: int
) -> None:
    out = tmp_path / 'harvest'
    process = launched(how, out=out, rate_hz=10.0)
    path = wait_for_bag(process, out)
    began = time.monotonic()
    for _ in range(times):
        os.killpg(process.pid, number)
        Event().wait(0.05)
    said, _ = process.communicate(timeout=TIMEOUT_S)
    assert time.monotonic() - began < END_WITHIN_S[how], said
    assert process.returncode == 0, said
    assert 'Traceback' not in said, said
    assert 'pairs recorded in 1 files' in said, said
    with BagReader(path) as bag:
        topics = {each.topic for each in bag}
        assert bag.tear is None
    assert topics == {RGB, THERMAL}


def test_a_killed_recorder_leaves_whole_pairs(
    launched: Any, cameras: Cameras, tmp_path: Path
) -> None:
    out = tmp_path / 'harvest'
    process = launched('node', out=out, rate_hz=20.0)
    path = wait_for_bag(process, out, size=100_000)
    process.kill()
    process.communicate(timeout=TIMEOUT_S)
    with BagReader(path) as bag:
        found = [each.topic for each in bag]
        assert bag.tear is not None
    assert found.count(THERMAL) >= 8
    assert found.count(RGB) - found.count(THERMAL) in (0, 1)


@pytest.mark.parametrize('how', ['launch', 'node'])
def test_a_wrong_parameter_ends_it_with_the_reason(
    launched: Any, tmp_path: Path, how: str
) -> None:
    process = launched(how, out=tmp_path / 'harvest', keep_by='chance')
    said, _ = process.communicate(timeout=TIMEOUT_S)
    assert 'keep_by' in said
    assert 'Traceback' not in said, said
    assert how == 'launch' or process.returncode == EXIT_REFUSED
