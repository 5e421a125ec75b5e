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

"""Why nothing arrives on a topic, as far as the graph can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE
from xspec_ros.perception.buffers import buffer_advice
from xspec_ros.perception.notices import Level, Notice
from xspec_ros.perception.transport import accepted_types, Publication

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.settings import InputSettings

TYPICAL_IMAGE_BYTES = 921_600
MAX_NAMED = 6
IMAGES = (IMAGE_TYPE, COMPRESSED_TYPE)


@dataclass(frozen=True, slots=True)
class InputView:
    """What a door knows of one camera.

    Attributes:
        topics: Names that are listened on.
        policies: QoS policies that kept publishers away.
    """

    topics: tuple[str, ...]
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphView:
    """What a door sees of the graph at one moment.

    Attributes:
        inputs: Its view of each camera.
        publications: Writers of others.
        causes: Why nobody may be in sight, the likeliest cause first.
    """

    inputs: Mapping[Modality, InputView]
    publications: Sequence[Publication]
    causes: str


def explain_silence(
    name: Modality,
    settings: InputSettings,
    graph: GraphView,
    *,
    granted: int | None,
    level: Level = 'error',
) -> Notice:
    """Name the likeliest cause that an input gets no message.

    Args:
        name: ``rgb`` or ``thermal``.
        settings: Topic and transport of the camera.
        graph: What is in sight.
        granted: Largest receive buffer of this system, None where unknown.
        level: How bad it is that this camera is missing.
    """
    topics = set(graph.inputs[name].topics)
    here = {entry.type_name for entry in graph.publications if entry.topic in topics}
    fitting = accepted_types(settings)
    if not here:
        kind, cause = 'no_publisher', _no_publisher(graph)
    elif here.isdisjoint(fitting):
        kind, cause = 'type', _wrong_type(name, here, fitting)
    elif policies := graph.inputs[name].policies:
        kind = 'qos'
        named = ', '.join(sorted(set(policies)))
        cause = f'the publisher offers other QoS ({named}) than this reader asks for; '
        cause += 'let it offer more, or this reader ask for less'
    else:
        buffer = buffer_advice(TYPICAL_IMAGE_BYTES, granted)
        cause = 'its publisher is there but sends nothing that gets through: camera not started'
        kind, cause = 'quiet', f'{cause}{f"; or {buffer}" if buffer else ""}'
    where = f'{name}: nothing arrives on {" or ".join(sorted(topics))}'
    return Notice(level=level, kind=kind, text=f'{where}: {cause}')


def explain_death(name: Modality, graph: GraphView) -> str:
    """Say whether the publisher of a camera that fell silent is still in sight."""
    topics = graph.inputs[name].topics
    if any(entry.topic in topics for entry in graph.publications):
        return 'its publisher is still there: look at the camera and its cable'
    return 'its publisher is gone: start the camera driver again'


def sight_causes(domain: str, reach: str, rmw: str) -> str:
    """Say why no publisher may be in sight, the likeliest cause first.

    Args:
        domain: The domain that was joined, and how to choose another.
        reach: The discovery range in force.
        rmw: The middleware that this process or its surroundings use, empty where unknown.
    """
    zenoh = 'publishers that run rmw_zenoh_cpp are not on DDS at all'
    causes = [
        f'another domain (this is {domain})',
        f'discovery range {reach} (ROS_AUTOMATIC_DISCOVERY_RANGE)',
        zenoh,
        'a firewall or a network without multicast',
    ]
    if 'zenoh' in rmw:
        causes.insert(0, f'RMW_IMPLEMENTATION={rmw}: {causes.pop(2)}')
    return '; '.join(causes)


def _no_publisher(graph: GraphView) -> str:
    images = sorted({entry.topic for entry in graph.publications if entry.type_name in IMAGES})
    if images:
        more = f' and {len(images) - MAX_NAMED} more' if len(images) > MAX_NAMED else ''
        return f'nobody publishes it; images on this domain: {", ".join(images[:MAX_NAMED])}{more}'
    if graph.publications:
        return 'nobody publishes it, nor any other image on this domain'
    return f'nobody publishes anything here; possible causes: {graph.causes}'


def _wrong_type(name: Modality, here: set[str], fitting: Sequence[str]) -> str:
    published = ', '.join(sorted(here))
    if here.isdisjoint(IMAGES):
        return f'it is published as {published}, not as an image'
    wanted = 'compressed' if COMPRESSED_TYPE in here else 'raw'
    return (
        f'it is published as {published}, not as {" or ".join(fitting)}; '
        f'set {name}.transport to {wanted}'
    )
