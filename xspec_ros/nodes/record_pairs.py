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

"""The recorder node: pairs of the live cameras that are worth keeping, into a bag."""

from __future__ import annotations

import sys
from threading import Event, RLock
from time import perf_counter_ns
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_srvs.srv import Trigger

from xspec_ros.bag.recorder import open_recorder
from xspec_ros.bag.recorder_status import recorder_statuses
from xspec_ros.errors import ConfigError, XspecError
from xspec_ros.messages.diagnostics import encode_diagnostics, OK
from xspec_ros.messages.topics import DIAGNOSTICS
from xspec_ros.nodes.harvest_inputs import HarvestInputs
from xspec_ros.nodes.parameters import declare_parameters, read_parameters, resolve_topics
from xspec_ros.nodes.qos import LIST
from xspec_ros.nodes.recorder_settings import RecorderSettings
from xspec_ros.nodes.running import run_node
from xspec_ros.perception.harvest import Harvest
from xspec_ros.perception.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rclpy.parameter import Parameter

    from xspec_ros.perception.silence import GraphView

CHECK_EVERY_S = 0.25
CHECKS_A_DIAGNOSIS = 4


class RecordPairsNode(Node):
    """Translates between ROS, the harvest and the recorder; holds no logic of its own.

    Args:
        cli_args: ROS arguments of this node alone, on top of the process's.

    Attributes:
        ended: Never set: the node runs until it is told to end.
        exit_code: Exit status of the process.
        harvest: What is kept.
        recorder: What is written.
    """

    def __init__(self, cli_args: Sequence[str] | None = None) -> None:
        super().__init__('record_pairs', cli_args=cli_args)
        self.ended = Event()
        self.exit_code = 0
        declare_parameters(self, RecorderSettings)
        settings = resolve_topics(self, read_parameters(self, RecorderSettings))
        self.recorder = open_recorder(
            settings.out,
            budget_mb=settings.budget_mb,
            split_mb=settings.split_mb,
            min_free_mb=settings.min_free_mb,
        )
        self.harvest = Harvest(settings, self.recorder.offer, start_ns=perf_counter_ns())
        self._lock = RLock()
        self._checks = 0
        self._levels: dict[str, tuple[int, int]] = {}
        self._inputs = HarvestInputs(self, settings, harvest=self.harvest, lock=self._lock)
        self.add_on_set_parameters_callback(self._change)
        self._diagnostics = self.create_publisher(DiagnosticArray, DIAGNOSTICS, LIST)
        self.create_service(Trigger, '~/trigger', self._trigger)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(CHECK_EVERY_S, self._check, clock=steady)
        self.get_logger().info(f'keeping pairs by {settings.keep_by} in {settings.out}')

    def close(self) -> None:
        """Unsubscribe, decide what waits and end the bag."""
        self._inputs.close()
        with self._lock:
            self.harvest.flush(perf_counter_ns())
        self.recorder.close()
        state = self.recorder.state()
        where = f' in {state.files} files, the last {state.path}' if state.files else ''
        self.get_logger().info(f'{state.pairs} pairs recorded{where}')

    def _trigger(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:  # noqa: ARG002 - a service's signature
        try:
            with self._lock:
                earlier = self.harvest.trigger()
                following = self.harvest.settings.trigger_pairs
        except ConfigError as error:
            response.message = str(error)
            return response
        failure = self.recorder.state().failure
        response.success = not failure
        response.message = failure or f'{earlier} earlier pairs kept, {following} to follow'
        return response

    def _change(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Take or refuse changed parameters, with the reason."""
        known = {each.name: each.change for each in parameters_of(RecorderSettings)}
        changes = {each.name: each.value for each in parameters if each.name in known}
        fixed = [name for name in changes if known[name] != 'live']
        if fixed:
            reason = f'{", ".join(fixed)}: fixed while recording; start again to change it'
            return SetParametersResult(successful=False, reason=reason)
        try:
            settings = resolve_topics(self, read_parameters(self, RecorderSettings, changes))
            with self._lock:
                self.harvest.apply(settings, perf_counter_ns())
        except XspecError as error:
            self.get_logger().error(f'parameters refused: {error}')
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _check(self) -> None:
        graph = self._inputs.look()
        with self._lock:
            self.harvest.settle(perf_counter_ns())
        self._checks += 1
        if self._checks % CHECKS_A_DIAGNOSIS == 0:
            self._diagnose(graph)

    def _diagnose(self, graph: GraphView) -> None:
        recording = self.recorder.state()
        node = self.get_fully_qualified_name().removeprefix('/')
        with self._lock:
            statuses = recorder_statuses(
                self.harvest, recording, perf_counter_ns(), graph=graph, node=node
            )
        stamp_ns = self.get_clock().now().nanoseconds
        self._diagnostics.publish(encode_diagnostics(statuses, stamp_ns=stamp_ns))
        for status in statuses:
            # Told when it has stood for two diagnoses: discovery takes its time.
            stood, told = self._levels.get(status.name, (OK, OK))
            due = min(stood, status.level) > told
            if due:
                self.get_logger().warning(status.message)
            told = status.level if due else min(told, status.level)
            self._levels[status.name] = status.level, told


def main() -> int:
    """Run the node as a process."""
    return run_node(RecordPairsNode)


if __name__ == '__main__':
    sys.exit(main())
