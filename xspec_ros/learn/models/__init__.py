"""Networks, found by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models.student import Student

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

__all__ = ['NETWORKS', 'build_network']

NETWORKS: dict[str, type[nn.Module]] = {'student': Student}


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
