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

from functools import partial
import sys
from threading import Event
from typing import TYPE_CHECKING

import msgspec
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from xspec_ros.messages.topics import DETECTIONS, LABEL_INFO, SEGMENTATION
from xspec_ros.messages.topics import OVERLAY as OVERLAY_TOPIC
from xspec_ros.nodes.bridge import PictureEncoder
from xspec_ros.nodes.inputs import CameraInput, publications
from xspec_ros.nodes.overlay_settings import OverlaySettings
from xspec_ros.nodes.parameters import declare_parameters, read_parameters, relative
from xspec_ros.nodes.qos import endpoint, LATCHED, LIST, PICTURE, RESULT
from xspec_ros.nodes.running import run_node
from xspec_ros.perception.live_overlay import LiveOverlay
from xspec_ros.perception.live_overlay import PICTURE as PICTURE_PART

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rclpy.qos import QoSProfile
    from rclpy.subscription import Subscription

    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.live_overlay import Drawn

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
        self._camera: CameraInput | None = None
        self._inputs: list[Subscription] = []
        self._looks = 0
        self._pictures = self.create_publisher(Image, relative(OVERLAY_TOPIC), **endpoint(PICTURE))
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
        if self.overlay is not None and self._camera is not None:
            self._look_closer(self.overlay, self._camera)

    def _look_closer(self, overlay: LiveOverlay, camera: CameraInput) -> None:
        topics = camera.view().topics
        if not overlay.counts[PICTURE_PART]:
            camera.discover(publications(self, topics))
        lack = overlay.lack()
        if lack and self._looks == LOOKS_BEFORE_TOLD:
            heard = ', '.join((*topics, *(each.topic_name for each in self._inputs)))
            self.get_logger().warning(f'nothing is drawn: {lack}; listening on {heard}')

    def _start(self) -> None:
        chosen = self._settings
        self._looks = 0
        self.overlay = LiveOverlay(
            reference=chosen.reference, score_threshold=chosen.score_threshold
        )
        camera = chosen.rgb if chosen.reference == 'rgb' else chosen.thermal
        topic = self.resolve_topic_name(camera.topic)
        self._camera = CameraInput(
            self,
            chosen.reference,
            msgspec.structs.replace(camera, topic=topic),
            take=self._take_picture,
            group=self.default_callback_group,
        )
        for each, message, qos in (
            (SEGMENTATION, Image, RESULT),
            (DETECTIONS, Detection2DArray, LIST),
        ):
            self._subscribe(message, relative(each), qos, partial(self._take, each))
        self._subscribe(LabelInfo, relative(LABEL_INFO), LATCHED, self.overlay.take_labels)

    def _stop(self) -> None:
        if self._camera is not None:
            self._camera.close()
        for subscription in self._inputs:
            self.destroy_subscription(subscription)
        self._inputs.clear()
        self._camera = self.overlay = None

    def _subscribe(
        self, kind: type, topic: str, qos: QoSProfile, take: Callable[[bytes], None]
    ) -> None:
        self._inputs.append(self.create_subscription(kind, topic, take, raw=True, **endpoint(qos)))

    def _take_picture(self, _: Modality, type_name: str, cdr: bytes) -> None:
        if self.overlay is not None:
            self._publish(self.overlay.take_picture(type_name, cdr))

    def _take(self, part: str, cdr: bytes) -> None:
        if self.overlay is not None:
            self._publish(self.overlay.take(part, cdr))

    def _publish(self, drawn: Drawn | None) -> None:
        if drawn is not None:
            self._pictures.publish(
                self.encoder.encode(
                    drawn.picture, stamp_ns=drawn.stamp_ns, frame_id=drawn.frame_id
                )
            )


def main() -> int:
    """Run the node as a process."""
    return run_node(OverlayNode)


if __name__ == '__main__':
    sys.exit(main())
