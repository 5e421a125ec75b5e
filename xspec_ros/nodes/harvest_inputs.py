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

"""What the recorder listens on: images, calibrations and confidence maps, as CDR bytes."""

from __future__ import annotations

from functools import partial
from time import perf_counter_ns
from typing import TYPE_CHECKING

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from sensor_msgs.msg import CameraInfo, Image

from xspec_ros.messages.topics import CAMERA_INFO_TYPE
from xspec_ros.nodes.inputs import CameraInput, graph_view, publications
from xspec_ros.nodes.qos import endpoint, SENSOR
from xspec_ros.perception.calibration import calibration_topic
from xspec_ros.perception.harvest import MODALITIES
from xspec_ros.perception.shots import CameraMessage, picture_topic

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import RLock

    from rclpy.node import Node

    from xspec_ros.core.frame import Modality
    from xspec_ros.nodes.recorder_settings import RecorderSettings
    from xspec_ros.perception.harvest import Harvest
    from xspec_ros.perception.silence import GraphView


class HarvestInputs:
    """Subscribes to everything a harvest takes and hands it on, one message at a time.

    Args:
        node: The node that subscribes.
        settings: Its parameters, topics resolved.
        harvest: Takes the messages.
        lock: Held while it does.
    """

    def __init__(
        self, node: Node, settings: RecorderSettings, *, harvest: Harvest, lock: RLock
    ) -> None:
        self._node = node
        self._settings = settings
        self._harvest = harvest
        self._lock = lock
        self._group = MutuallyExclusiveCallbackGroup()
        self._cameras = []
        for name in MODALITIES:
            chosen = getattr(settings, name)
            camera = CameraInput(node, name, chosen, take=self._take, group=self._group)
            self._cameras.append(camera)
            topic = calibration_topic(chosen.topic)
            self._listen(CameraInfo, topic, partial(self._take_info, name, topic))
        if settings.keep_by == 'uncertainty':
            self._listen(Image, settings.confidence.topic, self._take_confidence)

    def look(self) -> GraphView:
        """Look for publishers while a camera has not been heard; subscribe to what is found."""
        seen = []
        if not all(self._harvest.counts.received[name] for name in MODALITIES):
            seen = publications(
                self._node, (self._settings.rgb.topic, self._settings.thermal.topic)
            )
            for camera in self._cameras:
                camera.discover(seen)
        return graph_view(self._cameras, seen)

    def close(self) -> None:
        """Unsubscribe from the cameras."""
        for camera in self._cameras:
            camera.close()

    def _listen(self, kind: type, topic: str, take: Callable[[bytes], None]) -> None:
        self._node.create_subscription(
            kind,
            topic,
            take,
            raw=True,
            callback_group=self._group,
            **endpoint(SENSOR),
        )

    def _take(self, name: Modality, type_name: str, cdr: bytes) -> None:
        topic = picture_topic(getattr(self._settings, name).topic, type_name)
        with self._lock:
            self._harvest.accept(name, self._message(topic, type_name, cdr), perf_counter_ns())

    def _take_info(self, name: Modality, topic: str, cdr: bytes) -> None:
        with self._lock:
            self._harvest.accept_info(name, self._message(topic, CAMERA_INFO_TYPE, cdr))

    def _take_confidence(self, cdr: bytes) -> None:
        with self._lock:
            self._harvest.accept_confidence(cdr, perf_counter_ns())

    def _message(self, topic: str, type_name: str, cdr: bytes) -> CameraMessage:
        arrived_ns = self._node.get_clock().now().nanoseconds
        return CameraMessage(topic=topic, type_name=type_name, cdr=cdr, arrived_ns=arrived_ns)
