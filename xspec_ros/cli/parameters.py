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

"""What verbs read from their options: run-time parameters, sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import json
import re
from typing import TYPE_CHECKING

from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from xspec_ros.core.result import Mode
    from xspec_ros.perception.settings import Settings

MODES: dict[str, Mode] = {'thermal': 'thermal', 'fused': 'fused', 'rgb': 'rgb'}


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


def parse_mode(text: str) -> Mode:
    """Return the mode that a text names.

    Raises:
        ConfigError: No mode has this name.
    """
    if text not in MODES:
        message = f'--mode {text!r}'
        raise ConfigError(message, hint=f'give {", ".join(MODES)}')
    return MODES[text]


def parse_size_hw(text: str) -> tuple[int, int]:
    """Return rows and columns from ``WIDTHxHEIGHT``.

    Raises:
        ConfigError: No such text, or a side outside 32 to 8192.
    """
    found = re.fullmatch(r'(\d{2,4})x(\d{2,4})', text.lower())
    sides = (int(found[2]), int(found[1])) if found else (0, 0)
    if not all(32 <= side <= 8192 for side in sides):
        message = f'size {text!r}'
        raise ConfigError(message, hint='WIDTHxHEIGHT, for example 640x512, 32 to 8192 each')
    return sides
