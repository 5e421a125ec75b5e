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

"""What perception says on the bus: results, labels for late joiners, diagnostics."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from xspec_ros.dds.qos import LATCHED, LIST, Profile, RESULT
from xspec_ros.messages.topics import (
    ANNOTATIONS,
    ANNOTATIONS_TYPE,
    CONFIDENCE,
    DETECTIONS,
    DETECTIONS_TYPE,
    DIAGNOSTICS,
    DIAGNOSTICS_TYPE,
    IMAGE_TYPE,
    LABEL_INFO,
    LABEL_INFO_TYPE,
    Outgoing,
    SEGMENTATION,
)
from xspec_ros.perception.pipeline import annotate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspec_ros.dds.participant import Bus
    from xspec_ros.perception.pipeline import Answer

PUBLISHED: tuple[tuple[str, str, Profile], ...] = (
    (SEGMENTATION, IMAGE_TYPE, RESULT),
    (CONFIDENCE, IMAGE_TYPE, RESULT),
    (LABEL_INFO, LABEL_INFO_TYPE, LATCHED),
    (DETECTIONS, DETECTIONS_TYPE, LIST),
    (ANNOTATIONS, ANNOTATIONS_TYPE, LIST),
    (DIAGNOSTICS, DIAGNOSTICS_TYPE, LIST),
)


class Outputs:
    """The writers of all outputs; any thread may publish.

    Args:
        bus: The bus.
    """

    def __init__(self, bus: Bus) -> None:
        self.late = 0
        self._lock = Lock()
        self._writers = {
            topic: bus.writer(topic, type_name, profile) for topic, type_name, profile in PUBLISHED
        }

    def publish(self, messages: Iterable[Outgoing]) -> None:
        """Write messages; what a stuck reader holds up is left out and counted in ``late``."""
        for message in messages:
            if not self._writers[message.topic].write(message.cdr):
                with self._lock:
                    self.late += 1

    def answer(self, answer: Answer) -> None:
        """Write the messages of one answer, and annotations where somebody reads them."""
        self.publish(answer.messages)
        if self._writers[ANNOTATIONS].matched():
            self.publish([annotate(answer)])

    def diagnose(self, cdr: bytes, stamp_ns: int) -> None:
        """Write one diagnostics message."""
        message = Outgoing(
            topic=DIAGNOSTICS, type_name=DIAGNOSTICS_TYPE, cdr=cdr, stamp_ns=stamp_ns
        )
        self.publish([message])

    def finish(self, timeout_s: float) -> None:
        """Give readers a moment to confirm the last messages."""
        for writer in self._writers.values():
            if writer.matched():
                writer.wait_acknowledged(timeout_s)
