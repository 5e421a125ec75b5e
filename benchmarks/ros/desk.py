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

"""The user's side of the graph: a node that listens, calls services and sets parameters."""

from __future__ import annotations

from collections import defaultdict
import os
from threading import Condition, Thread
from time import monotonic, monotonic_ns
from typing import Any, TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions

from benchmarks.ros.processes import surroundings
from xspec_ros.messages.diagnostics import decode_diagnostics
from xspec_ros.messages.topics import DIAGNOSTICS

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspec_ros.messages.diagnostics import Status

CALL_S = 60.0
POLL_S = 0.05
ACTIVE = 'active'
TRANSITIONS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'activate': Transition.TRANSITION_ACTIVATE,
    'deactivate': Transition.TRANSITION_DEACTIVATE,
    'cleanup': Transition.TRANSITION_CLEANUP,
    'shutdown': Transition.TRANSITION_ACTIVE_SHUTDOWN,
}


class Desk:
    """A node with an executor of its own; use it as a context manager.

    Args:
        domain: DDS domain.
        watched: Name of the node that is looked after.
    """

    def __init__(self, domain: int, watched: str = 'perception') -> None:
        os.environ.update(surroundings(domain))  # the interface too: it must be the children's
        rclpy.init(domain_id=domain, signal_handler_options=SignalHandlerOptions.NO)
        self.watched = watched
        self.heard: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        self.diagnoses: list[tuple[int, tuple[Status, ...]]] = []
        self.node: Any = rclpy.create_node('desk')
        self._changed = Condition()
        self._executor = MultiThreadedExecutor(num_threads=4)
        self._executor.add_node(self.node)
        self._clients: dict[str, Any] = {}
        self.node.create_subscription(
            DiagnosticArray, DIAGNOSTICS, self._diagnose, QoSProfile(depth=100), raw=True
        )
        self._spinner = Thread(target=self._executor.spin, daemon=True)
        self._spinner.start()

    def __enter__(self) -> Desk:
        """Return the desk itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the graph."""
        self._executor.shutdown()
        self._spinner.join()
        self.node.destroy_node()
        rclpy.shutdown()

    def listen(self, kind: object, topic: str, *, latched: bool = False) -> object:
        """Collect the messages of a topic as bytes, with their time of arrival.

        Args:
            kind: Message class.
            topic: Its name.
            latched: Also ask for what was published before.
        """
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        qos = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=durability)
        found: object = self.node.create_subscription(
            kind, topic, lambda cdr: self._take(topic, cdr), qos, raw=True
        )
        return found

    def wait_until(self, done: Callable[[], bool], timeout_s: float = CALL_S) -> bool:
        """Wait until something holds; False when the time ran out."""
        end_s = monotonic() + timeout_s
        with self._changed:
            while not done():
                if monotonic() > end_s:
                    return False
                self._changed.wait(POLL_S)
        return True

    def values(self, part: str) -> dict[str, str]:
        """Return the newest figures of a part in the diagnostics, empty while there are none."""
        for _, statuses in reversed(self.diagnoses):
            for status in statuses:
                if status.name == f'{self.watched}: {part}':
                    return dict(status.values)
        return {}

    def fresh_values(self, part: str) -> dict[str, str]:
        """Return the figures of a diagnosis that is yet to come."""
        seen = len(self.diagnoses)
        self.wait_until(lambda: len(self.diagnoses) > seen + 1, 10.0)
        return self.values(part)

    def state(self) -> str:
        """Return the lifecycle state of the watched node."""
        answer = self.call(GetState, f'/{self.watched}/get_state', GetState.Request())
        return str(answer.current_state.label)

    def wait_active(self, timeout_s: float = CALL_S) -> bool:
        """Wait until the watched node says that it is active."""

        def is_active() -> bool:
            last = self.diagnoses[-1][1] if self.diagnoses else ()
            name = f'{self.watched}: lifecycle'
            return any(each.name == name and each.message == ACTIVE for each in last)

        return self.wait_until(is_active, timeout_s)

    def wait_subscribed(self, topic: str, timeout_s: float = CALL_S) -> bool:
        """Wait until somebody listens on a topic; False when the time ran out."""
        return self.wait_until(lambda: self.node.count_subscribers(topic) > 0, timeout_s)

    def change(self, transition: str | int) -> bool:
        """Ask for a transition by name or number; return whether it was made."""
        number = TRANSITIONS[transition] if isinstance(transition, str) else transition
        request = ChangeState.Request(transition=Transition(id=number))
        answer = self.call(ChangeState, f'/{self.watched}/change_state', request)
        return bool(answer.success)

    def ask(self, transition: str) -> None:
        """Ask for a transition and do not wait for the answer."""
        client = self._client(ChangeState, f'/{self.watched}/change_state')
        number = TRANSITIONS[transition]
        client.call_async(ChangeState.Request(transition=Transition(id=number)))

    def set_parameter(self, name: str, value: object) -> tuple[bool, str]:
        """Set a parameter; return whether it was taken, and why not."""
        parameters = [Parameter(name, value=value).to_parameter_msg()]
        request = SetParameters.Request(parameters=parameters)
        answer = self.call(SetParameters, f'/{self.watched}/set_parameters', request)
        return bool(answer.results[0].successful), str(answer.results[0].reason)

    def call(self, kind: Any, name: str, request: object) -> Any:  # noqa: ANN401 - untyped rclpy
        """Call a service and return its answer.

        Raises:
            TimeoutError: Nobody answers.
        """
        future = self._client(kind, name).call_async(request)
        if not self.wait_until(future.done):
            raise TimeoutError(name)
        return future.result()

    def _client(self, kind: Any, name: str) -> Any:  # noqa: ANN401 - untyped rclpy
        client = self._clients.get(name) or self.node.create_client(kind, name)
        self._clients[name] = client
        if not client.wait_for_service(CALL_S):
            raise TimeoutError(name)
        return client

    def _take(self, topic: str, cdr: bytes) -> None:
        with self._changed:
            self.heard[topic].append((monotonic_ns(), cdr))
            self._changed.notify_all()

    def _diagnose(self, cdr: bytes) -> None:
        with self._changed:
            self.diagnoses.append((monotonic_ns(), decode_diagnostics(cdr)))
            self._changed.notify_all()
