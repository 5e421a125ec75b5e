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

"""Run perception over plain DDS from a launch file, for graphs whose middleware is DDS."""

from __future__ import annotations

from pathlib import Path
import sys

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration

# The installed program knows its interpreter; in a checkout it is the one that runs this file.
PROGRAM = Path(__file__).absolute().parents[3] / 'lib' / 'xspec_ros' / 'xspec'
COMMAND = [str(PROGRAM)] if PROGRAM.is_file() else [sys.executable, '-m', 'xspec_ros']


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start ``xspec live``; SIGINT ends it with its summary."""
    arguments = [
        DeclareLaunchArgument(
            'model', default_value='default', description='Bundle folder or shipped name.'
        ),
        DeclareLaunchArgument(
            'thermal', default_value='/thermal/image_raw', description='Thermal image topic.'
        ),
        DeclareLaunchArgument(
            'rgb', default_value='/rgb/image_raw', description='RGB image topic.'
        ),
    ]
    options = [
        part
        for name in ('model', 'thermal', 'rgb')
        for part in (f'--{name}', LaunchConfiguration(name))
    ]
    live = ExecuteProcess(
        cmd=[*COMMAND, 'live', *options],
        name='perception',
        output='both',
        sigterm_timeout='10',
    )
    return LaunchDescription([*arguments, live])
