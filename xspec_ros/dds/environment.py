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

"""What the machine and its ROS environment say about the bus: domain, discovery, security."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from xspec_ros.errors import ConfigError
from xspec_ros.perception.silence import sight_causes

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DOMAIN = 232
# A `min` above what the kernel grants would stop the participant from starting.
BUFFER_XML = (
    '<CycloneDDS><Domain><Internal>'
    '<SocketReceiveBufferSize min="default" max="16MB"/>'
    '</Internal></Domain></CycloneDDS>'
)
RANGES = ('SUBNET', 'LOCALHOST', 'OFF', 'SYSTEM_DEFAULT')


def choose_domain(domain: int | None, environ: Mapping[str, str]) -> int:
    """Return the DDS domain: the option, else ``ROS_DOMAIN_ID``, else 0.

    Args:
        domain: The user's choice; None to follow the environment.
        environ: Environment variables.

    Raises:
        ConfigError: Not a number, or outside 0 to 232.
    """
    text = str(domain) if domain is not None else environ.get('ROS_DOMAIN_ID') or '0'
    if not text.isdecimal() or int(text) > MAX_DOMAIN:
        message = f'DDS domain {text!r} (--domain or ROS_DOMAIN_ID)'
        raise ConfigError(message, hint=f'give a number from 0 to {MAX_DOMAIN}, on Linux 0 to 101')
    return int(text)


def refuse_security(environ: Mapping[str, str]) -> None:
    """Refuse to start where ROS demands SROS 2: the wheel has no DDS security plugins.

    Raises:
        ConfigError: ``ROS_SECURITY_ENABLE`` with strategy ``Enforce``.
    """
    enabled = environ.get('ROS_SECURITY_ENABLE', '').lower() == 'true'
    if enabled and environ.get('ROS_SECURITY_STRATEGY', '').lower() == 'enforce':
        message = 'this graph is secured (ROS_SECURITY_STRATEGY=Enforce)'
        hint = 'the DDS door cannot join a secured graph; run the ROS node there instead'
        raise ConfigError(message, hint=hint)


def discovery_range(environ: Mapping[str, str]) -> str:
    """Return how far ROS looks for others: one of ``RANGES``.

    Raises:
        ConfigError: ``ROS_AUTOMATIC_DISCOVERY_RANGE`` holds something else.
    """
    if environ.get('ROS_LOCALHOST_ONLY', '') == '1':
        return 'LOCALHOST'
    name = environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE') or 'SUBNET'
    if name not in RANGES:
        message = f'ROS_AUTOMATIC_DISCOVERY_RANGE={name}'
        raise ConfigError(message, hint=f'use one of {", ".join(RANGES)}')
    return name


def discovery_xml(environ: Mapping[str, str]) -> str:
    """Return the configuration that rmw_cyclonedds makes of the same environment.

    A participant with another one does not find ROS nodes on a machine that keeps discovery to
    itself.

    Args:
        environ: Environment variables.
    """
    reach = discovery_range(environ)
    if reach == 'SYSTEM_DEFAULT':
        return ''
    general = ''
    if reach in ('LOCALHOST', 'OFF'):
        general = '<AllowMulticast>false</AllowMulticast>'
    if reach == 'LOCALHOST' and not environ.get('CYCLONEDDS_URI'):
        # Unlike rmw_cyclonedds: the library of the wheel (11) does not take up what a process
        # with the older one (0.10) announces on loopback unless it listens there itself. A
        # configuration of the user's may name interfaces, and one named twice is an error.
        general = f'<Interfaces><NetworkInterface address="127.0.0.1"/></Interfaces>{general}'
    general = f'<General>{general}</General>' if general else ''
    if reach == 'OFF':
        index = '<ParticipantIndex>none</ParticipantIndex>'
        index += f'<Tag>ros_discovery_off_{os.getpid()}</Tag>'
    else:
        index = '<ParticipantIndex>auto</ParticipantIndex>'
        index += '<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>'
    peers = ['localhost'] if reach == 'LOCALHOST' else []
    only_here = environ.get('ROS_LOCALHOST_ONLY', '') == '1'
    if reach != 'OFF' and not only_here:
        peers += [peer for peer in environ.get('ROS_STATIC_PEERS', '').split(';') if peer.strip()]
    listed = ''.join(f'<Peer address={quoteattr(peer.strip())}/>' for peer in peers)
    inner = (
        f'{general}<Discovery>{index}{f"<Peers>{listed}</Peers>" if listed else ""}</Discovery>'
    )
    return f'<CycloneDDS><Domain>{inner}</Domain></CycloneDDS>'


def cyclone_uri(environ: Mapping[str, str]) -> str:
    """Return the whole ``CYCLONEDDS_URI``: ours first, so that the user's settings win.

    Args:
        environ: Environment variables.
    """
    parts = (BUFFER_XML, discovery_xml(environ), environ.get('CYCLONEDDS_URI', ''))
    return ','.join(part for part in parts if part)


def silence_causes(domain: int, environ: Mapping[str, str]) -> str:
    """Say why no publisher may be in sight, the likeliest cause first.

    Args:
        domain: The domain that was joined.
        environ: Environment variables.
    """
    return sight_causes(
        f'{domain}; --domain or ROS_DOMAIN_ID',
        discovery_range(environ),
        environ.get('RMW_IMPLEMENTATION', ''),
    )
