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

"""One bag through every door: label maps, confidences and boxes are equal byte for byte.

python -m benchmarks.ros.doors --frames 60 --rate 0.2
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from benchmarks.live import STAMP_AT
from benchmarks.ros.desk import Desk
from benchmarks.ros.processes import (
    Child,
    make_drive,
    node_command,
    xspec_command,
)
from benchmarks.ros.tables import add_output, report, table
from xspec_ros.bag.reader import BagReader
from xspec_ros.messages.topics import CONFIDENCE, DETECTIONS, RGB, SEGMENTATION, THERMAL

if TYPE_CHECKING:
    from collections.abc import Mapping

OUTPUTS = {SEGMENTATION: Image, CONFIDENCE: Image, DETECTIONS: Detection2DArray}
CAMERAS = (THERMAL, RGB)
FEEDERS = ('xspec play', 'ros2 bag play', 'rclpy publisher')
DOORS = ('xspec live', 'rclpy node')
READY_S = 90.0
LAST_S = 10.0
BAG_PLAY_DELAY_S = 2

Collected = dict[str, list[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is played, how fast, and what answers.

    Attributes:
        bag: The recording.
        frames: Its thermal frames.
        rate: Factor on the recorded speed.
        settings: Run-time parameters, the same for every door.
        scratch: Folder for logs.
        domain: DDS domain.
    """

    bag: Path
    frames: int
    rate: float
    settings: Mapping[str, object]
    scratch: Path
    domain: int


def through_the_bag(course: Course) -> Collected:
    """Replay the bag and return what was written."""
    out = course.scratch / 'replayed'
    options = ('--out', str(out), '--no-overlay', '--no-report')
    command = xspec_command('replay', str(course.bag), *options, **course.settings)
    subprocess.run(command, check=True, stdout=sys.stderr)
    found: Collected = {topic: [] for topic in OUTPUTS}
    with BagReader(out / 'results.mcap') as results:
        for record in results.messages(list(OUTPUTS)):
            found[record.topic].append(bytes(record.cdr))
    return found


def feed_command(feeder: str, course: Course) -> list[str]:
    """Return the command line of what publishes the bag."""
    bag, rate = str(course.bag), str(course.rate)
    if feeder == 'xspec play':
        topics = [part for topic in CAMERAS for part in ('--topic', topic)]
        return xspec_command('play', bag, '--rate', rate, '--wait-for', '2', *topics)
    if feeder == 'rclpy publisher':
        return [sys.executable, '-m', 'benchmarks.ros.camera', bag, '--rate', rate]
    options = ('--delay', str(BAG_PLAY_DELAY_S), '--disable-keyboard-controls')
    return ['ros2', 'bag', 'play', bag, '-r', rate, *options, '--topics', *CAMERAS]


def door_command(door: str, course: Course) -> list[str]:
    """Return the command line of what answers."""
    if door == 'rclpy node':
        return node_command(course.settings)
    return xspec_command('live', '--json', **course.settings)


def through_the_graph(feeder: str, door: str, course: Course) -> Collected:
    """Play the bag to a door and return what it published."""
    log = course.scratch / f'{feeder}-{door}'.replace(' ', '_')
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(course.domain))
        for topic, kind in OUTPUTS.items():
            desk.listen(kind, topic)
        answering = Child(door_command(door, course), log.with_suffix('.door.log'), course.domain)
        stack.enter_context(answering)
        for topic in CAMERAS:
            if not desk.wait_subscribed(topic, READY_S):
                sys.exit(f'{door} did not come up:\n{answering.text()}')
        feeding = Child(feed_command(feeder, course), log.with_suffix('.feed.log'), course.domain)
        stack.enter_context(feeding)

        def complete() -> bool:
            return all(len(desk.heard[topic]) >= course.frames for topic in OUTPUTS)

        desk.wait_until(lambda: complete() or not feeding.runs, READY_S + 30 * course.frames)
        desk.wait_until(complete, LAST_S)
        return {topic: [cdr for _, cdr in desk.heard[topic]] for topic in OUTPUTS}


def equal(expected: list[bytes], found: list[bytes]) -> int:
    """Count equal messages, stamp by stamp; DDS pads to four bytes, which is not the message."""
    by_stamp = {cdr[STAMP_AT]: cdr for cdr in found}
    return sum(one == by_stamp.get(one[STAMP_AT], b'')[: len(one)] for one in expected)


def compare(course: Course) -> dict[str, dict[str, int]]:
    """Return, for every way, how many messages there were and how many were the same."""
    expected = through_the_bag(course)
    found = {'xspec replay': count(expected, expected)}
    for door in DOORS:
        for feeder in FEEDERS:
            got = through_the_graph(feeder, door, course)
            found[f'{feeder}, {door}'] = count(expected, got)
            print(f'{feeder}, {door}: {found[f"{feeder}, {door}"]}', file=sys.stderr)
    return found


def count(expected: Collected, found: Collected) -> dict[str, int]:
    """Return the number of answers, and of the equal messages of each topic."""
    same = {topic: equal(expected[topic], found[topic]) for topic in OUTPUTS}
    return {'answers': len(found[SEGMENTATION])} | same


def main() -> None:
    """Run every way and print what was equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--frames', type=int, default=60)
    parser.add_argument('--size', default='640x480')
    parser.add_argument('--rate', type=float, default=0.2, help='factor on 30 Hz')
    parser.add_argument('--model', default='default')
    parser.add_argument('--engine', default='onnxruntime')
    parser.add_argument('--precision', default='fp32')
    add_output(parser, domain=72)
    given = parser.parse_args()
    settings = {'model': given.model, 'engine': given.engine, 'precision': given.precision}
    with TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        course = Course(
            bag=make_drive(scratch / f'doors_{given.size}.mcap', given.frames, size=given.size),
            frames=given.frames,
            rate=given.rate,
            settings=settings | {'threads': 1, 'score_threshold': 0.0},
            scratch=scratch,
            domain=given.domain,
        )
        found = compare(course)
    rows = [
        (way, counts['answers'], *(f'{counts[topic]} of {given.frames}' for topic in OUTPUTS))
        for way, counts in found.items()
    ]
    columns = ('fed by, answered by', 'answers', 'equal label maps', 'confidences', 'boxes')
    text = table(columns, rows)
    report(text, {'ways': found, 'frames': given.frames, **settings}, given.out)
    if any(counts[topic] != given.frames for counts in found.values() for topic in OUTPUTS):
        sys.exit('not every message is equal')


if __name__ == '__main__':
    main()
