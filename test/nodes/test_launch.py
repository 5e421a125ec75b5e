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

"""The launch files, started and ended by launch_testing: nodes get active, answer, end cleanly.

What launch_testing runs is in ``launching``, one file a launch file, in a process of its own.
"""

from __future__ import annotations

from importlib.util import find_spec
import os
from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')
pytest.importorskip('setuptools')
try:
    from launch_testing import launch_test as _  # noqa: F401 - needs packages beside ROS
except ImportError as error:
    pytest.skip(f'launch_testing is not usable here: {error}', allow_module_level=True)

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TIMEOUT_S = 180


@pytest.fixture(scope='module')
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a prefix with everything that the real setup.py installs beside the package."""
    folder = tmp_path_factory.mktemp('prefix')
    command = [sys.executable, 'setup.py', '-q', 'install_data', '--install-dir', str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=TIMEOUT_S)
    return folder


def run_launch_test(name: str, prefix: Path, domain: int) -> None:
    python = Path(sys.executable).parent
    environ = {
        **os.environ,
        'AMENT_PREFIX_PATH': f'{prefix}:{os.environ.get("AMENT_PREFIX_PATH", "")}',
        'PATH': f'{python}:{os.environ["PATH"]}',  # executables ask it for python3
        'PYTHONPATH': f'{os.environ.get("PYTHONPATH", "")}:{HERE}:{HERE / "launching"}',
        'ROS_DOMAIN_ID': str(domain),
        'SHARE': str(prefix / 'share' / 'xspec_ros'),
    }
    command = [sys.executable, '-m', 'launch_testing.launch_test', str(HERE / 'launching' / name)]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f'{done.stdout[-8000:]}\n{done.stderr[-4000:]}'


def test_perception_answers_under_its_launch_file(prefix, domain):
    run_launch_test('perception.py', prefix, domain)


def test_every_pair_of_a_vehicle_answers_in_its_namespace(prefix, domain):
    run_launch_test('vehicle.py', prefix, domain)


def test_the_recorder_leaves_a_whole_bag(prefix, domain):
    run_launch_test('record_pairs.py', prefix, domain)


@pytest.mark.skipif(find_spec('cyclonedds') is None, reason='cyclonedds is not installed')
def test_live_answers_beside_ros_nodes(prefix, domain):
    run_launch_test('live.py', prefix, domain)


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['perception.launch.py', 'thermal_camera:=bosn'], 'flir_boson'),
        (['vehicle.launch.py', 'vehicle:=nowhere.yaml'], 'cannot read nowhere.yaml'),
    ],
)
def test_a_wrong_argument_ends_the_launch_with_its_reason(prefix, domain, arguments, said):
    code = (
        'import sys; from launch import LaunchDescription, LaunchService\n'
        'from launch.actions import IncludeLaunchDescription\n'
        'service = LaunchService(noninteractive=True)\n'
        'pairs = [argument.split(":=") for argument in sys.argv[2:]]\n'
        'included = IncludeLaunchDescription(sys.argv[1], launch_arguments=pairs)\n'
        'service.include_launch_description(LaunchDescription([included]))\n'
        'sys.exit(service.run())'
    )
    file = prefix / 'share' / 'xspec_ros' / 'launch' / arguments[0]
    done = subprocess.run(
        [sys.executable, '-c', code, str(file), *arguments[1:]],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 1
    assert said in done.stdout + done.stderr
