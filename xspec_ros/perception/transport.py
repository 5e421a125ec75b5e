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

"""Raw or compressed: which topic and type a camera is listened to on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xspec_ros.messages.topics import COMPRESSED_SUFFIX, COMPRESSED_TYPE, IMAGE_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.perception.settings import InputSettings


@dataclass(frozen=True, slots=True)
class Publication:
    """A writer of somebody else that is in sight.

    Attributes:
        topic: ROS topic name.
        type_name: ROS type name.
    """

    topic: str
    type_name: str


def first_subscription(settings: InputSettings) -> tuple[str, str]:
    """Return topic and type to listen on from the start: raw images unless told otherwise.

    Args:
        settings: Topic and transport of the camera.
    """
    topic = settings.topic
    if settings.transport == 'raw' or _is_open(settings):
        return topic, IMAGE_TYPE
    return topic.removesuffix(COMPRESSED_SUFFIX) + COMPRESSED_SUFFIX, COMPRESSED_TYPE


def accepted_types(settings: InputSettings) -> tuple[str, ...]:
    """Return the types that the camera may be published as."""
    if _is_open(settings):
        return IMAGE_TYPE, COMPRESSED_TYPE
    return (first_subscription(settings)[1],)


def compressed_alternative(
    settings: InputSettings, publications: Sequence[Publication]
) -> str | None:
    """Return the compressed topic to add with transport ``auto`` where raw is not published.

    Args:
        settings: Topic and transport of the camera.
        publications: Writers of others that are in sight.

    Returns:
        The topic, None where there is nothing to add.
    """
    topic = settings.topic
    kinds = {(entry.topic, entry.type_name) for entry in publications}
    if not _is_open(settings) or (topic, IMAGE_TYPE) in kinds:
        return None
    for candidate in (topic + COMPRESSED_SUFFIX, topic):
        if (candidate, COMPRESSED_TYPE) in kinds:
            return candidate
    return None


def _is_open(settings: InputSettings) -> bool:
    """Tell whether raw or compressed is decided by what is published."""
    return settings.transport == 'auto' and not settings.topic.endswith(COMPRESSED_SUFFIX)
