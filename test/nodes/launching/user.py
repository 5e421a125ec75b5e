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

"""What the launch tests share: a user on the graph who films and waits."""

from __future__ import annotations

import os
from pathlib import Path

from conftest import Graph
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_testing.actions import ReadyToTest
from lifecycle_msgs.srv import GetState
import numpy as np
from rcl_interfaces.srv import GetParameters
import rclpy
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from xspec_ros.messages.image import decode_image_message, encode_image

SHARE = Path(os.environ['SHARE'])
HW = (96, 120)
PERIOD_S = 0.05
DEADLINE_S = 60.0


def describe(name: str, **arguments: str) -> LaunchDescription:
    """Return a launch file of the package, started with arguments, and the mark to test it."""
    source = PythonLaunchDescriptionSource(str(SHARE / 'launch' / name))
    included = IncludeLaunchDescription(source, launch_arguments=arguments.items())
    return LaunchDescription([included, ReadyToTest()])


class User:
    """A node beside those under test."""

    def __init__(self) -> None:
        rclpy.init()
        self.graph = Graph()
        self._stamp_ns = 10**9

    def film(self, topic: str, *, colour: bool = False) -> None:
        """Publish thermal pictures, or colour ones, from now on."""
        publisher = self.graph.user.create_publisher(Image, topic, qos_profile_sensor_data)
        rng = np.random.default_rng(0)

        def shoot() -> None:
            self._stamp_ns += round(PERIOD_S * 1e9)
            image = rng.integers(7000, 9000, HW, np.uint16)
            encoding = 'mono16'
            if colour:
                image, encoding = rng.integers(0, 255, (*HW, 3), np.uint8), 'rgb8'
            publisher.publish(
                encode_image(image, stamp_ns=self._stamp_ns, frame_id='eye', encoding=encoding)
            )

        self.graph.user.create_timer(PERIOD_S, shoot)

    def state_of(self, node: str) -> str:
        """Return the state of a lifecycle node."""
        answer = self.graph.call(GetState, f'{node}/get_state', GetState.Request())
        return str(answer.current_state.label)

    def parameter_of(self, node: str, name: str) -> object:
        """Return one parameter of a node."""
        request = GetParameters.Request(names=[name])
        answer = self.graph.call(GetParameters, f'{node}/get_parameters', request)
        return parameter_value_to_python(answer.values[0])

    def sees(self, topic: str, count: int = 3) -> bool:
        """Wait for pictures of the size of the camera's."""
        self.graph.listen(Image, topic)
        heard = self.graph.heard[topic]
        if not self.graph.wait_until(lambda: len(heard) >= count, DEADLINE_S):
            return False
        image = decode_image_message(heard[-1], max_bytes=1 << 20)
        return (image.height, image.width) == HW

    def close(self) -> None:
        """Leave the graph."""
        self.graph.close()
        rclpy.shutdown()
