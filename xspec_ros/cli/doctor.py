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

"""``xspec doctor``: what this machine can run, what is missing, and the command that adds it."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
import os
import platform
import shutil
import subprocess
from typing import Annotated

import typer

from xspec_ros.cli.output import DebugOption, EXIT_PARTIAL, JsonOption, Outcome, run_verb

PACKAGES = (
    'cyclonedds',
    'mcap',
    'msgspec',
    'numpy',
    'onnxruntime',
    'opencv-python-headless',
    'openvino',
    'rosbags',
    'safetensors',
    'tensorrt',
    'torch',
)
LARGEST_IMAGE = 640 * 480 * 3


def command(
    *,
    largest_image: Annotated[
        int, typer.Option(min=1, help='Bytes of your largest image, for the receive buffer.')
    ] = LARGEST_IMAGE,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show engines, GPU, ROS, DDS and versions, and what to do about what is missing.

    \b
    Examples:
      xspec doctor
      xspec doctor --json
      xspec doctor --largest-image 2764800
    """  # noqa: D301 - click wants the character
    run_verb(lambda: examine(largest_image), json_output=json_output, debug=debug)


def examine(largest_image: int) -> Outcome:
    """Look at this machine; nothing is changed.

    Args:
        largest_image: Bytes of the largest image that will go over DDS.

    Returns:
        The findings; exit code 1 where no engine can run.
    """
    from xspec_ros.bundle.store import shipped_names
    from xspec_ros.cli.doctor_ros import ros_facts
    from xspec_ros.engines.choice import available_engines
    from xspec_ros.engines.machine import fast_int8

    engines = available_engines()
    problems = [f'engine {name}: {why}' for name, why in engines.items() if why is not None]
    ros, ros_problems = ros_facts(os.environ)
    dds, dds_problems = _dds(largest_image)
    data: dict[str, object] = {
        'engines': {name: why or 'ok' for name, why in engines.items()},
        'gpu': _gpu(),
        'cpu': {'cores': os.cpu_count(), 'machine': platform.machine(), 'fast_int8': fast_int8()},
        'ros': ros,
        'dds': dds,
        'models': shipped_names(),
        'versions': _versions(),
        'problems': [*problems, *ros_problems, *dds_problems],
    }
    usable = any(why is None for why in engines.values())
    return Outcome(data=data, text=_text(data), exit_code=0 if usable else EXIT_PARTIAL)


def _versions() -> dict[str, str]:
    wanted = {'xspec_ros', *PACKAGES}
    installed = {
        str(item.metadata['Name']): item.version
        for item in metadata.distributions()
        if item.metadata['Name'] in wanted
    }
    return {'python': platform.python_version(), **dict(sorted(installed.items()))}


def _gpu() -> str:
    """Return the NVIDIA device's name and driver, or that there is none."""
    program = shutil.which('nvidia-smi')
    if program is None:
        return 'none found'
    query = [program, '--query-gpu=name,driver_version', '--format=csv,noheader']
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 'nvidia-smi does not answer'
    return done.stdout.strip() or 'none found'


def _dds(largest_image: int) -> tuple[dict[str, object], list[str]]:
    from xspec_ros.perception.buffers import buffer_advice, receive_buffer_bytes

    granted = receive_buffer_bytes()
    facts: dict[str, object] = {
        'cyclonedds': find_spec('cyclonedds') is not None,
        'rmem_max': granted,
        'domain': os.environ.get('ROS_DOMAIN_ID', '0'),
        'cyclonedds_uri': os.environ.get('CYCLONEDDS_URI'),
    }
    problems = []
    if not facts['cyclonedds']:
        problems.append("cyclonedds not installed: pip install 'xspec_ros[dds]'")
    advice = buffer_advice(largest_image, granted)
    if advice:
        problems.append(advice)
    return facts, problems


def _text(data: dict[str, object]) -> str:
    lines: list[str] = []
    for key in ('engines', 'gpu', 'cpu', 'ros', 'dds', 'models', 'versions'):
        value = data[key]
        if isinstance(value, dict):
            lines.append(key)
            lines += [
                f'  {name:<24} {"-" if item is None else item}' for name, item in value.items()
            ]
        else:
            shown = ', '.join(map(str, value)) if isinstance(value, tuple) else value
            lines.append(f'{key:<26} {shown}')
    problems = data['problems']
    lines.append('')
    if isinstance(problems, list) and problems:
        lines += ['to add or repair:', *(f'  {problem}' for problem in problems)]
    else:
        lines.append('nothing is missing')
    return '\n'.join(lines)
