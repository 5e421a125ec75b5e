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

"""Play a bag to the perception node, judge the answers, end with the status of the evaluation."""

from __future__ import annotations

from pathlib import Path
from signal import SIGINT

from launch import actions, LaunchDescription
from launch.conditions import IfCondition
from launch.event_handlers import OnProcessExit, OnProcessIO
from launch.events import matches_action, Shutdown
from launch.events.process import ProcessExited, SignalProcess
from launch.substitutions import LaunchConfiguration, NotEqualsSubstitution
from launch_ros.actions import Node, SetParameter, SetParametersFromFile
from launch_ros.parameter_descriptions import ParameterValue

CONFIG = Path(__file__).absolute().parent.parent / 'config'
READY = b'play the bag'  # the evaluator says so when it listens and perception is active
ARGUMENTS = {
    'bag': (None, 'Bag that is played, a file or a folder.'),
    'out': ('', 'Folder for results.mcap, summary.json, report.html; BAG_live if empty.'),
    'model': ('', 'Bundle folder or name of a shipped model. Unset: default.'),
    'mode': ('', 'thermal, fused or rgb. Unset: thermal.'),
    'thermal': ('', 'Topic of the thermal images in the bag. Unset: as in the nodes.'),
    'rgb': ('', 'Topic of the RGB images in the bag. Unset: as in the nodes.'),
    'params': (str(CONFIG / 'perception.yaml'), 'Parameter file of the nodes.'),
    'rate': ('1.0', 'Speed of the player.'),
    'delay': ('1.5', 'Seconds for player and nodes to find each other.'),
    'linger': ('5.0', 'Seconds for the last answers after the player has ended.'),
    'use_sim_time': ('false', 'Follow the /clock that the player publishes.'),
}
# Arguments that set one parameter of both nodes where they are given: defaults have one home.
SHARED = {'model': 'model', 'mode': 'mode', 'thermal': 'thermal.topic', 'rgb': 'rgb.topic'}


def end(event: ProcessExited, _: object) -> actions.EmitEvent:
    """End the launch; what is raised here makes ros2 launch exit with status 1."""
    if event.returncode:
        message = f'evaluation ended with status {event.returncode}, its log says why'
        raise RuntimeError(message)
    return actions.EmitEvent(event=Shutdown(reason='the bag is evaluated'))


def generate_launch_description() -> LaunchDescription:
    """Start the nodes, then the player, tell the evaluator when that has ended, then end."""
    arguments = [
        actions.DeclareLaunchArgument(name, default_value=default, description=text)
        for name, (default, text) in ARGUMENTS.items()
    ]
    given = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    text = {name: ParameterValue(given[name], value_type=str) for name in ARGUMENTS}
    parameters = [SetParametersFromFile(given['params'])] + [
        SetParameter(name, text[a], condition=IfCondition(NotEqualsSubstitution(given[a], '')))
        for a, name in SHARED.items()
    ]
    perception = Node(
        package='xspec_ros', executable='perception', name='perception', output='both',
        parameters=[{'score_threshold': 0.01}],  # AP takes weak boxes too, as in xspec replay
    )  # fmt: skip
    evaluator = Node(
        package='xspec_ros', executable='evaluator', name='evaluator', output='both',
        parameters=[{'bag': text['bag'], 'out': text['out'], 'rate': given['rate']}],
        additional_env={'RCUTILS_LOGGING_USE_STDOUT': '0'}, sigterm_timeout='120',
    )  # fmt: skip
    play = ['ros2', 'bag', 'play', given['bag'], '--rate', given['rate'], '--clock', '100']
    play += ['--delay', given['delay'], '-x', '/(perception|ground_truth)/.*|/diagnostics']
    player = actions.ExecuteProcess(cmd=play, name='player', output='both')
    stop = SignalProcess(signal_number=SIGINT, process_matcher=matches_action(evaluator))
    judge = actions.EmitEvent(event=stop)
    judge_soon = actions.TimerAction(period=given['linger'], actions=[judge])
    ready = {'on_stderr': lambda io: player if READY in io.text else None}
    handlers = [
        OnProcessIO(target_action=evaluator, **ready),
        OnProcessExit(target_action=player, on_exit=judge_soon),
        OnProcessExit(target_action=perception, on_exit=judge),
        OnProcessExit(target_action=evaluator, on_exit=end),
    ]
    sim_time = SetParameter('use_sim_time', given['use_sim_time'])
    nodes = actions.GroupAction([*parameters, sim_time, perception, evaluator])
    return LaunchDescription([*arguments, *map(actions.RegisterEventHandler, handlers), nodes])
