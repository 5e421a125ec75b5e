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

"""The ``xspec`` command: one file a verb, found in one explicit list."""

from __future__ import annotations

from importlib import import_module
import sys
from typing import cast

import typer

from xspec_ros.cli.output import as_json, EXIT_NOTHING, Outcome
from xspec_ros.errors import ConfigError

# of the click that this typer carries
UsageError = cast('type[Exception]', typer.BadParameter.__bases__[0])

VERBS = (
    'demo',
    'synth',
    'bag',
    'replay',
    'live',
    'play',
    'train',
    'adapt',
    'evaluate',
    'export',
    'bench',
    'register',
    'info',
    'doctor',
)


def build() -> typer.Typer:
    """Put the verbs together; a verb module offers ``command`` or, with sub-verbs, ``app``."""
    app = typer.Typer(
        name='xspec',
        help='Thermal perception for robots, trained without thermal labels.',
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    for verb in VERBS:
        module = import_module(f'xspec_ros.cli.{verb}')
        if hasattr(module, 'app'):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb)(module.command)
    return app


def main() -> None:
    """Run the command line; bad usage is a JSON object too where ``--json`` asks for one."""
    if '--json' not in sys.argv:
        build()()
        return
    try:
        build()(standalone_mode=False)
    except UsageError as error:
        problem = ConfigError(str(error), hint='see --help of the command')
        sys.stdout.write(as_json(Outcome(error=problem)) + '\n')
        sys.exit(EXIT_NOTHING)
