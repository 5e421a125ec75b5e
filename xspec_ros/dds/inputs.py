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

"""One camera on the bus: which readers it needs and what became of its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.dds.qos import SENSOR
from xspec_ros.messages.topics import CAMERA_INFO_TYPE, COMPRESSED_TYPE
from xspec_ros.perception.calibration import calibration_topic
from xspec_ros.perception.monitor import InputView
from xspec_ros.perception.transport import compressed_alternative, first_subscription

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspec_ros.core.frame import Modality
    from xspec_ros.dds.participant import Bus, Reader
    from xspec_ros.perception.monitor import Publication
    from xspec_ros.perception.settings import InputSettings

RAW_GRACE_NS = 500_000_000


class CameraInput:
    """The readers of one camera, raw or compressed.

    With transport ``auto`` it listens to raw images at once, and to compressed ones as soon as
    it sees that only those are published.

    Args:
        bus: The bus.
        name: ``rgb`` or ``thermal``.
        settings: Topic and transport.
        started_ns: Monotonic time of the start.
    """

    def __init__(
        self, bus: Bus, name: Modality, settings: InputSettings, *, started_ns: int
    ) -> None:
        self.name = name
        self._bus = bus
        self._settings = settings
        self._readers: list[Reader] = []
        self._is_final = False
        self._raw_until_ns = started_ns + RAW_GRACE_NS
        self._open(*first_subscription(settings))
        topic = calibration_topic(settings.topic)
        self._calibration = bus.reader(topic, CAMERA_INFO_TYPE, SENSOR)

    def discover(self, publications: Sequence[Publication], now_ns: int) -> None:
        """Open the compressed topic when raw images have not shown up and it has."""
        if self._is_final or now_ns < self._raw_until_ns:
            return
        topic = compressed_alternative(self._settings, publications)
        if topic is not None:
            self._open(topic, COMPRESSED_TYPE)
            self._is_final = True

    def take(self) -> Iterator[tuple[str, bytes]]:
        """Yield type and bytes of what has arrived, oldest first."""
        for reader in self._readers:
            for cdr in reader.take():
                self._is_final = True
                yield reader.type_name, cdr

    def take_calibrations(self) -> list[bytes]:
        """Return the calibrations that have arrived, oldest first."""
        return list(self._calibration.take())

    def view(self) -> InputView:
        """Return where it listens and which QoS policies keep publishers away."""
        policies = (reader.incompatible() for reader in self._readers)
        return InputView(
            topics=tuple(reader.topic for reader in self._readers),
            policies=tuple(policy for policy in policies if policy),
        )

    def _open(self, topic: str, type_name: str) -> None:
        self._readers.append(self._bus.reader(topic, type_name, SENSOR))
