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

"""The life of the perception node by the real tools: lifecycle, bag in, topics out, misuse.

python -m benchmarks.ros.walk
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import asdict, dataclass
import os
from pathlib import Path
import re
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lifecycle_msgs.msg import Transition

from benchmarks.ros.desk import Desk
from benchmarks.ros.processes import Child, make_drive, node_command, surroundings
from benchmarks.ros.tables import add_output, report, table
from xspec_ros.messages.topics import (
    CONFIDENCE,
    DETECTIONS,
    DIAGNOSTICS,
    LABEL_INFO,
    RGB,
    SEGMENTATION,
    THERMAL,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = '/perception'
DRIVE_FRAMES = 300
COMMAND_S = 30.0
HZ_S = 9.0
RATE = '0.5'
RATES = (SEGMENTATION, CONFIDENCE, DETECTIONS, DIAGNOSTICS)
MISUSE = {
    'unconfigured': ('activate', 'deactivate', 'cleanup', 'shutdown when active', 'number 77'),
    'inactive': ('configure', 'deactivate', 'shutdown when unconfigured'),
    'active': ('configure', 'activate', 'cleanup', 'shutdown when inactive'),
    'finalized': ('configure', 'activate', 'cleanup'),
}
NUMBERS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'activate': Transition.TRANSITION_ACTIVATE,
    'deactivate': Transition.TRANSITION_DEACTIVATE,
    'cleanup': Transition.TRANSITION_CLEANUP,
    'shutdown when unconfigured': Transition.TRANSITION_UNCONFIGURED_SHUTDOWN,
    'shutdown when inactive': Transition.TRANSITION_INACTIVE_SHUTDOWN,
    'shutdown when active': Transition.TRANSITION_ACTIVE_SHUTDOWN,
    'number 77': 77,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command and its outcome.

    Attributes:
        command: What was done.
        outcome: What came of it, shortened to what matters.
    """

    command: str
    outcome: str


def tool(domain: int, *words: str, seconds: float = COMMAND_S) -> str:
    """Run a ``ros2`` command for at most so long and return what it wrote."""
    command = ['timeout', '--signal=INT', str(seconds), 'ros2', *words]
    done = subprocess.run(
        command, env=surroundings(domain), capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def transition(domain: int, name: str) -> Step:
    """Make a transition with ``ros2 lifecycle`` and ask for the state."""
    said = tool(domain, 'lifecycle', 'set', NAME, name).strip()
    state = tool(domain, 'lifecycle', 'get', NAME).strip()
    return Step(command=f'ros2 lifecycle set {NAME} {name}', outcome=f'{said}; {state}')


def topic_rate(domain: int, topic: str) -> Step:
    """Measure a topic with ``ros2 topic hz``."""
    said = tool(domain, 'topic', 'hz', topic, seconds=HZ_S)
    found = re.findall(r'average rate: ([\d.]+)', said)
    outcome = f'average rate: {found[-1]}' if found else said.strip() or 'nothing'
    return Step(command=f'ros2 topic hz {topic}', outcome=outcome)


def one_message(domain: int, topic: str, pattern: str, *options: str) -> Step:
    """Show one message with ``ros2 topic echo`` and pick what matters of it."""
    said = tool(domain, 'topic', 'echo', '--once', *options, topic)
    found = ', '.join(dict.fromkeys(re.findall(pattern, said)))
    command = ' '.join(('ros2 topic echo --once', *options, topic))
    return Step(command=command, outcome=found or said.strip() or 'nothing')


def outputs(domain: int) -> list[Step]:
    """Look at every result while a bag is playing."""
    latched = ('--qos-durability', 'transient_local', '--qos-reliability', 'reliable')
    fields = r'(?:sec|nanosec|frame_id|height|width|encoding|step): \S+'
    node = tool(domain, 'node', 'info', NAME)
    published = re.findall(r'(/perception/\w+): (?!lifecycle|rcl|type_desc)', node)
    return [
        *(topic_rate(domain, topic) for topic in RATES),
        one_message(domain, SEGMENTATION, fields, '--no-arr'),
        one_message(domain, DETECTIONS, r'class_id: \S+'),
        one_message(domain, LABEL_INFO, r'class_name: \S+', *latched),
        one_message(domain, DIAGNOSTICS, r"name: '?(.+?)'?\n", '--full-length'),
        Step(command=f'ros2 node info {NAME}', outcome=', '.join(published)),
    ]


def misuse(desk: Desk, state: str) -> list[Step]:
    """Ask for transitions that are impossible in this state, by the raw service."""
    steps = []
    for name in MISUSE[state]:
        made = desk.change(NUMBERS[name])
        after = desk.state()
        steps.append(
            Step(command=f'{name} while {state}', outcome=f'success={made}, still {after}')
        )
        if made or after != state:
            sys.exit(f'{steps[-1]}')
    return steps


def walk(given: argparse.Namespace, scratch: Path) -> tuple[list[Step], list[Step]]:
    """Go through the whole life; return the steps and the misuses between them."""
    domain = given.domain
    bag = make_drive(scratch / 'walk.mcap', DRIVE_FRAMES)
    with ExitStack() as stack:
        desk = stack.enter_context(Desk(domain))
        command = node_command({'model': given.model, 'autostart': False})
        node = stack.enter_context(Child(command, scratch / 'node.log', domain))
        bad = misuse(desk, 'unconfigured')
        steps = [transition(domain, 'configure')]
        bad += misuse(desk, 'inactive')
        steps.append(transition(domain, 'activate'))
        bad += misuse(desk, 'active')
        play = ['ros2', 'bag', 'play', str(bag), '-r', RATE, '--loop']
        play += ['--disable-keyboard-controls', '--topics', THERMAL, RGB]
        with Child(play, scratch / 'play.log', domain):
            desk.wait_until(lambda: desk.values('pipeline').get('answered', '0') != '0')
            steps.append(Step(command=f'ros2 bag play BAG -r {RATE} --loop', outcome='answered'))
            steps += outputs(domain)
            steps.append(transition(domain, 'deactivate'))
            steps.append(topic_rate(domain, SEGMENTATION))
        steps += [transition(domain, name) for name in ('cleanup', 'configure', 'shutdown')]
        bad += misuse(desk, 'finalized')
        steps.append(Step(command='SIGINT', outcome=f'exit status {node.end()[0]}'))
        print(node.text(), file=sys.stderr)
    return steps, bad


def main() -> None:
    """Walk and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='default')
    add_output(parser, domain=85)
    given = parser.parse_args()
    os.environ.update(surroundings(given.domain))
    with TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        scratch.mkdir(parents=True, exist_ok=True)
        steps, bad = walk(given, scratch)
    subprocess.run(['ros2', 'daemon', 'stop'], capture_output=True, check=False)

    def rows(found: Sequence[Step]) -> list[tuple[str, str]]:
        return [(f'`{step.command}`', ' '.join(step.outcome.split())) for step in found]

    text = table(('command', 'outcome'), rows(steps))
    text += '\n\n' + table(('asked for by the raw service', 'answer'), rows(bad))
    figures = {'steps': [asdict(each) for each in steps], 'misuse': [asdict(each) for each in bad]}
    report(text, figures, given.out)


if __name__ == '__main__':
    main()
