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

"""The overlay node: answers drawn over their pictures, for people, while somebody looks."""

from __future__ import annotations

from copy import copy
from functools import partial
import sys
from threading import Event
from typing import TYPE_CHECKING

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from xspec_ros.messages.topics import COMPRESSED_SUFFIX, DETECTIONS, LABEL_INFO, SEGMENTATION
from xspec_ros.messages.topics import OVERLAY as OVERLAY_TOPIC
from xspec_ros.nodes.bridge import PictureEncoder
from xspec_ros.nodes.overlay_settings import OverlaySettings
from xspec_ros.nodes.parameters import declare_parameters, read_parameters
from xspec_ros.nodes.qos import LATCHED, LIST, overridable, PICTURE, RESULT, SENSOR
from xspec_ros.nodes.running import run_node
from xspec_ros.perception.live_overlay import LiveOverlay
from xspec_ros.perception.live_overlay import PICTURE as PICTURE_PART

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rclpy.qos import QoSProfile
    from rclpy.subscription import Subscription

LOOK_EVERY_S = 0.25
LOOKS_BEFORE_TOLD = 12  # 3 s


class OverlayNode(Node):
    """Subscribes and draws only while its picture has subscribers.

    Args:
        cli_args: ROS arguments of this node alone, on top of the process's.

    Attributes:
        ended: Never set: the node runs until it is told to end.
        exit_code: Exit status of the process.
        overlay: What draws now; None while nobody looks.
        encoder: Makes the messages.
    """

    def __init__(self, cli_args: Sequence[str] | None = None) -> None:
        super().__init__('overlay', cli_args=cli_args)
        declare_parameters(self, OverlaySettings)
        self.ended = Event()
        self.exit_code = 0
        self.overlay: LiveOverlay | None = None
        self.encoder = PictureEncoder(self.get_logger())
        self._settings = read_parameters(self, OverlaySettings)
        self._inputs: list[Subscription] = []
        self._looks = 0
        self._pictures = self.create_publisher(
            Image, relative(OVERLAY_TOPIC), copy(PICTURE), qos_overriding_options=overridable()
        )
        self.create_timer(LOOK_EVERY_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def close(self) -> None:
        """Unsubscribe."""
        self._stop()

    def _look(self) -> None:
        """Start or stop by the number of subscribers; tell once what is missing."""
        watched = self._pictures.get_subscription_count() > 0
        if watched and self.overlay is None:
            self._start()
        elif not watched and self.overlay is not None:
            self._stop()
        self._looks += 1
        if self.overlay is not None and self._looks == LOOKS_BEFORE_TOLD:
            lack = self.overlay.lack()
            if lack:
                topics = ', '.join(each.topic_name for each in self._inputs)
                self.get_logger().warning(f'nothing is drawn: {lack}; listening on {topics}')

    def _start(self) -> None:
        chosen = self._settings
        compressed = chosen.transport == 'compressed'
        self._looks = 0
        self.overlay = LiveOverlay(
            reference=chosen.reference,
            compressed=compressed,
            score_threshold=chosen.score_threshold,
        )
        topic = f'{chosen.reference}/image_raw' + (COMPRESSED_SUFFIX if compressed else '')
        kind = CompressedImage if compressed else Image
        self._subscribe(kind, topic, SENSOR, partial(self._take, PICTURE_PART))
        for each, message, qos in (
            (SEGMENTATION, Image, RESULT),
            (DETECTIONS, Detection2DArray, LIST),
        ):
            self._subscribe(message, relative(each), qos, partial(self._take, each))
        self._subscribe(LabelInfo, relative(LABEL_INFO), LATCHED, self.overlay.take_labels)

    def _stop(self) -> None:
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs.clear()
        self.overlay = None

    def _subscribe(
        self, kind: type, topic: str, qos: QoSProfile, take: Callable[[bytes], None]
    ) -> None:
        # A copy: rclpy writes what qos_overrides say into the profile.
        options = {'raw': True, 'qos_overriding_options': overridable()}
        self._inputs.append(self.create_subscription(kind, topic, take, copy(qos), **options))

    def _take(self, part: str, cdr: bytes) -> None:
        drawn = self.overlay.take(part, cdr) if self.overlay is not None else None
        if drawn is not None:
            self._pictures.publish(
                self.encoder.encode(
                    drawn.picture, stamp_ns=drawn.stamp_ns, frame_id=drawn.frame_id
                )
            )


def relative(topic: str) -> str:
    """Return a topic as names in a node are written, so that namespaces apply."""
    return topic.removeprefix('/')


def main() -> int:
    """Run the node as a process."""
    return run_node(OverlayNode)


if __name__ == '__main__':
    sys.exit(main())
