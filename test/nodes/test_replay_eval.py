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

"""The launch file from bag to report: its figures, its status, its end."""

from __future__ import annotations

from contextlib import contextmanager
from importlib.util import find_spec
import json
import os
from pathlib import Path
import shutil
import signal
import subprocess
import sys
from typing import Any, TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')
if find_spec('ros2bag') is None or find_spec('launch_ros') is None:
    pytest.skip('ros2 launch or ros2 bag is not installed', allow_module_level=True)

from vision_msgs.msg import Detection2DArray

from xspec_ros.bag.pack import pack
from xspec_ros.bag.session import replay_bag, ReplayJob
from xspec_ros.bag.writer import BagWriter
from xspec_ros.cli.progress import progress_bar
from xspec_ros.config import dump_yaml
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import Sample
from xspec_ros.messages.topics import DETECTIONS
from xspec_ros.perception.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Graph

ROOT = Path(__file__).parents[2]
LAUNCH = ROOT / 'launch' / 'replay_eval.launch.py'
SIZE = (48, 64)
FRAMES = 10
TIMEOUT_S = 120.0


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    rng = np.random.default_rng(5)
    slope = np.linspace(20, 200, SIZE[0] * SIZE[1]).reshape(SIZE)
    samples = [
        Sample(
            name=str(index),
            rgb=rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8),
            thermal=(slope + rng.normal(0, 9, SIZE)).clip(0, 255).astype(np.uint8),
            label_map=rng.integers(0, 11, SIZE).astype(np.uint8),
            boxes_thermal=Boxes.of([[4, 4, 20, 30]], [index % 3]),
        )
        for index in range(FRAMES)
    ]
    path = tmp_path / 'drive.mcap'
    with BagWriter(path) as writer:
        pack(samples, writer, rate_hz=5.0, bits=16)
    return path


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Return a prefix that holds the executables as an installation does."""
    found = tmp_path / 'prefix'
    marker = found / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'xspec_ros'
    marker.parent.mkdir(parents=True)
    marker.touch()
    shutil.copytree(ROOT / 'executables', found / 'lib' / 'xspec_ros')
    return found


@pytest.fixture
def launched(domain: int, prefix: Path, tiny_bundle: Path, tmp_path: Path) -> Callable[..., Any]:
    """Return a context in which ``ros2 launch`` runs with these arguments."""
    params = tmp_path / 'params.yaml'
    values = {'engine': 'onnxruntime', 'threads': 1, 'model': str(tiny_bundle)}
    params.write_text(dump_yaml({'/**': {'ros__parameters': values}}))
    paths = {
        'PATH': Path(sys.executable).parent,
        'PYTHONPATH': ROOT,
        'AMENT_PREFIX_PATH': prefix,
    }
    env = os.environ | {
        name: f'{path}{os.pathsep}{os.environ.get(name, "")}' for name, path in paths.items()
    }

    @contextmanager
    def run(**arguments: object) -> Iterator[subprocess.Popen[str]]:
        given = [f'{name}:={value}' for name, value in {'params': params, **arguments}.items()]
        with subprocess.Popen(
            [sys.executable, shutil.which('ros2') or 'ros2', 'launch', LAUNCH, *given],
            env=env,
            cwd=tmp_path,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    return run


def test_a_bag_is_played_and_judged_with_the_figures_of_a_replay(
    launched: Any, drive: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'live'
    with launched(bag=drive, out=out, rate=1.0) as process:
        text, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, text
    summary = json.loads((out / 'summary.json').read_text())
    assert {path.name for path in out.iterdir()} >= {'results.mcap', 'report.html'}
    assert (summary['thermal'], summary['received'], summary['missing']) == (FRAMES, FRAMES, 0)
    assert summary['rate'] == 1.0
    settings = Settings(model=str(tiny_bundle), engine='onnxruntime', threads=1)
    job = ReplayJob(bag=drive, settings=settings, out=tmp_path / 'replay', report=False)
    expected = replay_bag(job, progress_bar).summary
    if summary['answered'] == FRAMES:  # a machine under load drops frames, and says so
        for key in ('metrics', 'judged', 'detections', 'pairs', 'engine', 'precision'):
            assert summary[key] == expected[key], key
    else:
        assert summary['dropped'] == FRAMES - summary['answered']


def test_without_the_bag_ros2_launch_itself_fails(launched: Any, tmp_path: Path) -> None:
    with launched(bag=tmp_path / 'none.mcap') as process:
        text, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    assert 'no bag at' in text
    assert 'evaluation ended with status 2' in text


def test_ctrl_c_judges_what_was_answered(
    graph: Graph, launched: Any, drive: Path, tmp_path: Path
) -> None:
    out = tmp_path / 'live'
    graph.listen(Detection2DArray, DETECTIONS)
    with launched(bag=drive, out=out, rate=0.1) as process:
        answered = graph.wait_until(lambda: len(graph.heard[DETECTIONS]) >= 2, TIMEOUT_S)
        process.send_signal(signal.SIGINT)  # launch waits now; it trips while it starts something
        text, _ = process.communicate(timeout=TIMEOUT_S)
    assert answered, text
    assert process.returncode == 1, text
    summary = json.loads((out / 'summary.json').read_text())
    assert summary['missing'] == FRAMES - summary['answered'] > 0
    assert summary['answered'] >= 2
