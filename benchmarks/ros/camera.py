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

"""A publisher node: the camera topics of a bag through rclpy, as a camera driver would.

python -m benchmarks.ros.camera drive.mcap --rate 0.2
"""

from __future__ import annotations

import argparse
from pathlib import Path
import sys
from time import monotonic, sleep
from typing import Any

import rclpy
from rclpy.duration import Duration
from sensor_msgs.msg import Image

from xspec_ros.bag.reader import BagReader
from xspec_ros.messages.topics import RGB, THERMAL

READY_S = 30.0
POLL_S = 0.02
SETTLE_S = 0.5


def publish(bag: Path, rate: float) -> int:
    """Publish thermal and RGB frames in the rhythm in which they were recorded.

    Args:
        bag: The recording.
        rate: Factor on the recorded speed.

    Returns:
        Messages published.
    """
    node: Any = rclpy.create_node('camera')
    publishers = {topic: node.create_publisher(Image, topic, 10) for topic in (RGB, THERMAL)}
    end_s = monotonic() + READY_S
    while not all(each.get_subscription_count() for each in publishers.values()):
        if monotonic() > end_s:
            sys.exit('nobody listens')
        sleep(POLL_S)
    sleep(SETTLE_S)
    number, first_ns, started_s = 0, None, monotonic()
    with BagReader(bag) as reader:
        for record in reader.messages([RGB, THERMAL]):
            first_ns = record.log_ns if first_ns is None else first_ns
            due_s = started_s + (record.log_ns - first_ns) / 1e9 / rate
            sleep(max(0.0, due_s - monotonic()))
            publishers[record.topic].publish(bytes(record.cdr))
            number += 1
    for each in publishers.values():
        each.wait_for_all_acked(Duration(seconds=READY_S))
    sleep(SETTLE_S)
    node.destroy_node()
    return number


def main() -> None:
    """Publish one bag."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('bag', type=Path)
    parser.add_argument('--rate', type=float, default=1.0, help='factor on the recorded speed')
    arguments = parser.parse_args()
    rclpy.init()
    print(publish(arguments.bag, arguments.rate), 'messages')
    rclpy.shutdown()


if __name__ == '__main__':
    main()
