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
from xspec_ros.dds.watch import InputWatch
from xspec_ros.messages.topics import COMPRESSED_SUFFIX, COMPRESSED_TYPE, IMAGE_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspec_ros.core.frame import Modality
    from xspec_ros.dds.participant import Bus, Endpoint, Reader
    from xspec_ros.perception.intake import Intake
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
        intake: The pipeline's intake, which meters the camera.
        started_ns: Monotonic time of the start.
    """

    def __init__(
        self,
        bus: Bus,
        name: Modality,
        settings: InputSettings,
        *,
        intake: Intake,
        started_ns: int,
    ) -> None:
        topic = settings.topic
        self.name = name
        self.watch = InputWatch(name, topic, cameras=intake.cameras, rate=intake.rates[name])
        self.readers: list[Reader] = []
        self._bus = bus
        self._auto = settings.transport == 'auto' and not topic.endswith(COMPRESSED_SUFFIX)
        self._raw_until_ns = started_ns + RAW_GRACE_NS
        if self._auto or settings.transport == 'raw':
            self._open(topic, IMAGE_TYPE)
        else:
            packed = topic.removesuffix(COMPRESSED_SUFFIX) + COMPRESSED_SUFFIX
            self._open(packed, COMPRESSED_TYPE)

    def discover(self, publications: Sequence[Endpoint], now_ns: int) -> None:
        """Open the compressed topic when raw images have not shown up and it has."""
        if not self._auto or self.watch.received or now_ns < self._raw_until_ns:
            return
        kinds = {(entry.topic, entry.type_name) for entry in publications if not entry.own}
        topic = self.watch.topic
        if (topic, IMAGE_TYPE) in kinds:
            return
        for candidate in (topic + COMPRESSED_SUFFIX, topic):
            if (candidate, COMPRESSED_TYPE) in kinds:
                self._open(candidate, COMPRESSED_TYPE)
                self._auto = False
                return

    def take(self) -> Iterator[tuple[str, bytes]]:
        """Yield type and bytes of what has arrived, oldest first."""
        for reader in self.readers:
            for cdr in reader.take():
                self.watch.add(len(cdr))
                yield reader.type_name, cdr

    def _open(self, topic: str, type_name: str) -> None:
        self.readers.append(self._bus.reader(topic, type_name, SENSOR))
