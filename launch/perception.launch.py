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

"""Start the perception node, which configures and activates itself, and on demand its overlay."""

from __future__ import annotations

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PythonExpression
from launch_ros.actions import Node, SetParameter
from launch_ros.parameter_descriptions import ParameterValue

CONFIG = Path(__file__).absolute().parent.parent / 'config'
CAMERAS = {
    kind: sorted(path.stem for path in CONFIG.glob(f'cameras/{kind}/*.yaml'))
    for kind in ('thermal', 'rgb')
}
# Arguments that set one parameter where they are given: defaults have one home, the node.
PARAMETERS = {
    'model': ('model', str, 'Bundle folder or name of a shipped model.'),
    'thermal': ('thermal.topic', str, 'Topic of the thermal images.'),
    'rgb': ('rgb.topic', str, 'Topic of the RGB images.'),
    'autostart': ('autostart', bool, 'Configure and activate without being asked.'),
    'use_sim_time': ('use_sim_time', bool, 'Follow /clock, for ros2 bag play --clock.'),
}
OTHERS = {
    'thermal_camera': ('any', 'Thermal camera, of config/cameras/thermal.'),
    'rgb_camera': ('any', 'RGB camera, of config/cameras/rgb.'),
    'params': (str(CONFIG / 'perception.yaml'), 'Parameter file of your own, over the cameras.'),
    'namespace': ('', 'Namespace of the nodes and of relative topics.'),
    'overlay': ('false', 'Draw the answers too, while somebody looks.'),
    'log_level': ('info', 'Least severe message in the log.'),
}


def generate_launch_description() -> LaunchDescription:
    """Layer the parameters: the camera files, then your file, then the arguments."""
    arguments = [
        DeclareLaunchArgument(
            name,
            default_value=default,
            choices=CAMERAS.get(name.removesuffix('_camera')),
            description=text,
        )
        for name, (default, text) in OTHERS.items()
    ] + [
        DeclareLaunchArgument(name, default_value='', description=f'{text} Unset: as configured.')
        for name, (_, _, text) in PARAMETERS.items()
    ]
    chosen = {name: LaunchConfiguration(name) for name in (*OTHERS, *PARAMETERS)}
    given = [
        SetParameter(
            parameter,
            ParameterValue(chosen[name], value_type=type_),
            condition=IfCondition(PythonExpression(["'", chosen[name], "' != ''"])),
        )
        for name, (parameter, type_, _) in PARAMETERS.items()
    ]
    files = [[f'{CONFIG}/cameras/{kind}/', chosen[f'{kind}_camera'], '.yaml'] for kind in CAMERAS]
    layers = [word for file in (*files, chosen['params']) for word in ('--params-file', file)]
    common = {
        'package': 'xspec_ros',
        'namespace': chosen['namespace'],
        'ros_arguments': ['--log-level', chosen['log_level'], *layers],
        'output': 'both',
    }
    drawn = IfCondition(chosen['overlay'])
    nodes = [
        Node(executable='perception', name='perception', **common),
        Node(executable='overlay', name='overlay', condition=drawn, **common),
    ]
    return LaunchDescription([*arguments, GroupAction([*given, *nodes])])
