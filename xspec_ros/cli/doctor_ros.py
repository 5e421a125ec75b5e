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

"""What of ROS 2 this interpreter can use, and the command behind every gap."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
import platform
import subprocess
import sys

from xspec_ros.share import PACKAGE

ROS_ROOT = Path('/opt/ros')
MARKER = 'share/ament_index/resource_index/packages'
TIMEOUT_S = 30
MODULES = {
    'rclpy': 'the perception node',
    'message_filters': 'the perception node',
    'sensor_msgs': 'the perception node',
    'vision_msgs': 'the perception node',
    'diagnostic_msgs': 'the perception node',
    'launch_ros': 'ros2 launch, where this Python runs it',
    'cv_bridge': 'only the overlay, which goes on without',
    'foxglove_msgs': 'only boxes in Foxglove',
}
# Importing says too little of cv_bridge: one built for another OpenCV fails at the first picture.
TRIALS = {
    'rclpy': 'import rclpy.node',
    'cv_bridge': 'import numpy, cv_bridge; '
    'cv_bridge.CvBridge().cv2_to_imgmsg(numpy.zeros((2, 2, 3), numpy.uint8), "rgb8")',
}


def ros_facts(environ: Mapping[str, str]) -> tuple[dict[str, object], list[str]]:
    """Return what is there, and what is missing with the command that adds it.

    Args:
        environ: Environment variables.
    """
    installed = sorted(place.name for place in ROS_ROOT.iterdir()) if ROS_ROOT.is_dir() else []
    installed = [name for name in installed if (ROS_ROOT / name / 'setup.bash').is_file()]
    distro = environ.get('ROS_DISTRO')
    facts: dict[str, object] = {
        'distro': distro,
        'installed': installed,
        'rmw': environ.get('RMW_IMPLEMENTATION'),
    }
    if find_spec('rclpy') is None:
        return {**facts, 'rclpy': None}, _unsourced(distro, installed)
    with ThreadPoolExecutor() as pool:
        states = dict(zip(MODULES, pool.map(_state, MODULES), strict=True))
    facts |= states
    facts['package'] = seen = _package_prefix(environ)
    problems = [
        _advice(name, state, distro or 'DISTRO') for name, state in states.items() if state != 'ok'
    ]
    if seen is None:
        problems.append(_unseen())
    return facts, problems


def _unsourced(distro: str | None, installed: list[str]) -> list[str]:
    if installed:
        return [f'rclpy is not on the path: source {ROS_ROOT}/{installed[-1]}/setup.bash']
    if distro:
        return [f'ROS_DISTRO is {distro} but rclpy cannot be imported: source its setup.bash']
    return []


def _state(name: str) -> str:
    """Return ``ok``, ``missing`` or why a module fails; tried in a process that may crash."""
    if find_spec(name) is None:
        return 'missing'
    command = [sys.executable, '-c', TRIALS.get(name, f'import {name}')]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return f'no answer within {TIMEOUT_S} s'
    if done.returncode == 0:
        return 'ok'
    return next(reversed(done.stderr.strip().splitlines()), f'ended with {done.returncode}')


def _advice(name: str, state: str, distro: str) -> str:
    if state == 'missing':
        package = f'ros-{distro}-{name.replace("_", "-")}'
        return f'{name} is missing ({MODULES[name]}): sudo apt install {package}'
    if name == 'cv_bridge':
        return (
            f'cv_bridge fails with the numpy or OpenCV here ({MODULES[name]}): {state}; '
            "pip install 'numpy<2' 'opencv-python-headless<5'"
        )
    version = platform.python_version()
    return (
        f'{name} fails under Python {version}: {state}; use the Python that this ROS was built '
        'for, mostly /usr/bin/python3 -m venv --system-site-packages'
    )


def _package_prefix(environ: Mapping[str, str]) -> str | None:
    prefixes = [text for text in environ.get('AMENT_PREFIX_PATH', '').split(':') if text]
    return next((p for p in prefixes if (Path(p) / MARKER / PACKAGE.name).is_file()), None)


def _unseen() -> str:
    """Say how ``ros2`` gets to see this installation."""
    prefix = next((p for p in PACKAGE.parents if (p / MARKER / PACKAGE.name).is_file()), None)
    if prefix is None:
        return 'ros2 does not see xspec_ros: pip install it (not editable) or colcon build it'
    return f'ros2 does not see xspec_ros: export AMENT_PREFIX_PATH={prefix}:$AMENT_PREFIX_PATH'
