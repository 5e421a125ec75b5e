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

"""The time between activate and deactivate: cameras in, results out, and what to tell the user."""

from __future__ import annotations

from copy import copy
from functools import partial
from threading import Lock
from time import perf_counter_ns
from typing import TYPE_CHECKING

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from sensor_msgs.msg import CameraInfo

from xspec_ros.nodes.inputs import CameraInput, graph_view, publications
from xspec_ros.nodes.qos import SENSOR
from xspec_ros.perception.buffers import receive_buffer_bytes
from xspec_ros.perception.calibration import calibration_topic
from xspec_ros.perception.live import LiveRunner
from xspec_ros.perception.monitor import Monitor
from xspec_ros.perception.notices import Notice
from xspec_ros.perception.pipeline import Pipeline

if TYPE_CHECKING:
    from rclpy.lifecycle import LifecycleNode

    from xspec_ros.core.frame import Modality
    from xspec_ros.errors import EngineError
    from xspec_ros.messages.diagnostics import Status
    from xspec_ros.nodes.outputs import Outputs
    from xspec_ros.nodes.settings import NodeSettings
    from xspec_ros.perception.perception import Perception
    from xspec_ros.perception.settings import InputSettings
    from xspec_ros.perception.silence import GraphView

TWINS_AFTER_NS = 2_000_000_000


class Stream:
    """Cameras in, results out, between activate and deactivate.

    Args:
        node: The node.
        settings: Its parameters, topics resolved.
        perception: The model; from here on the pipeline's.
        outputs: Enabled publishers.
    """

    def __init__(
        self,
        node: LifecycleNode,
        settings: NodeSettings,
        perception: Perception,
        outputs: Outputs,
    ) -> None:
        self.node = node
        self.outputs = outputs
        self.pipeline = Pipeline(settings, perception)
        self._started_ns = perf_counter_ns()
        self._looked_for_twins = False
        self._checking = Lock()
        self._closed = False
        self.monitor = Monitor(
            self.pipeline,
            started_ns=self._started_ns,
            granted=receive_buffer_bytes(),
            node=node.get_fully_qualified_name().removeprefix('/'),
        )
        outputs.publish(self.pipeline.latched())
        self.runner = LiveRunner(self.pipeline, outputs.answer, relabelled=outputs.publish)
        # Both cameras in one group: the pipeline takes one message at a time.
        group = MutuallyExclusiveCallbackGroup()
        cameras: tuple[tuple[Modality, InputSettings], ...] = (
            ('thermal', settings.thermal),
            ('rgb', settings.rgb),
        )
        self.inputs = [
            CameraInput(node, name, chosen, take=self._take, group=group)
            for name, chosen in cameras
        ]
        self._calibrations = [
            node.create_subscription(
                CameraInfo,
                calibration_topic(chosen.topic),
                partial(self.pipeline.intake.calibrate, name),
                copy(SENSOR),
                callback_group=group,
                raw=True,
            )
            for name, chosen in cameras
        ]

    @property
    def failure(self) -> EngineError | None:
        """The engine failure that ended the inference, if one did."""
        return self.runner.failure

    def check(self) -> list[Notice]:
        """Return what the user should be told now; a few times a second."""
        with self._checking:
            return [] if self._closed else self._check()

    def _check(self) -> list[Notice]:
        if self.pipeline.settings.mode == 'fused':
            self.runner.advance(self._now_ns())
        simulated = self.node.get_parameter('use_sim_time').value
        clock_ns = self._now_ns() if simulated else None
        now_ns = perf_counter_ns()
        return [*self.monitor.check(now_ns, self._look, clock_ns=clock_ns), *self._twin(now_ns)]

    def _twin(self, now_ns: int) -> list[Notice]:
        """Tell, once discovery has settled, that another node publishes the same results."""
        if self._looked_for_twins or now_ns - self._started_ns < TWINS_AFTER_NS:
            return []
        self._looked_for_twins = True
        if not self.outputs.twins():
            return []
        name = self.node.get_fully_qualified_name()
        text = f'another node publishes the results of {name}: give one of them another name'
        notice = Notice(level='error', kind='twin', text=text)
        self.monitor.note(notice)
        return [notice]

    def statuses(self) -> list[Status]:
        """Return the state of every part for ``/diagnostics``."""
        return self.monitor.statuses(perf_counter_ns())

    def clock_jumped(self) -> None:
        """Begin a new epoch: the node's clock went back."""
        self.runner.restart(self._now_ns())

    def close(self) -> None:
        """Unsubscribe, answer what waits, end the inference thread."""
        with self._checking:  # a look at the graph may subscribe
            self._closed = True
        for camera in self.inputs:
            camera.close()
        for subscription in self._calibrations:
            self.node.destroy_subscription(subscription)
        self.runner.close()

    def _take(self, name: Modality, type_name: str, cdr: bytes) -> None:
        self.monitor.heard(name, len(cdr))
        self.runner.submit(name, type_name, cdr, perf_counter_ns(), self._now_ns())

    def _now_ns(self) -> int:
        return int(self.node.get_clock().now().nanoseconds)

    def _look(self) -> GraphView:
        settings = self.pipeline.settings
        seen = publications(self.node, (settings.thermal.topic, settings.rgb.topic))
        for camera in self.inputs:
            camera.discover(seen)
        return graph_view(self.inputs, seen)
