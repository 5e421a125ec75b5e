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

"""What the perception node publishes: ready-made CDR bytes on lifecycle publishers."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from xspec_ros.core.health import LogThrottle
from xspec_ros.messages.topics import (
    ANNOTATIONS,
    CONFIDENCE,
    DETECTIONS,
    LABEL_INFO,
    PREFIX,
    SEGMENTATION,
)
from xspec_ros.nodes.lifecycle import RCLError
from xspec_ros.nodes.qos import endpoint, LATCHED, LIST, RESULT
from xspec_ros.perception.pipeline import annotate

try:
    from foxglove_msgs.msg import ImageAnnotations
except ImportError:  # optional: Foxglove draws the boxes only where its messages are installed
    ImageAnnotations = None

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rclpy.lifecycle import LifecycleNode
    from rclpy.qos import QoSProfile

    from xspec_ros.messages.topics import Outgoing
    from xspec_ros.perception.pipeline import Answer

PUBLISHED: tuple[tuple[str, type, QoSProfile], ...] = (
    (SEGMENTATION, Image, RESULT),
    (CONFIDENCE, Image, RESULT),
    (LABEL_INFO, LabelInfo, LATCHED),
    (DETECTIONS, Detection2DArray, LIST),
)


class Outputs:
    """The publishers of all results; any thread may publish.

    Args:
        node: The node that owns them.
    """

    def __init__(self, node: LifecycleNode) -> None:
        published = list(PUBLISHED)
        if ImageAnnotations is not None:
            published.append((ANNOTATIONS, ImageAnnotations, LIST))
        self._node = node
        self._throttle = LogThrottle()
        self._publishers = {
            topic: node.create_lifecycle_publisher(kind, private(topic), **endpoint(qos))
            for topic, kind, qos in published
        }

    def publish(self, messages: Iterable[Outgoing]) -> None:
        """Publish messages as they are; what the middleware refuses is logged, not raised."""
        try:
            for message in messages:
                self._publishers[message.topic].publish(message.cdr)
        except RCLError as error:
            if self._throttle.allows('publish', perf_counter_ns()):
                self._node.get_logger().error(f'results cannot be published: {error}')

    def answer(self, answer: Answer) -> None:
        """Publish the messages of one answer, and annotations where somebody listens."""
        self.publish(answer.messages)
        annotations = self._publishers.get(ANNOTATIONS)
        if annotations is not None and annotations.get_subscription_count():
            self.publish([annotate(answer)])

    def twins(self) -> int:
        """Return how many other publishers say what this node says."""
        topic = self._publishers[SEGMENTATION].topic_name
        return int(self._node.count_publishers(topic)) - 1

    def close(self) -> None:
        """Destroy the publishers."""
        for publisher in self._publishers.values():
            self._node.destroy_lifecycle_publisher(publisher)


def private(topic: str) -> str:
    """Return the private name of one of the node's topics: it follows node name and namespace."""
    return f'~/{topic.removeprefix(PREFIX)}'
