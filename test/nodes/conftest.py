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

"""A ROS graph of its own for every test that needs one."""

from __future__ import annotations

from collections import defaultdict
import os
from threading import Condition, Thread
from typing import Any, TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMEOUT_S = 30.0


class Graph:
    """Nodes under test, and one node of the user's who publishes, listens and calls."""

    def __init__(self) -> None:
        from rclpy.executors import MultiThreadedExecutor
        from rclpy.node import Node

        self.executor = MultiThreadedExecutor(num_threads=6)
        self.user = Node('user')
        self.heard: dict[str, list[bytes]] = defaultdict(list)
        self._changed = Condition()
        self._nodes: list[Any] = []
        self.executor.add_node(self.user)
        self._spinner = Thread(target=self.executor.spin, daemon=True)
        self._spinner.start()

    def add(self, node: Any) -> Any:
        """Run a node; it is closed and destroyed with the graph."""
        self._nodes.append(node)
        self.executor.add_node(node)
        return node

    def listen(self, kind: Any, topic: str, *, latched: bool = False) -> None:
        """Collect the raw messages of a topic under its name."""
        from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        qos = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE, durability=durability)
        self.user.create_subscription(
            kind, topic, lambda cdr: self._take(topic, cdr), qos, raw=True
        )

    def wait_until(self, done: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> bool:
        """Wait until something holds; looked at after every message and now and then."""
        with self._changed:
            for _ in range(int(timeout_s / 0.1)):
                if self._changed.wait_for(done, timeout=0.1):
                    return True
        return done()

    def call(self, kind: Any, name: str, request: Any) -> Any:
        """Call a service and return its answer."""
        client = self.user.create_client(kind, name)
        assert client.wait_for_service(TIMEOUT_S), f'no service {name}'
        future = client.call_async(request)
        assert self.wait_until(future.done), f'{name} does not answer'
        self.user.destroy_client(client)
        return future.result()

    def close(self) -> None:
        """End all nodes."""
        for node in self._nodes:
            node.close()
        self.executor.shutdown()
        self._spinner.join(TIMEOUT_S)
        for node in [*self._nodes, self.user]:
            node.destroy_node()

    def _take(self, topic: str, cdr: bytes) -> None:
        with self._changed:
            self.heard[topic].append(bytes(cdr))
            self._changed.notify_all()


@pytest.fixture
def domain(monkeypatch: pytest.MonkeyPatch) -> int:
    """Return a DDS domain that other processes of this run do not use."""
    number = 1 + os.getpid() % 100
    monkeypatch.setenv('ROS_DOMAIN_ID', str(number))
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    return number


@pytest.fixture
def graph(domain: int) -> Iterator[Graph]:
    import rclpy

    rclpy.init()
    found = Graph()
    yield found
    found.close()
    rclpy.shutdown()
