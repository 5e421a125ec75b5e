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

"""Hot swaps under a 30 Hz stream: what is lost, what is dropped, how long nothing comes.

Runs with and without swaps take turns; both last equally long. Half-way one swap is refused.

    python -m benchmarks.ros.swaps --swaps 20
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass
import json
from pathlib import Path
import shutil
from statistics import median
import sys
from tempfile import TemporaryDirectory
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING

import numpy as np
from sensor_msgs.msg import Image

from benchmarks.live import RATE_HZ
from benchmarks.ros.desk import Desk
from benchmarks.ros.processes import Child, load, make_drive, node_command, player_command
from benchmarks.ros.tables import add_output, report, table
from xspec_ros.bundle.manifest import MANIFEST_NAME
from xspec_ros.bundle.store import resolve_bundle
from xspec_ros.messages.cdr import CdrReader
from xspec_ros.messages.topics import IMAGE_TYPE, SEGMENTATION

if TYPE_CHECKING:
    from collections.abc import Sequence

DRIVE_FRAMES = 300
READY_S = 60.0
SETTLE_S = 3.0
COLUMNS = (
    'swaps',
    'published',
    'received',
    'answered',
    'rejected',
    'dropped',
    'lost',
    'stamps at the reader',
    'stamps twice',
    'longest gap (p99) ms',
    'a swap takes p50 / max s',
    'load',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One attempt to set another model.

    Attributes:
        model: Its folder's name.
        taken: Whether it was taken.
        seconds: How long the service call took.
        reason: Why it was refused.
    """

    model: str
    taken: bool
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One stream.

    Attributes:
        published: Thermal frames played.
        received: Thermal frames that the node received.
        answered: Frames that it answered.
        rejected: Frames that cannot be used.
        dropped_by: Usable frames that were not answered, by cause.
        lost: Received, neither answered nor rejected nor dropped.
        at_reader: Answers that the reader got.
        twice: Stamps that came more than once.
        longest_gap_ms: Longest time between two answers at the reader.
        gap_p99_ms: 99th percentile of these times.
        swaps: All attempts.
        models_told: What ``/diagnostics`` counts as swaps.
        load: Of the machine, at the end.
    """

    published: int
    received: int
    answered: int
    rejected: int
    dropped_by: dict[str, int]
    lost: int
    at_reader: int
    twice: int
    longest_gap_ms: float
    gap_p99_ms: float
    swaps: tuple[Swap, ...]
    models_told: int
    load: str


def copy_bundles(model: str, folder: Path) -> list[Path]:
    """Return two copies of a bundle with names of their own, and a third that is broken."""
    copies = []
    for name in ('first', 'second', 'broken'):
        copy = folder / name
        shutil.copytree(resolve_bundle(model), copy, dirs_exist_ok=True)
        manifest = json.loads((copy / MANIFEST_NAME).read_text())
        manifest['name'] = name
        (copy / MANIFEST_NAME).write_text(json.dumps(manifest))
        copies.append(copy)
    for graph in copies[-1].glob('*.onnx'):
        graph.write_bytes(graph.read_bytes()[:-1])
    return copies


def swap_through(desk: Desk, models: Sequence[Path], seconds: float) -> list[Swap]:
    """Set one model after the other, evenly over a time."""
    swaps = []
    started_s = monotonic()
    for index, model in enumerate(models):
        due_s = started_s + seconds * index / len(models)
        desk.wait_until(lambda due_s=due_s: monotonic() >= due_s)  # type: ignore[misc]
        begin_ns = monotonic_ns()
        taken, reason = desk.set_parameter('model', str(model))
        spent_s = (monotonic_ns() - begin_ns) / 1e9
        swaps.append(Swap(model=model.name, taken=taken, seconds=spent_s, reason=reason))
    return swaps


def run(bag: Path, models: Sequence[Path], given: argparse.Namespace, scratch: Path) -> Run:
    """Play one stream to a fresh node and swap through the models meanwhile."""
    frames = round(RATE_HZ * given.seconds)
    times = scratch / 'written.json'
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(given.domain))
        desk.listen(Image, SEGMENTATION)
        command = node_command({'model': given.first, 'engine': given.engine})
        node = stack.enter_context(Child(command, scratch / 'node.log', given.domain))
        if not desk.wait_active(READY_S):
            sys.exit(f'the node did not come up:\n{node.text()}')
        command = player_command(bag, frames, given.domain, times)
        player = stack.enter_context(Child(command, scratch / 'player.log', given.domain))
        desk.wait_until(lambda: len(desk.heard[SEGMENTATION]) >= RATE_HZ)
        swaps = swap_through(desk, models, given.seconds - SETTLE_S)
        desk.wait_until(lambda: not player.runs, given.seconds + READY_S)
        told = desk.fresh_values('pipeline')
        node.end()
        return judge(desk, told, swaps, len(json.loads(times.read_text())['written']))


def judge(desk: Desk, told: dict[str, str], swaps: Sequence[Swap], published: int) -> Run:
    """Put together what the reader saw and what the node says."""
    heard = desk.heard[SEGMENTATION]
    stamps = Counter(CdrReader(cdr, IMAGE_TYPE).stamp_ns() for _, cdr in heard)
    gaps = np.diff([arrived for arrived, _ in heard]) / 1e6
    received, answered, rejected, dropped = (
        int(told[key]) for key in ('thermal', 'answered', 'rejected', 'dropped')
    )
    causes = {
        key.removeprefix('dropped_by/'): int(value)
        for key, value in told.items()
        if key.startswith('dropped_by/')
    }
    return Run(
        published=published,
        received=received,
        answered=answered,
        rejected=rejected,
        dropped_by=causes,
        lost=received - answered - rejected - dropped,
        at_reader=len(stamps),
        twice=sum(number > 1 for number in stamps.values()),
        longest_gap_ms=float(gaps.max()),
        gap_p99_ms=float(np.percentile(gaps, 99)),
        swaps=tuple(swaps),
        models_told=int(told['swaps']),
        load=load(),
    )


def summarise(runs: Sequence[Run]) -> str:
    """Return a table with one row a run."""
    rows = []
    for each in runs:
        taken = [swap.seconds for swap in each.swaps if swap.taken]
        refused = len(each.swaps) - len(taken)
        spent = f'{median(taken):.2f} / {max(taken):.2f}' if taken else None
        rows.append(
            (
                *(f'{len(taken)} ({refused} refused)', each.published, each.received),
                *(each.answered, each.rejected, each.dropped_by or 0, each.lost),
                *(each.at_reader, each.twice),
                f'{each.longest_gap_ms:.0f} ({each.gap_p99_ms:.0f})',
                *(spent, each.load),
            )
        )
    return table(COLUMNS, rows)


def main() -> None:
    """Let runs with and without swaps take turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--swaps', type=int, default=20)
    parser.add_argument('--seconds', type=float, default=60.0, help='length of a run')
    parser.add_argument('--rounds', type=int, default=1)
    parser.add_argument('--model', default='default')
    parser.add_argument('--engine', default='auto')
    parser.add_argument('--bag', type=Path, help='a drive made by xspec synth; made if missing')
    add_output(parser, domain=74)
    given = parser.parse_args()
    runs = []
    with TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        bag = make_drive(given.bag or scratch / 'drive.mcap', DRIVE_FRAMES)
        first, second, broken = copy_bundles(given.model, scratch)
        given.first = first
        models = [second if index % 2 == 0 else first for index in range(given.swaps)]
        models.insert(given.swaps // 2, broken)
        for _ in range(given.rounds):
            for chosen in ([], models):
                runs.append(run(bag, chosen, given, scratch))
                print(summarise(runs[-1:]), file=sys.stderr)
    report(summarise(runs), {'runs': [asdict(each) for each in runs]}, given.out)
    if any(each.lost or each.twice for each in runs):
        sys.exit('frames were lost, or answered twice')


if __name__ == '__main__':
    main()
