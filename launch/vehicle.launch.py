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

"""Start a perception node for every camera pair of a vehicle, as one YAML file describes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

try:
    from xspec_ros.nodes.vehicle import plan_vehicle
except ModuleNotFoundError as error:
    REASON = f'{error}; the python of this ros2 lacks it: python3 $(command -v ros2) launch ...'
    raise RuntimeError(REASON) from error

if TYPE_CHECKING:
    from launch import LaunchContext

CONFIG = Path(__file__).absolute().parent.parent / 'config'
TRUTHS = {'true': True, 'false': False}


def start_pairs(context: LaunchContext) -> list[Node]:
    """Return the nodes of all pairs; a mistake in the file ends the launch with its reason."""
    chosen = {
        name: LaunchConfiguration(name).perform(context)
        for name in ('vehicle', 'use_sim_time', 'log_level')
    }
    extra = {'use_sim_time': TRUTHS[chosen['use_sim_time']]} if chosen['use_sim_time'] else {}
    return [
        Node(
            package='xspec_ros',
            executable=name,
            name=name,
            namespace=pair.namespace,
            exec_name=f'{pair.namespace.strip("/").replace("/", ".")}.{name}',
            parameters=[*map(str, pair.files), {**pair.parameters, **extra}],
            ros_arguments=['--log-level', chosen['log_level']],
            output='both',
        )
        for pair in plan_vehicle(chosen['vehicle'], CONFIG / 'cameras')
        for name in pair.nodes
    ]


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments; what is started is in the vehicle's file."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                'vehicle',
                default_value=str(CONFIG / 'vehicle.yaml'),
                description='The camera pairs; config/vehicle.yaml is an example.',
            ),
            DeclareLaunchArgument(
                'use_sim_time',
                default_value='',
                choices=['', *TRUTHS],
                description='Follow /clock. Unset: as configured.',
            ),
            DeclareLaunchArgument(
                'log_level', default_value='info', description='Least severe message in the log.'
            ),
            OpaqueFunction(function=start_pairs),
        ]
    )
