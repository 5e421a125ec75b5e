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

"""What can go wrong in front of the perception node, done on a real graph."""

from __future__ import annotations

from dataclasses import dataclass, field
import re
import sys
from time import time
from typing import TYPE_CHECKING

from benchmarks.ros.fakes import (
    cloud,
    compressed_only,
    FakeCamera,
    rgb_camera,
    thermal_camera,
)
from benchmarks.ros.processes import Child, make_drive
from xspec_ros.messages.topics import RGB, THERMAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from benchmarks.ros.desk import Desk

LOG_LINE = re.compile(r'^\[(\w+)\] \[(\d+\.\d+)\] \[[\w.]+\]: (.*)$', re.MULTILINE)
READY_S = 60.0
STEADY_S = 2.0
DRIVE_FRAMES = 60


@dataclass(slots=True)
class Stage:
    """What a case plays on.

    Attributes:
        desk: The user's node.
        domain: DDS domain.
        scratch: Folder for logs and bags.
        command: Command line of the node.
        node: The node, when it has been started.
        stack: Ends what was started.
    """

    desk: Desk
    domain: int
    scratch: Path
    command: list[str]
    stack: ExitStack
    node: Child | None = None

    def plug(self, camera: FakeCamera) -> FakeCamera:
        """Keep a camera until the case is over."""
        return self.stack.enter_context(camera)

    def start(self, *, active: bool = True) -> float:
        """Start the node; return the wall clock when it became active, or was started."""
        started_s = time()
        self.node = self.stack.enter_context(
            Child(self.command, self.scratch / 'node.log', self.domain)
        )
        if not active:
            return started_s
        if not self.desk.wait_active(READY_S):
            sys.exit(f'the node did not come up:\n{self.node.text()}')
        return next(at for at, _, text in self.said() if text.startswith('active'))

    def said(self) -> list[tuple[float, str, str]]:
        """Return time, severity and text of every line that the node has logged."""
        text = '' if self.node is None else self.node.text()
        return [(float(at), level, said) for level, at, said in LOG_LINE.findall(text)]

    def run(self) -> None:
        """Let everything run for a moment."""
        self.desk.wait_until(lambda: False, STEADY_S)

    def play(self, *options: str) -> Child:
        """Play a short drive of two seconds with ``ros2 bag play``."""
        bag = make_drive(self.scratch / 'drive.mcap', DRIVE_FRAMES)
        command = ['ros2', 'bag', 'play', str(bag), '--disable-keyboard-controls', *options]
        child = Child([*command, '--topics', THERMAL, RGB], self.scratch / 'play.log', self.domain)
        return self.stack.enter_context(child)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that goes wrong.

    Attributes:
        name: What goes wrong.
        provoke: Makes it happen; returns the wall clock of that moment.
        expected: What the user must be told, as a pattern.
        parameters: Of the node.
    """

    name: str
    provoke: Callable[[Stage], float]
    expected: str
    parameters: Mapping[str, object] = field(default_factory=dict)


def nobody(stage: Stage) -> float:
    """Publish nothing."""
    return stage.start()


def elsewhere(stage: Stage) -> float:
    """Publish images on a topic that the node does not know."""
    stage.plug(FakeCamera(stage.desk.node, '/boson/image_raw'))
    return stage.start()


def best_effort(stage: Stage) -> float:
    """Offer best effort to a node that was made to ask for reliable."""
    stage.plug(thermal_camera(stage.desk.node, reliable=False))
    return stage.start()


def no_image(stage: Stage) -> float:
    """Announce a point cloud on the image topic."""
    stage.plug(cloud(stage.desk.node))
    return stage.start()


def packed(stage: Stage) -> float:
    """Announce compressed images on the topic of the raw ones."""
    stage.plug(compressed_only(stage.desk.node))
    return stage.start()


def not_started(stage: Stage) -> float:
    """Announce cameras that send nothing."""
    for make in (thermal_camera, rgb_camera):
        stage.plug(make(stage.desk.node)).fall_silent()
    return stage.start()


def thermal_silent(stage: Stage) -> float:
    """Let the thermal camera fall silent while RGB goes on."""
    camera = stage.plug(thermal_camera(stage.desk.node))
    stage.plug(rgb_camera(stage.desk.node))
    stage.start()
    stage.run()
    camera.fall_silent()
    return time()


def thermal_gone(stage: Stage) -> float:
    """Let the thermal driver end while RGB goes on."""
    camera = stage.plug(thermal_camera(stage.desk.node))
    stage.plug(rgb_camera(stage.desk.node))
    stage.start()
    stage.run()
    camera.close()
    return time()


def rgb_silent(stage: Stage) -> float:
    """Let the RGB camera fall silent while thermal goes on."""
    stage.plug(thermal_camera(stage.desk.node))
    camera = stage.plug(rgb_camera(stage.desk.node))
    stage.start()
    stage.run()
    camera.fall_silent()
    return time()


def far_apart(stage: Stage) -> float:
    """Stamp RGB 220 ms early."""
    stage.plug(thermal_camera(stage.desk.node))
    stage.plug(rgb_camera(stage.desk.node, late_ms=-220.0))
    return stage.start()


def apart(stage: Stage) -> float:
    """Stamp RGB 15 ms later than a pair may be apart."""
    stage.plug(thermal_camera(stage.desk.node))
    stage.plug(rgb_camera(stage.desk.node, late_ms=15.0))
    return stage.start()


def unknown_encoding(stage: Stage) -> float:
    """Send pictures that nobody can decode."""
    stage.plug(FakeCamera(stage.desk.node, THERMAL, encoding='mono12'))
    return stage.start()


def cameras_only(stage: Stage) -> float:
    """Run both cameras, and no clock."""
    stage.plug(thermal_camera(stage.desk.node))
    stage.plug(rgb_camera(stage.desk.node))
    return stage.start()


def no_model(stage: Stage) -> float:
    """Name a model that is not there."""
    return stage.start(active=False)


def twin(stage: Stage) -> float:
    """Start a second node of the same name."""
    first = Child(stage.command, stage.scratch / 'first.log', stage.domain)
    stage.stack.enter_context(first)
    stage.desk.wait_active(READY_S)
    stage.desk.diagnoses.clear()
    started_s = stage.start(active=False)
    node = stage.node
    stage.desk.wait_until(lambda: node is not None and 'active:' in node.text(), READY_S)
    return next((at for at, _, text in stage.said() if text.startswith('active')), started_s)


RELIABLE = {f'qos_overrides.{THERMAL}.subscription.reliability': 'reliable'}
CASES = (
    Case(name='nobody publishes', provoke=nobody, expected='nobody publishes anything'),
    Case(name='images on another topic', provoke=elsewhere, expected='images on this domain: /b'),
    Case(
        name='best-effort camera, reader made reliable',
        provoke=best_effort,
        expected=r'other QoS \(reliability\)',
        parameters=RELIABLE,
    ),
    Case(name='a point cloud on the topic', provoke=no_image, expected='PointCloud2'),
    Case(
        name='compressed images on the raw topic',
        provoke=packed,
        expected='transport to compressed',
        parameters={'thermal.transport': 'raw'},
    ),
    Case(name='cameras not started', provoke=not_started, expected='sends nothing'),
    Case(name='thermal falls silent', provoke=thermal_silent, expected='thermal camera is dead'),
    Case(name='thermal driver ends', provoke=thermal_gone, expected='publisher is gone'),
    Case(name='RGB falls silent', provoke=rgb_silent, expected='rgb camera is dead'),
    Case(name='RGB stamps 220 ms early', provoke=far_apart, expected='rgb.stamp_offset_ms to'),
    Case(
        name='stamps 15 ms apart, slop_ms 3',
        provoke=apart,
        expected='slop_ms is 3',
        parameters={'slop_ms': 3.0},
    ),
    Case(name='unknown encoding', provoke=unknown_encoding, expected='encoding'),
    Case(
        name='use_sim_time, nothing publishes /clock',
        provoke=cameras_only,
        expected='clock does not run',
        parameters={'use_sim_time': True},
    ),
    Case(
        name='model missing',
        provoke=no_model,
        expected='/models/of/mine',
        parameters={'model': '/models/of/mine'},
    ),
    Case(name='two nodes of one name', provoke=twin, expected='another node publishes'),
)
