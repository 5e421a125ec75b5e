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

"""Memory over many lifecycle cycles of one process, driven by the raw services.

python -m benchmarks.ros.cycles --cycles 100 --engine openvino
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
from time import monotonic

from benchmarks.ros.desk import Desk
from benchmarks.ros.processes import Child, make_drive, node_command, player_command
from benchmarks.ros.tables import add_output, report, table

WALKS = {
    'configure, cleanup': ('configure', 'cleanup'),
    'configure, activate, deactivate, cleanup': (
        'configure',
        'activate',
        'deactivate',
        'cleanup',
    ),
}
SHOWN = (1, 20, 40, 60, 80, 100)
BEFORE, AFTER = 20, 100
DRIVE_FRAMES = 60
MANY_FRAMES = 1_000_000

Figures = tuple[list[float], list[float]]


def walk(steps: tuple[str, ...], engine: str, given: argparse.Namespace, scratch: Path) -> Figures:
    """Let a node go through its states again and again.

    Args:
        steps: Transitions of one cycle.
        engine: Inference engine.
        given: The command line.
        scratch: Folder for logs.

    Returns:
        Resident MiB after each cycle, and the seconds that each took.
    """
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(given.domain))
        parameters = {'model': given.model, 'engine': engine, 'autostart': False}
        node = Child(node_command(parameters), scratch / f'{engine}.log', given.domain)
        stack.enter_context(node)
        if given.stream:
            bag = make_drive(scratch / 'drive.mcap', DRIVE_FRAMES)
            command = player_command(bag, MANY_FRAMES, given.domain, scratch / 'written.json')
            stack.enter_context(Child(command, scratch / 'player.log', given.domain))
        memory, seconds = [], []
        for _ in range(given.cycles):
            started_s = monotonic()
            for step in steps:
                if not desk.change(step):
                    sys.exit(f'{step} was refused:\n{node.text()}')
                if step == 'activate' and given.stream:
                    desk.wait_until(lambda: False, given.stream)
            seconds.append(monotonic() - started_s)
            memory.append(node.usage().rss_mib)
        return memory, seconds


def main() -> None:
    """Walk with every engine and print how the memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--cycles', type=int, default=AFTER)
    parser.add_argument('--model', default='default')
    parser.add_argument('--engine', nargs='*', default=['openvino', 'onnxruntime'])
    parser.add_argument('--walk', nargs='*', default=list(WALKS), choices=list(WALKS))
    help_text = 'seconds to stay active under a 30 Hz stream, in every cycle'
    parser.add_argument('--stream', type=float, default=0.0, help=help_text)
    add_output(parser, domain=75)
    given = parser.parse_args()
    rows, figures = [], {}
    with TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        for engine in given.engine:
            for name in given.walk:
                memory, seconds = walk(WALKS[name], engine, given, scratch)
                figures[f'{engine}: {name}'] = memory
                shown = [memory[at - 1] if at <= len(memory) else None for at in SHOWN]
                growth = memory[-1] - memory[min(BEFORE, len(memory)) - 1]
                rows.append((engine, name, *shown, growth, f'{median(seconds):.2f}'))
                print(rows[-1], file=sys.stderr)
    columns = ('engine', 'cycle', *(f'MiB after {at}' for at in SHOWN))
    text = table((*columns, f'from {BEFORE} to the end', 'a cycle takes s'), rows)
    report(text, {'rss_mib': figures}, given.out)


if __name__ == '__main__':
    main()
