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

"""Every reason why no result comes, provoked for real: what the user is told, and how soon.

python -m benchmarks.ros.silence
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
import re
import sys
from tempfile import TemporaryDirectory
from time import monotonic_ns, time_ns

from benchmarks.ros.desk import Desk
from benchmarks.ros.processes import node_command
from benchmarks.ros.provoke import Case, CASES, Stage
from benchmarks.ros.tables import add_output, report, table

TELL_WITHIN_S = 12.0
DIAGNOSE_WITHIN_S = 4.0
LOOPS_S = 10.0
LOOPED = {
    'ros2 bag play --loop': ((), {}),
    'ros2 bag play --loop --clock, use_sim_time': (('--clock',), {'use_sim_time': True}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the user saw.

    Attributes:
        name: What went wrong.
        text: The line in the log.
        log_s: Seconds until it was there.
        diagnostics_s: Seconds until ``/diagnostics`` said the same.
    """

    name: str
    text: str
    log_s: float | None
    diagnostics_s: float | None


def play_case(case: Case, given: argparse.Namespace, scratch: Path) -> Told:
    """Provoke one case and note what the user is told."""
    pattern = re.compile(case.expected)
    parameters = {'model': given.model} | dict(case.parameters)
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(given.domain))
        command = node_command(parameters)
        stage = Stage(desk, given.domain, scratch, command, stack)
        since_s = case.provoke(stage)

        def told() -> list[tuple[float, str]]:
            found = stage.said()
            return [(at, text) for at, _, text in found if at >= since_s and pattern.search(text)]

        def diagnosed() -> list[float]:
            ahead_s = (time_ns() - monotonic_ns()) / 1e9
            times = [
                at_ns / 1e9 + ahead_s
                for at_ns, statuses in list(desk.diagnoses)
                if any(pattern.search(status.message) for status in statuses)
            ]
            return [at for at in times if at >= since_s]

        desk.wait_until(lambda: bool(told()), TELL_WITHIN_S)
        desk.wait_until(lambda: bool(diagnosed()), DIAGNOSE_WITHIN_S)
        at_s, text = next(iter(told()), (None, 'NOTHING WAS TOLD'))
        in_diagnostics = next(iter(diagnosed()), None)
    return Told(
        name=case.name,
        text=text,
        log_s=None if at_s is None else at_s - since_s,
        diagnostics_s=None if in_diagnostics is None else in_diagnostics - since_s,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Looped:
    """What became of a bag that starts over again and again.

    Attributes:
        name: How it was played.
        received: Thermal frames.
        answered: Thermal frames answered.
        epochs: Restarts that the node counted.
        told: Warnings and errors of the node while the bag was playing.
    """

    name: str
    received: int
    answered: int
    epochs: int
    told: tuple[str, ...]


def play_loop(name: str, given: argparse.Namespace, scratch: Path) -> Looped:
    """Play a short bag over and over and see that the answers go on."""
    options, parameters = LOOPED[name]
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(given.domain))
        command = node_command({'model': given.model} | parameters)
        stage = Stage(desk, given.domain, scratch, command, stack)
        stage.start()
        stage.play('--loop', *options)
        desk.wait_until(lambda: desk.values('pipeline').get('thermal', '0') != '0')
        quiet = len(stage.said())
        desk.wait_until(lambda: False, LOOPS_S)
        told = tuple(text for _, level, text in stage.said()[quiet:] if level != 'INFO')
        values = desk.values('pipeline')
    received, answered, epochs = (int(values[key]) for key in ('thermal', 'answered', 'epochs'))
    return Looped(name=name, received=received, answered=answered, epochs=epochs, told=told)


def main() -> None:
    """Provoke every case and print what the user was told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='default')
    parser.add_argument('--case', nargs='*', help='only cases whose name holds one of these')
    add_output(parser, domain=81)
    given = parser.parse_args()
    with TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        chosen = [
            case
            for case in CASES
            if given.case is None or any(part in case.name for part in given.case)
        ]
        found = []
        for case in chosen:
            found.append(play_case(case, given, scratch))
            print(found[-1], file=sys.stderr)
        looped = [play_loop(name, given, scratch) for name in LOOPED if given.case is None]
    rows = [(each.name, each.text, each.log_s, each.diagnostics_s) for each in found]
    text = table(('what was wrong', 'the log said', 'after s', 'diagnostics after s'), rows)
    ways = [(each.name, each.received, each.answered, each.epochs, each.told) for each in looped]
    if ways:
        columns = ('how', 'received', 'answered', 'epochs', 'warnings meanwhile')
        text += '\n\n' + table(columns, ways)
    figures = {
        'told': [asdict(each) for each in found],
        'loops': [asdict(each) for each in looped],
    }
    report(text, figures, given.out)
    if any(each.log_s is None or each.diagnostics_s is None for each in found):
        sys.exit('something was not told')


if __name__ == '__main__':
    main()
