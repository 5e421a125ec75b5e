"""Run-time parameters from the command line: a file, then options, then ``--set``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from xspec_ros.perception.settings import Settings


def read_settings(
    options: Mapping[str, str | None],
    *,
    config: Path | None = None,
    overrides: Sequence[str] = (),
) -> Settings:
    """Return the checked run-time parameters.

    Args:
        options: Values by dotted parameter name; None where the option was not given.
        config: YAML file of parameters.
        overrides: ``key=value`` texts; they win.

    Raises:
        ConfigError: An unknown parameter, or a value out of its range.
    """
    from xspec_ros.config import convert, load_struct
    from xspec_ros.perception.settings import Settings

    given = [f'{key}={json.dumps(value)}' for key, value in options.items() if value is not None]
    wanted = [*given, *overrides]
    if config is None:
        return convert({}, Settings, 'the options', overrides=wanted)
    return load_struct(config, Settings, overrides=wanted)
