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

"""Cameras that do what cameras do wrong: wrong topic, type, QoS, stamps, or a sudden silence."""

from __future__ import annotations

from threading import Event, Thread
from time import time_ns
from typing import Any, TYPE_CHECKING

import numpy as np
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image, PointCloud2

from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import RGB, THERMAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

PERIOD_S = 0.05
HW = (128, 160)
NS_PER_MS = 1_000_000


class FakeCamera:
    """Publishes pictures until it is told not to; use it as a context manager.

    Args:
        node: The node that publishes.
        topic: Where.
        encoding: Of the pictures; one of six letters that nobody knows will do, too.
        reliable: Offered reliability.
        late_ms: Added to the stamps.
        kind: Message class that is announced; other ones than images are never sent.
    """

    def __init__(
        self,
        node: Any,  # noqa: ANN401 - rclpy is untyped
        topic: str,
        *,
        encoding: str = 'mono16',
        reliable: bool = True,
        late_ms: float = 0.0,
        kind: type = Image,
    ) -> None:
        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        self._node = node
        self._publisher = node.create_publisher(
            kind, topic, QoSProfile(depth=5, reliability=reliability)
        )
        self._draw = _painter(encoding, round(late_ms * NS_PER_MS))
        self._silent = Event()
        self._ended = Event()
        self._thread = Thread(target=self._work, daemon=True)
        if kind is Image:
            self._thread.start()

    def __enter__(self) -> FakeCamera:
        """Return the camera itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Unplug it."""
        self.close()

    def fall_silent(self) -> None:
        """Send nothing from now on; the publisher stays."""
        self._silent.set()

    def close(self) -> None:
        """Send nothing from now on and leave the graph."""
        if not self._ended.is_set():
            self._ended.set()
            if self._thread.is_alive():
                self._thread.join()
            self._node.destroy_publisher(self._publisher)

    def _work(self) -> None:
        index = 0
        while not self._ended.wait(PERIOD_S):
            if not self._silent.is_set():
                self._publisher.publish(self._draw(index))
                index += 1


def thermal_camera(node: object, **options: Any) -> FakeCamera:  # noqa: ANN401 - passed on
    """Return a camera on the thermal topic."""
    return FakeCamera(node, THERMAL, **options)


def rgb_camera(node: object, **options: Any) -> FakeCamera:  # noqa: ANN401 - passed on
    """Return a camera on the RGB topic."""
    return FakeCamera(node, RGB, encoding='rgb8', **options)


def cloud(node: object) -> FakeCamera:
    """Return something on the thermal topic that is no camera."""
    return FakeCamera(node, THERMAL, kind=PointCloud2)


def compressed_only(node: object) -> FakeCamera:
    """Return a camera whose only topic carries compressed images under the raw name."""
    return FakeCamera(node, THERMAL, kind=CompressedImage)


def _painter(encoding: str, late_ns: int) -> Callable[[int], bytes]:
    def draw(index: int) -> bytes:
        random = np.random.default_rng(index)
        if encoding == 'rgb8':
            image = random.integers(0, 255, (*HW, 3), np.uint8)
        else:
            image = random.integers(7000, 9000, HW, np.uint16)
        stamp_ns = time_ns() + late_ns
        known = 'rgb8' if encoding == 'rgb8' else 'mono16'
        cdr = encode_image(image, stamp_ns=stamp_ns, frame_id='camera', encoding=known)
        return cdr.replace(known.encode(), encoding.encode(), 1)

    return draw
