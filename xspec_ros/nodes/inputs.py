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

"""One camera on the graph: its subscriptions, and what ROS says about them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import message_filters
from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.qos import qos_policy_name_from_kind
from sensor_msgs.msg import CompressedImage, Image

from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE
from xspec_ros.nodes.qos import endpoint, SENSOR
from xspec_ros.perception.silence import GraphView, InputView, sight_causes
from xspec_ros.perception.transport import (
    compressed_alternative,
    first_subscription,
    Publication,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rclpy.callback_groups import CallbackGroup
    from rclpy.event_handler import QoSRequestedIncompatibleQoSInfo
    from rclpy.node import Node

    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.settings import InputSettings

TYPES = {IMAGE_TYPE: Image, COMPRESSED_TYPE: CompressedImage}


class CameraInput:
    """The subscriptions of one camera, raw or compressed; messages come as CDR bytes.

    Args:
        node: The node that subscribes.
        name: ``rgb`` or ``thermal``.
        settings: Topic, resolved, and transport.
        take: Called with camera, type name and bytes of every message.
        group: Callback group, which decides what may run at once.
    """

    def __init__(
        self,
        node: Node,
        name: Modality,
        settings: InputSettings,
        *,
        take: Callable[[Modality, str, bytes], None],
        group: CallbackGroup,
    ) -> None:
        self.name: Modality = name
        self.policies: list[str] = []
        self._node = node
        self._settings = settings
        self._take = take
        self._group = group
        self._subscribers: dict[tuple[str, str], message_filters.Subscriber] = {}
        self._subscribe(*first_subscription(settings))

    def view(self) -> InputView:
        """Return the topics that are listened on and the policies that keep publishers away."""
        topics = tuple(dict.fromkeys(topic for topic, _ in self._subscribers))
        return InputView(topics=topics, policies=tuple(self.policies))

    def discover(self, publications: Sequence[Publication]) -> None:
        """Subscribe to the compressed topic where only that is published."""
        topic = compressed_alternative(self._settings, publications)
        if topic is not None and (topic, COMPRESSED_TYPE) not in self._subscribers:
            self._subscribe(topic, COMPRESSED_TYPE)

    def close(self) -> None:
        """Unsubscribe."""
        for subscriber in self._subscribers.values():
            self._node.destroy_subscription(subscriber.sub)
        self._subscribers.clear()

    def _subscribe(self, topic: str, type_name: str) -> None:
        try:
            events = SubscriptionEventCallbacks(incompatible_qos=self._note_policy)
            subscriber = self._create(topic, type_name, events)
        except UnsupportedEventTypeError:  # a middleware without such events, rmw_zenoh for one
            events = SubscriptionEventCallbacks(use_default_callbacks=False)
            subscriber = self._create(topic, type_name, events)
        subscriber.registerCallback(lambda cdr: self._take(self.name, type_name, cdr))
        self._subscribers[topic, type_name] = subscriber

    def _create(
        self, topic: str, type_name: str, events: SubscriptionEventCallbacks
    ) -> message_filters.Subscriber:
        return message_filters.Subscriber(
            self._node,
            TYPES[type_name],
            topic,
            raw=True,
            callback_group=self._group,
            event_callbacks=events,
            **endpoint(SENSOR),
        )

    def _note_policy(self, event: QoSRequestedIncompatibleQoSInfo) -> None:
        self.policies.append(str(qos_policy_name_from_kind(event.last_policy_kind)).lower())


def publications(node: Node, topics: Sequence[str]) -> list[Publication]:
    """Return what others publish: every image topic, and whatever is on the given topics.

    Args:
        node: The node that looks.
        topics: Names that matter whatever their type.
    """
    own = node.get_name(), node.get_namespace()
    found = []
    for topic, types in node.get_topic_names_and_types():
        if topic in topics or any(type_name in TYPES for type_name in types):
            found += [
                Publication(topic=topic, type_name=info.topic_type)
                for info in node.get_publishers_info_by_topic(topic)
                if (info.node_name, info.node_namespace) != own
            ]
    return found


def graph_view(cameras: Sequence[CameraInput], seen: Sequence[Publication]) -> GraphView:
    """Return what is known of the graph when nothing comes.

    Args:
        cameras: The cameras that are listened to.
        seen: What others publish.
    """
    causes = sight_causes(
        os.environ.get('ROS_DOMAIN_ID', '0') + ', set by ROS_DOMAIN_ID',
        os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE', 'SUBNET'),
        os.environ.get('RMW_IMPLEMENTATION', ''),
    )
    views = {camera.name: camera.view() for camera in cameras}
    return GraphView(inputs=views, publications=seen, causes=causes)
