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

"""How every verb ends: JSON or a short text on stdout, one clear error line, an exit code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
import logging
import sys
from typing import Annotated, NoReturn

import msgspec
import typer

from xspec_ros.errors import XspecError

EXIT_DONE = 0
EXIT_PARTIAL = 1
EXIT_NOTHING = 2

JsonOption = Annotated[
    bool, typer.Option('--json', help='Print one JSON object on stdout and nothing else there.')
]
DebugOption = Annotated[bool, typer.Option('--debug', help='Show tracebacks and debug logs.')]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a verb achieved.

    Attributes:
        data: JSON-ready values (the keys that design fixes for the verb).
        text: The same for a person, printed without ``--json``.
        error: Set when the work ended early or failed after something was achieved.
        exit_code: 0 done, 1 done in part or work failed, 2 nothing was processed.
    """

    data: dict[str, object] = field(default_factory=dict)
    text: str = ''
    error: XspecError | None = None
    exit_code: int = EXIT_DONE


def run_verb(work: Callable[[], Outcome], *, json_output: bool, debug: bool) -> NoReturn:
    """Run one verb, print what came of it and leave with its exit code.

    An ``XspecError`` that leaves ``work`` means that nothing was processed: exit 2. Work that
    achieved something returns an ``Outcome`` with ``error`` and ``exit_code`` set instead.

    Args:
        work: The verb's own function.
        json_output: Print JSON instead of text.
        debug: Let tracebacks through.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if debug else logging.INFO,
        format='%(levelname)s %(name)s: %(message)s',
    )
    try:
        outcome = work()
    except XspecError as error:
        if debug:
            raise
        outcome = Outcome(error=error, exit_code=EXIT_NOTHING)
    except KeyboardInterrupt:
        outcome = Outcome(error=XspecError('stopped by Ctrl-C'), exit_code=EXIT_PARTIAL)
    _print(outcome, json_output=json_output)
    sys.exit(outcome.exit_code)


def _print(outcome: Outcome, *, json_output: bool) -> None:
    if json_output:
        sys.stdout.write(as_json(outcome) + '\n')
    elif outcome.text:
        sys.stdout.write(outcome.text.rstrip('\n') + '\n')
    if outcome.error is not None and not json_output:
        sys.stderr.write(f'error: {outcome.error}\n')
    sys.stdout.flush()


def as_json(outcome: Outcome) -> str:
    """Return the one JSON object of an outcome, the error beside what was achieved."""
    data = dict(outcome.data)
    if outcome.error is not None:
        error = outcome.error
        data['error'] = {'kind': error.kind, 'message': error.message, 'hint': error.hint}
    return msgspec.json.format(msgspec.json.encode(data), indent=2).decode()
