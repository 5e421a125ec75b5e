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

"""How the perception node ends: SIGINT and SIGTERM, once and twice, at every moment of its life.

python -m benchmarks.ros.signals
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
import signal
import sys
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sensor_msgs.msg import Image

from benchmarks.ros.desk import Desk
from benchmarks.ros.processes import Child, make_drive, node_command, player_command
from benchmarks.ros.tables import add_output, report, table
from xspec_ros.messages.topics import SEGMENTATION

if TYPE_CHECKING:
    from collections.abc import Sequence

WITHIN_S = 2.0
AGAIN_AFTER_S = 0.05
READY_S = 60.0
GOOD = (0, 130)
DRIVE_FRAMES = 60
MANY_FRAMES = 1_000_000
SIGNALS = {
    'SIGINT': (signal.SIGINT,),
    'SIGTERM': (signal.SIGTERM,),
    'SIGINT twice': (signal.SIGINT, signal.SIGINT),
    'SIGTERM twice': (signal.SIGTERM, signal.SIGTERM),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one process ended.

    Attributes:
        status: Exit status, negative for a signal that killed it.
        seconds: From the first signal to the end.
        traceback: Whether it wrote one.
        said: The last line that it wrote.
    """

    status: int
    seconds: float
    traceback: bool
    said: str


def stop(node: Child, numbers: Sequence[int]) -> Ending:
    """Send signals to a node and see how it ends."""
    started_s = monotonic()
    for number in numbers[:-1]:
        node.process.send_signal(number)
        sleep(AGAIN_AFTER_S)
    status, _ = node.end(numbers[-1])
    text = node.text()
    return Ending(
        status=status,
        seconds=monotonic() - started_s,
        traceback='Traceback' in text or 'terminate called' in text,
        said=(text.strip().splitlines() or [''])[-1],
    )


def at_start(after_s: float, numbers: Sequence[int], given: argparse.Namespace) -> Ending:
    """Signal a node that was started so long ago: importing, joining the graph, loading."""
    command = node_command({'model': given.model, 'engine': given.engine})
    with Child(command, given.scratch / 'node.log', given.domain) as node:
        sleep(after_s)
        return stop(node, numbers)


def while_active(numbers: Sequence[int], given: argparse.Namespace, *, streaming: bool) -> Ending:
    """Signal a node that is active, with or without a 30 Hz stream."""
    command = node_command({'model': given.model, 'engine': given.engine})
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(given.domain))
        desk.listen(Image, SEGMENTATION)
        node = stack.enter_context(Child(command, given.scratch / 'node.log', given.domain))
        if not desk.wait_active(READY_S):
            sys.exit(f'the node did not come up:\n{node.text()}')
        if streaming:
            bag = make_drive(given.scratch / 'drive.mcap', DRIVE_FRAMES)
            played = given.scratch / 'written.json'
            command = player_command(bag, MANY_FRAMES, given.domain, played)
            stack.enter_context(Child(command, given.scratch / 'player.log', given.domain))
            desk.wait_until(lambda: len(desk.heard[SEGMENTATION]) > 20, READY_S)
        return stop(node, numbers)


def while_configuring(after_s: float, numbers: Sequence[int], given: argparse.Namespace) -> Ending:
    """Signal a node so long after a service call asked it to configure."""
    parameters = {'model': given.model, 'engine': given.engine, 'autostart': False}
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(given.domain))
        log = given.scratch / 'node.log'
        node = stack.enter_context(Child(node_command(parameters), log, given.domain))
        if desk.state() != 'unconfigured':
            sys.exit(f'the node did not come up:\n{node.text()}')
        desk.ask('configure')
        sleep(after_s)
        return stop(node, numbers)


def summarise(moment: str, name: str, endings: Sequence[Ending]) -> tuple[object, ...]:
    """Return one row of the table."""
    statuses = Counter(ending.status for ending in endings)
    shown = ', '.join(f'{status} ({number}x)' for status, number in sorted(statuses.items()))
    slowest = max(ending.seconds for ending in endings)
    tracebacks = sum(ending.traceback for ending in endings)
    good = not tracebacks and slowest <= WITHIN_S and set(statuses) <= set(GOOD)
    return moment, name, shown, f'{slowest:.2f}', tracebacks, 'yes' if good else 'NO'


def main() -> None:
    """Send every signal at every moment."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='default')
    parser.add_argument('--engine', default='auto')
    parser.add_argument('--repeat', type=int, default=3)
    parser.add_argument('--start', type=float, nargs='*', help='seconds after the start')
    add_output(parser, domain=79)
    given = parser.parse_args()
    delays = given.start or [step / 10 for step in range(1, 25)]
    rows, figures = [], {}
    with TemporaryDirectory() as temporary:
        given.scratch = given.scratch or Path(temporary)
        given.scratch.mkdir(parents=True, exist_ok=True)
        for name, numbers in SIGNALS.items():
            moments = {
                f'{delays[0]} to {delays[-1]} s after the start': [
                    at_start(delay, numbers, given) for delay in delays
                ],
                'configuring': [
                    while_configuring(0.1 + 0.2 * step, numbers, given)
                    for step in range(given.repeat)
                ],
                'active, nothing comes': [
                    while_active(numbers, given, streaming=False) for _ in range(given.repeat)
                ],
                'active, 30 Hz': [
                    while_active(numbers, given, streaming=True) for _ in range(given.repeat)
                ],
            }
            for moment, endings in moments.items():
                rows.append(summarise(moment, name, endings))
                figures[f'{name}: {moment}'] = [
                    (each.status, round(each.seconds, 2), each.traceback, each.said)
                    for each in endings
                ]
                print(rows[-1], file=sys.stderr)
    columns = ('moment', 'signal', 'exit status', 'slowest s', 'tracebacks', 'as promised')
    report(table(columns, rows), {'endings': figures}, given.out)


if __name__ == '__main__':
    main()
