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

"""The rclpy door against the DDS door on the same 30 Hz stream: latency, processor, memory.

Three processes, as on a robot: the player of benchmarks.live, the door, and this one, which
reads the segmentation. Player and reader are the same for both doors, which take turns.

    python -m benchmarks.ros.latency --frames 1000 --rounds 3
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import asdict, dataclass
import json
import os
from pathlib import Path
from statistics import median
import sys
from tempfile import TemporaryDirectory
from time import monotonic

import numpy as np

from benchmarks.live import listen
from benchmarks.ros.processes import (
    Child,
    load,
    make_drive,
    node_command,
    player_command,
    surroundings,
    xspec_command,
)
from benchmarks.ros.tables import add_output, report, table
from xspec_ros.dds.participant import Bus
from xspec_ros.dds.qos import Profile
from xspec_ros.messages.diagnostics import decode_diagnostics
from xspec_ros.messages.topics import DIAGNOSTICS, DIAGNOSTICS_TYPE, RGB, THERMAL
from xspec_ros.perception.buffers import receive_buffer_bytes

DOORS = ('rclpy node', 'xspec live')
DRIVE_FRAMES = 300
READY_S = 60.0
SETTLE_S = 2.0
COLUMNS = (
    'door',
    'answered at the reader',
    'write to reader p50 / p95 / p99 ms',
    'processor ms a frame',
    'RSS MiB',
    'its own counts',
    'load',
)
COUNTS = ('thermal', 'answered', 'dropped', 'rejected')


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One door, one stream.

    Attributes:
        door: Which door.
        frames: Thermal frames published.
        answered: Answers at the reader.
        p50_ms: Median of write to reader.
        p95_ms: 95th percentile.
        p99_ms: 99th percentile.
        cpu_ms: Processor milliseconds of the door's process for each frame.
        rss_mib: Its memory at the end.
        counts: What it says itself.
        load: Of the machine, at the end.
    """

    door: str
    frames: int
    answered: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    rss_mib: float
    counts: dict[str, str]
    load: str


def door_command(door: str, model: str) -> list[str]:
    """Return the command line of a door."""
    if door == 'rclpy node':
        return node_command({'model': model})
    return xspec_command('live', '--json', '--model', model)


def wait_for_door(bus: Bus, door: Child) -> None:
    """Wait until both cameras are listened on."""
    end_s = monotonic() + READY_S
    while monotonic() < end_s and door.runs:
        if {RGB, THERMAL} <= {entry.topic for entry in bus.subscriptions() if not entry.own}:
            bus.wait(SETTLE_S)
            return
        bus.wait(0.05)
    sys.exit(f'the door did not come up:\n{door.text()}')


def final_counts(bus: Bus) -> dict[str, str]:
    """Return what a door says of the stream, in a diagnosis that comes after its end."""
    reader = bus.reader(DIAGNOSTICS, DIAGNOSTICS_TYPE, Profile(depth=10))
    found: dict[str, str] = {}
    end_s = monotonic() + 2 * SETTLE_S
    while monotonic() < end_s:
        bus.wait(0.1)
        for cdr in reader.take():
            for status in decode_diagnostics(cdr):
                if status.name == 'perception: pipeline':
                    found |= {key: status.values[key] for key in COUNTS}
                elif status.name == 'perception: thermal input':
                    found |= {'missed': status.values['missed']}
    return found


def measure(door: str, bag: Path, given: argparse.Namespace, scratch: Path) -> Round:
    """Play one stream to one door."""
    times = scratch / 'written.json'
    with ExitStack() as stack:
        bus = stack.enter_context(Bus(given.domain))
        log = scratch / f'{door.replace(" ", "_")}.log'
        process = Child(door_command(door, given.model), log, given.domain)
        stack.enter_context(process)
        wait_for_door(bus, process)
        before = process.usage()
        command = player_command(bag, given.frames, given.domain, times)
        player = stack.enter_context(Child(command, scratch / 'player.log', given.domain))
        arrived = listen(bus, player.process, given.frames)
        player.wait(READY_S)
        after = process.usage()
        counts = final_counts(bus)
    written = {int(key): value for key, value in json.loads(times.read_text())['written'].items()}
    spent = [(arrived[key] - written[key]) / 1e6 for key in sorted(arrived) if key in written]
    p50, p95, p99 = np.percentile(spent, [50, 95, 99]).tolist() if spent else [float('nan')] * 3
    return Round(
        door=door,
        frames=len(written),
        answered=len(spent),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        cpu_ms=1e3 * (after.cpu_s - before.cpu_s) / max(len(written), 1),
        rss_mib=after.rss_mib,
        counts=counts,
        load=load(),
    )


def summarise(rounds: list[Round]) -> str:
    """Return a table of all rounds, and the ratio of the medians."""
    rows = [
        (
            *(each.door, f'{each.answered} of {each.frames}'),
            f'{each.p50_ms:.1f} / {each.p95_ms:.1f} / {each.p99_ms:.1f}',
            *(f'{each.cpu_ms:.1f}', f'{each.rss_mib:.0f}'),
            ', '.join(f'{name} {value}' for name, value in each.counts.items()),
            each.load,
        )
        for each in rounds
    ]
    return f'{table(COLUMNS, rows)}\n\n{ratios(rounds)}'


def ratios(rounds: list[Round]) -> str:
    """Return the rclpy door in terms of the DDS door, by the medians over the rounds."""
    lines = []
    for name in ('p50_ms', 'p95_ms', 'p99_ms', 'cpu_ms', 'rss_mib'):
        ours, theirs = (
            median(getattr(each, name) for each in rounds if each.door == door) for door in DOORS
        )
        lines.append(f'{name} {ours:.1f} : {theirs:.1f} = {ours / theirs:.2f}')
    return f'{DOORS[0]} : {DOORS[1]}, medians over the rounds: {"; ".join(lines)}'


def main() -> None:
    """Let both doors take turns and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=1000)
    parser.add_argument('--rounds', type=int, default=3, help='for each door')
    parser.add_argument('--model', default='default')
    parser.add_argument('--bag', type=Path, help='a drive made by xspec synth; made if missing')
    add_output(parser, domain=73)
    given = parser.parse_args()
    os.environ.update(surroundings(given.domain))
    rounds = []
    with TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        bag = make_drive(given.bag or scratch / 'drive.mcap', DRIVE_FRAMES)
        for _ in range(given.rounds):
            for door in DOORS:
                rounds.append(measure(door, bag, given, scratch))
                print(rounds[-1], file=sys.stderr)
    figures = {
        'rounds': [asdict(each) for each in rounds],
        'rmem_max': receive_buffer_bytes(),
    }
    report(summarise(rounds), figures, given.out)


if __name__ == '__main__':
    main()
