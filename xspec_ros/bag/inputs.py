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

"""Which topics of a bag are the two cameras and the truth about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xspec_ros.bag.pack import TRUTH_LABEL_INFO
from xspec_ros.bag.reader import choose_topic
from xspec_ros.messages.topics import (
    COMPRESSED_SUFFIX,
    COMPRESSED_TYPE,
    DETECTIONS_TYPE,
    IMAGE_TYPE,
    LABEL_INFO_TYPE,
    RGB,
    THERMAL,
    TRUTH_DETECTIONS,
    TRUTH_RGB_DETECTIONS,
    TRUTH_SEGMENTATION,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspec_ros.bag.reader import BagReader
    from xspec_ros.bag.records import TopicInfo
    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.settings import InputSettings

CAMERA_TYPES = {'auto': (IMAGE_TYPE, COMPRESSED_TYPE), 'raw': (IMAGE_TYPE,)} | {
    'compressed': (COMPRESSED_TYPE,)
}
TRUTH_TYPES = {
    TRUTH_SEGMENTATION: IMAGE_TYPE,
    TRUTH_DETECTIONS: DETECTIONS_TYPE,
    TRUTH_RGB_DETECTIONS: DETECTIONS_TYPE,
    TRUTH_LABEL_INFO: LABEL_INFO_TYPE,
}
DEFAULT_TOPICS: dict[Modality, str] = {'rgb': RGB, 'thermal': THERMAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The topics to read.

    Attributes:
        cameras: Modality and type of every camera topic, by topic name.
        truth: Ground-truth topics that are there.
        absent: Cameras that are not there and not needed.
    """

    cameras: Mapping[str, tuple[Modality, str]]
    truth: tuple[str, ...] = ()
    absent: tuple[Modality, ...] = ()
    topics: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Put the names together."""
        object.__setattr__(self, 'topics', (*self.cameras, *self.truth))


def choose_inputs(
    bag: BagReader, wanted: Mapping[Modality, InputSettings], needed: Sequence[Modality]
) -> Inputs:
    """Find the cameras and the truth in a bag.

    Args:
        bag: The opened bag.
        wanted: Topic and transport of every camera.
        needed: Cameras that must be there; another is only then missed when its topic was named
            on purpose.

    Returns:
        The topics.

    Raises:
        DataError: A needed or named camera is not there, or of another type.
    """
    topics = bag.topics()
    cameras: dict[str, tuple[Modality, str]] = {}
    absent: list[Modality] = []
    for modality, settings in wanted.items():
        default = DEFAULT_TOPICS[modality]
        name = settings.topic or default
        names = [name, name + COMPRESSED_SUFFIX]
        types = CAMERA_TYPES[settings.transport]
        if modality not in needed and name == default and not _is_there(topics, names, types):
            absent.append(modality)
            continue
        chosen = choose_topic(topics, names, types, where=bag.path)
        cameras[chosen.name] = (modality, chosen.type_name)
    truth = tuple(topic.name for topic in topics if TRUTH_TYPES.get(topic.name) == topic.type_name)
    return Inputs(cameras=cameras, truth=truth, absent=tuple(absent))


def _is_there(topics: Sequence[TopicInfo], names: Sequence[str], types: Sequence[str]) -> bool:
    return any(topic.name in names and topic.type_name in types for topic in topics)
