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

"""``diagnostic_msgs/DiagnosticArray``: how the parts are doing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xspec_ros.messages.cdr import Buffer, CdrReader, CdrWriter
from xspec_ros.messages.topics import DIAGNOSTICS_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OK = 0
WARN = 1
ERROR = 2
STALE = 3
MIN_STATUS_BYTES = 17
MIN_VALUE_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """State of one part.

    Attributes:
        level: ``OK``, ``WARN``, ``ERROR`` or ``STALE``.
        name: ``'<node>: <part>'``.
        message: One line for a person.
        values: Figures as text, by name.
        hardware_id: Device, empty where there is none.
    """

    level: int
    name: str
    message: str
    values: Mapping[str, str] = field(default_factory=dict)
    hardware_id: str = ''


def encode_diagnostics(statuses: Sequence[Status], *, stamp_ns: int) -> bytes:
    """Write a ``DiagnosticArray``.

    Args:
        statuses: One entry a part.
        stamp_ns: Header stamp in nanoseconds.
    """
    writer = CdrWriter()
    writer.header(stamp_ns, '')
    writer.uint32(len(statuses))
    for status in statuses:
        writer.values('B', 1, status.level)
        for text in (status.name, status.message, status.hardware_id):
            writer.text(text)
        writer.uint32(len(status.values))
        for key, value in status.values.items():
            writer.text(key)
            writer.text(str(value))
    return writer.finish()


def decode_diagnostics(cdr: Buffer) -> tuple[Status, ...]:
    """Read a ``DiagnosticArray``.

    Raises:
        MessageError: Damaged or of another type.
    """
    reader = CdrReader(cdr, DIAGNOSTICS_TYPE)
    reader.stamp_ns()
    reader.text()
    statuses = []
    for _ in range(reader.count(MIN_STATUS_BYTES)):
        level = reader.uint8()
        name, message, hardware_id = reader.text(), reader.text(), reader.text()
        values = {}
        for _ in range(reader.count(MIN_VALUE_BYTES)):
            key = reader.text()
            values[key] = reader.text()
        status = Status(
            level=level, name=name, message=message, values=values, hardware_id=hardware_id
        )
        statuses.append(status)
    reader.finish()
    return tuple(statuses)
