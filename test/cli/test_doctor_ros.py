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

"""The ROS part of ``xspec doctor``: every gap comes with its command."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from xspec_ros.cli import doctor_ros

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lacking(monkeypatch: pytest.MonkeyPatch):
    """Return a function that takes modules away."""

    def take(*names: str) -> None:
        monkeypatch.setattr(
            doctor_ros, 'find_spec', lambda name: None if name in names else object()
        )

    return take


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor_ros, 'ROS_ROOT', tmp_path / 'ros')
    trials = dict.fromkeys(doctor_ros.MODULES, 'pass')
    monkeypatch.setattr(doctor_ros, 'TRIALS', trials)


def installed(prefix: Path) -> Path:
    marker = prefix / doctor_ros.MARKER / 'xspec_ros'
    marker.parent.mkdir(parents=True)
    marker.touch()
    return prefix


def test_without_ros_nothing_is_missed(lacking):
    lacking(*doctor_ros.MODULES)
    facts, problems = doctor_ros.ros_facts({})
    assert facts['rclpy'] is None
    assert problems == []


def test_ros_that_is_installed_but_not_sourced_is_named(monkeypatch, tmp_path, lacking):
    lacking(*doctor_ros.MODULES)
    (tmp_path / 'jazzy').mkdir()
    (tmp_path / 'jazzy' / 'setup.bash').touch()
    monkeypatch.setattr(doctor_ros, 'ROS_ROOT', tmp_path)
    _, problems = doctor_ros.ros_facts({})
    assert problems == [f'rclpy is not on the path: source {tmp_path}/jazzy/setup.bash']


def test_a_sourced_ros_that_lacks_rclpy_is_named(lacking):
    lacking(*doctor_ros.MODULES)
    _, problems = doctor_ros.ros_facts({'ROS_DISTRO': 'jazzy'})
    assert 'ROS_DISTRO is jazzy but rclpy cannot be imported' in problems[0]


def test_a_missing_package_comes_with_its_command(lacking, tmp_path):
    lacking('vision_msgs')
    environ = {'ROS_DISTRO': 'jazzy', 'AMENT_PREFIX_PATH': str(installed(tmp_path))}
    facts, problems = doctor_ros.ros_facts(environ)
    assert facts['vision_msgs'] == 'missing'
    assert facts['rclpy'] == 'ok'
    assert facts['package'] == str(tmp_path)
    assert len(problems) == 1
    assert problems[0].endswith('sudo apt install ros-jazzy-vision-msgs')


def test_a_cv_bridge_that_fails_at_a_picture_is_named(monkeypatch, lacking, tmp_path):
    lacking()
    monkeypatch.setitem(doctor_ros.TRIALS, 'cv_bridge', 'raise KeyError(16)')
    environ = {'AMENT_PREFIX_PATH': str(installed(tmp_path))}
    facts, problems = doctor_ros.ros_facts(environ)
    assert facts['cv_bridge'] == 'KeyError: 16'
    assert 'goes on without' in problems[0]
    assert "pip install 'numpy<2'" in problems[0]


def test_an_rclpy_for_another_python_is_named(monkeypatch, lacking, tmp_path):
    lacking()
    monkeypatch.setitem(doctor_ros.TRIALS, 'rclpy', 'raise ImportError("_rclpy_pybind11")')
    environ = {'AMENT_PREFIX_PATH': str(installed(tmp_path))}
    _, problems = doctor_ros.ros_facts(environ)
    assert 'rclpy fails under Python' in problems[0]
    assert '--system-site-packages' in problems[0]


def test_a_module_that_crashes_is_named(monkeypatch, lacking, tmp_path):
    lacking()
    monkeypatch.setitem(doctor_ros.TRIALS, 'cv_bridge', 'import os; os.abort()')
    facts, _ = doctor_ros.ros_facts({'AMENT_PREFIX_PATH': str(installed(tmp_path))})
    assert str(facts['cv_bridge']).startswith('ended with -')


def test_an_installation_that_ros2_does_not_see_comes_with_the_variable(
    monkeypatch, lacking, tmp_path
):
    lacking()
    installed(tmp_path)
    package = tmp_path / 'lib' / 'python3.12' / 'site-packages' / 'xspec_ros'
    monkeypatch.setattr(doctor_ros, 'PACKAGE', package)
    _, problems = doctor_ros.ros_facts({'AMENT_PREFIX_PATH': '/elsewhere'})
    assert f'export AMENT_PREFIX_PATH={tmp_path}:$AMENT_PREFIX_PATH' in problems[0]


def test_a_checkout_that_ros2_does_not_see_is_to_be_installed(monkeypatch, lacking, tmp_path):
    lacking()
    monkeypatch.setattr(doctor_ros, 'PACKAGE', tmp_path / 'xspec_ros')
    _, problems = doctor_ros.ros_facts({})
    assert 'colcon build' in problems[0]
