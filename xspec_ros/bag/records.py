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

"""What every storage of a bag yields: one record a message, one entry a topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One message of a bag.

    Attributes:
        topic: Topic name.
        type_name: ROS 2 type, for example ``sensor_msgs/msg/Image``.
        cdr: The message as CDR bytes; a view of what was read, valid as long as it is held.
        log_ns: When the message was recorded, nanoseconds.
    """

    topic: str
    type_name: str
    cdr: memoryview
    log_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicInfo:
    """One topic of a bag.

    Attributes:
        name: Topic name.
        type_name: ROS 2 type.
        count: Messages recorded.
        digest: Type hash (``RIHS01_...``) where the bag states it, else empty.
        definition: Message definition text where the bag carries it, else empty.
    """

    name: str
    type_name: str
    count: int
    digest: str = ''
    definition: str = ''


class BagFile(Protocol):
    """One storage file; iterating it again starts over."""

    damage: list[str]

    def topics(self) -> tuple[TopicInfo, ...]:
        """Return the topics in order of their appearance."""

    def messages(self, wanted: Collection[str] | None) -> Iterator[Record]:
        """Yield messages in log-time order; ``damage`` grows when something cannot be read.

        Args:
            wanted: Topic names; None for all, empty for none.
        """

    def close(self) -> None:
        """Close the file."""
