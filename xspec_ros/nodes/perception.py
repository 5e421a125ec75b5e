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

"""The perception node: thermal and RGB images in, segmentation and detections out."""

from __future__ import annotations

import sys
from threading import Event, RLock
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from xspec_ros.errors import XspecError
from xspec_ros.messages.diagnostics import encode_diagnostics
from xspec_ros.messages.topics import DIAGNOSTICS
from xspec_ros.nodes.lifecycle import guarded, lifecycle_status, refuse_bad_transitions, tell
from xspec_ros.nodes.parameters import declare_parameters, read_parameters
from xspec_ros.nodes.qos import LIST
from xspec_ros.nodes.running import run_node
from xspec_ros.nodes.session import Session
from xspec_ros.nodes.settings import NodeSettings
from xspec_ros.perception.parameters import parameters_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rclpy.clock import TimeJump
    from rclpy.lifecycle import LifecycleState
    from rclpy.parameter import Parameter

CHECK_EVERY_S = 0.25
CHECKS_A_DIAGNOSIS = 4


class PerceptionNode(LifecycleNode):
    """Translates between ROS and the pipeline; holds no logic of its own.

    Args:
        cli_args: ROS arguments of this node alone, on top of the process's.

    Attributes:
        changing: Held while the session changes.
        ended: Never set: the node runs until it is told to end.
        exit_code: Exit status of the process.
        fault: Why the last transition was refused; empty after one that was not.
    """

    def __init__(self, cli_args: Sequence[str] | None = None) -> None:
        super().__init__('perception', cli_args=cli_args)
        self.changing = RLock()
        self.ended = Event()
        self.exit_code = 0
        self.fault = ''
        self.session: Session | None = None
        self._checks = 0
        declare_parameters(self, NodeSettings)
        refuse_bad_transitions(self)
        self.add_on_set_parameters_callback(self._change)
        self._diagnostics = self.create_publisher(DiagnosticArray, DIAGNOSTICS, LIST)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        # A group of its own: it goes on telling while a model is being opened.
        self.create_timer(
            CHECK_EVERY_S,
            self._check,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=self._steady,
        )
        back = JumpThreshold(
            min_forward=None, min_backward=Duration(seconds=-0.1), on_clock_change=False
        )
        self._jumps = self.get_clock().create_jump_callback(back, post_callback=self._jumped)
        if self.get_parameter('autostart').value:
            self._soon(self._start)

    @guarded
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters and open the model; fails with the reason in the log."""
        self.session = Session(self, read_parameters(self, NodeSettings))
        self.get_logger().info(f'configured: {self.session.describe()}')
        return super().on_configure(state)

    @guarded
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable the publishers and subscribe."""
        result = super().on_activate(state)
        if self.session is not None:
            self.session.start()
            self.get_logger().info(f'active: listening on {self.session.listens_on()}')
        return result

    @guarded
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe; what was accepted is answered first."""
        if self.session is not None:
            self.session.stop()
        return super().on_deactivate(state)

    @guarded
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model."""
        self._free()
        return super().on_cleanup(state)

    @guarded
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from whatever state."""
        self._free()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything after a fault of our own; the node can be configured again."""
        self._free()
        return super().on_error(state)

    def close(self) -> None:
        """End the work; the process is about to leave."""
        with self.changing:
            self._free()

    def _free(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            session.close()

    def _soon(self, work: Callable[[], None]) -> None:
        """Do something once, where services are served: transitions come one at a time."""

        def once() -> None:
            self.destroy_timer(timer)
            work()

        timer = self.create_timer(0.0, once, clock=self._steady)

    def _start(self) -> None:
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def _give_up(self) -> None:
        """Deactivate: the engine has failed again and again."""
        stream = self.session.stream if self.session is not None else None
        if stream is not None and stream.failure is not None:
            reason = f'inference given up: {stream.failure}'
            self.trigger_deactivate()
            self.fault = reason
            self.get_logger().error(reason)

    def _change(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Take or refuse changed parameters, with the reason."""
        known = {parameter.name: parameter.change for parameter in parameters_of(NodeSettings)}
        changes = {each.name: each.value for each in parameters if each.name in known}
        fixed = [name for name in changes if known[name] != 'live']
        try:
            with self.changing:
                settings = read_parameters(self, NodeSettings, changes)
                if self.session is not None and fixed:
                    reason = f'{", ".join(fixed)}: fixed while configured; cleanup, then set it'
                    return SetParametersResult(successful=False, reason=reason)
                if self.session is not None and changes:
                    self.session.change(settings, swap='model' in changes)
        except XspecError as error:
            self.get_logger().error(f'parameters refused: {error}')
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _jumped(self, jump: TimeJump) -> None:  # noqa: ARG002 - rclpy's signature
        stream = self.session.stream if self.session is not None else None
        if stream is not None:
            stream.clock_jumped()

    def _check(self) -> None:
        stream = self.session.stream if self.session is not None else None
        for notice in stream.check() if stream is not None else ():
            tell(self, notice)
        if stream is not None and stream.failure is not None:
            self._soon(self._give_up)
        self._checks += 1
        if self._checks % CHECKS_A_DIAGNOSIS == 0:
            stamp_ns = self.get_clock().now().nanoseconds
            active = stream is not None
            statuses = [
                lifecycle_status(self, active=active),
                *(stream.statuses() if stream is not None else ()),
            ]
            self._diagnostics.publish(encode_diagnostics(statuses, stamp_ns=stamp_ns))


def main() -> int:
    """Run the node as a process."""
    return run_node(PerceptionNode)


if __name__ == '__main__':
    sys.exit(main())
