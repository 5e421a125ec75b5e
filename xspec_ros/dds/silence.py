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

"""Why nothing arrives on a topic, as far as the bus can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.dds.environment import buffer_advice, silence_causes
from xspec_ros.dds.watch import Notice
from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspec_ros.dds.participant import Endpoint, Reader

TYPICAL_IMAGE_BYTES = 921_600
MAX_NAMED = 6
IMAGES = (IMAGE_TYPE, COMPRESSED_TYPE)


def explain_silence(
    name: str,
    readers: Sequence[Reader],
    publications: Sequence[Endpoint],
    *,
    domain: int,
    environ: Mapping[str, str],
    granted: int | None,
) -> Notice:
    """Name the likeliest cause that an input gets no message.

    Args:
        name: ``rgb`` or ``thermal``.
        readers: Its readers.
        publications: Every writer in sight.
        domain: The domain that was joined.
        environ: Environment variables.
        granted: Largest receive buffer of this system, None where unknown.
    """
    topics = {reader.topic for reader in readers}
    where = f'{name}: nothing arrives on {" or ".join(sorted(topics))}'
    others = [entry for entry in publications if not entry.own]
    here = [entry for entry in others if entry.topic in topics]
    strange = sorted({entry.type_name for entry in here} - set(IMAGES))
    policies = [policy for reader in readers if (policy := reader.incompatible())]
    if here and strange:
        kind, cause = 'type', f'it is published as {", ".join(strange)}, not as an image'
    elif here and policies:
        kind, cause = 'qos', f'the publisher offers other QoS ({policies[0]})'
    elif here:
        buffer = buffer_advice(TYPICAL_IMAGE_BYTES, granted)
        cause = 'its publisher is there but sends nothing that gets through: camera not started'
        kind, cause = 'quiet', f'{cause}{f"; or {buffer}" if buffer else ""}'
    elif images := sorted({entry.topic for entry in others if entry.type_name in IMAGES}):
        named = ', '.join(images[:MAX_NAMED])
        kind, cause = 'no_publisher', f'nobody publishes it; images on this domain: {named}'
    elif others:
        kind, cause = 'no_publisher', 'nobody publishes it, nor any other image on this domain'
    else:
        causes = silence_causes(domain, environ)
        kind, cause = 'no_publisher', f'nobody publishes anything here; possible causes: {causes}'
    return Notice(level='warning', kind=kind, text=f'{where}: {cause}')
