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

"""Networks, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models.fusion import FusionNetwork
from xspec_ros.learn.models.student import Student

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from xspec_ros.core.frame import Modality
    from xspec_ros.core.result import Mode

__all__ = ['NETWORKS', 'build_network', 'graphs']

NETWORKS: dict[str, type[nn.Module]] = {'fusion': FusionNetwork, 'student': Student}


def build_network(name: str, arguments: Mapping[str, int | float | str | bool]) -> nn.Module:
    """Build a network.

    Args:
        name: Name in ``NETWORKS``.
        arguments: Its constructor arguments.

    Raises:
        ConfigError: The name is unknown or the arguments do not fit.
    """
    if name not in NETWORKS:
        message = f'unknown network {name!r}'
        raise ConfigError(message, hint=f'known: {", ".join(sorted(NETWORKS))}')
    try:
        return NETWORKS[name](**arguments)
    except TypeError as err:
        message = f'network {name!r} does not take {dict(arguments)}: {err}'
        raise ConfigError(message, hint='check network.arguments of the recipe') from err


def graphs(network: nn.Module, modality: Modality) -> dict[Mode, nn.Module]:
    """Return what a network can be deployed as, by mode.

    Args:
        network: A student, or a fusion network.
        modality: Camera of a student.

    Returns:
        Modules of one picture each; that of mode ``fused`` takes thermal and RGB.
    """
    if isinstance(network, FusionNetwork):
        return {'thermal': network.thermal, 'fused': network, 'rgb': network.rgb}
    return {modality: network}
