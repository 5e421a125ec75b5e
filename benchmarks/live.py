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

"""Measure the live path: ``xspec live`` answering two 640x480 streams that another process plays.

Three processes on one machine, as on a robot: a player (this package's ``play``, two cameras at
30 Hz), ``xspec live``, and a reader of the segmentation. Latency runs from just before the
thermal frame is written to the moment the reader has its label image.

    python -m benchmarks.live --frames 1000 --out live.json
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
import itertools
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.bag.reader import BagReader
from xspec_ros.dds.participant import Bus
from xspec_ros.dds.play import play
from xspec_ros.dds.qos import Profile
from xspec_ros.messages.cdr import CdrReader, CdrWriter
from xspec_ros.messages.topics import IMAGE_TYPE, RGB, SEGMENTATION, THERMAL
from xspec_ros.perception.buffers import receive_buffer_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE_HZ = 30
DRIVE_FRAMES = 300
STAMP_AT = slice(4, 12)
READY_S = 60.0
QUIET_S = 2.0
LOOPBACK = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
    '</General></Domain></CycloneDDS>'
)


@dataclass(frozen=True, slots=True)
class Timed:
    """A record that notes when it is handed to the writer."""

    topic: str
    message: bytes
    log_ns: int
    written: dict[int, int]

    @property
    def cdr(self) -> memoryview:
        """The message; play asks for it right before it writes."""
        if self.topic == THERMAL:
            self.written[self.log_ns] = monotonic_ns()
        return memoryview(self.message)


def stamped(message: memoryview, stamp_ns: int) -> bytes:
    """Return an image message with another stamp."""
    writer = CdrWriter()
    writer.stamp_ns(stamp_ns)
    changed = bytearray(message)
    changed[STAMP_AT] = writer.finish()[STAMP_AT]
    return bytes(changed)


def endless(bag: Path, frames: int, written: dict[int, int]) -> Iterator[Timed]:
    """Yield ``frames`` thermal and RGB frames of a drive, over and over, on one growing clock."""
    period_ns = 1_000_000_000 // RATE_HZ
    count = {RGB: 0, THERMAL: 0}
    for _ in itertools.count():
        with BagReader(bag) as reader:
            for record in reader.messages([RGB, THERMAL]):
                index = count[record.topic]
                count[record.topic] += 1
                if min(count.values()) > frames:
                    return
                if index < frames:
                    stamp_ns = 1_000_000_000 + index * period_ns
                    message = stamped(record.cdr, stamp_ns)
                    yield Timed(record.topic, message, stamp_ns, written)


def run_player(bag: Path, frames: int, domain: int, out: Path) -> None:
    """Play and leave the write time of every thermal stamp in ``out``."""
    written: dict[int, int] = {}
    with BagReader(bag) as reader:
        topics = [topic for topic in reader.topics() if topic.name in (RGB, THERMAL)]
    summary = play(lambda: endless(bag, frames, written), topics, domain=domain, wait_for=2)
    out.write_text(json.dumps({'written': written, 'messages': summary.messages}))


def xspec(*arguments: str) -> list[str]:
    """Return the command line of a verb in this environment."""
    return [sys.executable, '-m', 'xspec_ros', *arguments]


def wait_for_live(bus: Bus, process: subprocess.Popen[str]) -> None:
    """Wait until ``xspec live`` has announced its topics."""
    end = monotonic() + READY_S
    while monotonic() < end and process.poll() is None:
        if any(entry.topic == SEGMENTATION for entry in bus.publications() if not entry.own):
            return
        bus.wait(0.05)
    sys.exit('xspec live did not come up')


def listen(bus: Bus, player: subprocess.Popen[bytes], frames: int) -> dict[int, int]:
    """Return the arrival time of every label image, by stamp."""
    reader = bus.reader(SEGMENTATION, IMAGE_TYPE, Profile(depth=100))
    arrived: dict[int, int] = {}
    last = monotonic()
    while len(arrived) < frames and (player.poll() is None or monotonic() - last < QUIET_S):
        bus.wait(0.1)
        for cdr in reader.take():
            arrived.setdefault(CdrReader(cdr, IMAGE_TYPE).stamp_ns(), monotonic_ns())
            last = monotonic()
    return arrived


def measure(bag: Path, arguments: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Run the three processes and put the figures together."""
    domain = str(arguments.domain)
    live = subprocess.Popen(
        xspec('live', '--domain', domain, '--model', arguments.model, '--json'),
        stdout=subprocess.PIPE,
        text=True,
    )
    times = folder / 'written.json'
    with Bus(arguments.domain) as bus:
        wait_for_live(bus, live)
        player = subprocess.Popen(
            [
                *(
                    sys.executable,
                    '-m',
                    'benchmarks.live',
                    '--player',
                    str(times),
                    '--bag',
                    str(bag),
                ),
                *('--frames', str(arguments.frames), '--domain', domain),
            ]
        )
        arrived = listen(bus, player, arguments.frames)
        player.wait()
    live.send_signal(signal.SIGINT)
    summary = json.loads(live.communicate()[0])
    written = {int(key): value for key, value in json.loads(times.read_text())['written'].items()}
    spent = [(arrived[key] - written[key]) / 1e6 for key in sorted(arrived) if key in written]
    quantiles = np.percentile(spent, [50, 95, 99, 100]).round(2).tolist() if spent else [None] * 4
    return {
        'frames': len(written),
        'answered_at_reader': len(spent),
        'share': round(len(spent) / max(len(written), 1), 4),
        'write_to_reader_ms': dict(zip(('p50', 'p95', 'p99', 'max'), quantiles, strict=True)),
        'rmem_max': receive_buffer_bytes(),
        'cores': os.cpu_count(),
        'live': summary,
    }


def main() -> None:
    """Run the benchmark, or its player process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=1000)
    parser.add_argument('--model', default='default')
    parser.add_argument('--bag', type=Path, help='a drive made by xspec synth; made if missing')
    parser.add_argument('--domain', type=int, default=77)
    parser.add_argument('--out', type=Path, help='also write the figures here, as JSON')
    parser.add_argument('--player', type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.environ.setdefault('CYCLONEDDS_URI', LOOPBACK)
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    if arguments.player:
        run_player(arguments.bag, arguments.frames, arguments.domain, arguments.player)
        return
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        bag = arguments.bag or folder / 'drive.mcap'
        if not bag.exists():
            command = xspec('synth', '--out', str(bag), '--frames', str(DRIVE_FRAMES))
            subprocess.run(command, check=True, stdout=sys.stderr)
        text = json.dumps(measure(bag, arguments, folder), indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
