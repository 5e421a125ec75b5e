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

"""One bag through the bag door and through DDS: the same bytes come out."""

from __future__ import annotations

import os
from threading import Thread
import time
from typing import TYPE_CHECKING

import pytest

pytest.importorskip('cyclonedds')
pytest.importorskip('onnxruntime')

from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.session import replay_bag, ReplayJob
from xspec_ros.cli.progress import progress_bar
from xspec_ros.dds.live import live
from xspec_ros.dds.participant import Bus
from xspec_ros.dds.play import play
from xspec_ros.dds.qos import Profile
from xspec_ros.messages.topics import (
    CONFIDENCE,
    DETECTIONS,
    DETECTIONS_TYPE,
    IMAGE_TYPE,
    SEGMENTATION,
    THERMAL,
)
from xspec_ros.perception.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = 8
DEADLINE_S = 60.0
DOMAIN = 1 + (os.getpid() + 50) % 100
OUTPUTS = {SEGMENTATION: IMAGE_TYPE, CONFIDENCE: IMAGE_TYPE, DETECTIONS: DETECTIONS_TYPE}
LOOPBACK = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
    '</General></Domain></CycloneDDS>'
)


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(('ROS_', 'RMW_'))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv('CYCLONEDDS_URI', LOOPBACK)
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    from typer.testing import CliRunner

    from xspec_ros.cli.app import build

    bag = tmp_path / 'drive.mcap'
    arguments = ['synth', '--out', str(bag), '--frames', str(FRAMES), '--size', '160x128']
    result = CliRunner().invoke(build(), [*arguments, '--seed', '3', '--json'])
    assert result.exit_code == 0, result.output
    return bag


@pytest.fixture
def settings(tiny_bundle: Path) -> Settings:
    return Settings(
        model=str(tiny_bundle),
        engine='onnxruntime',
        precision='fp32',
        threads=1,
        score_threshold=0.0,
    )


def through_the_bag(drive: Path, settings: Settings, out: Path) -> dict[str, list[bytes]]:
    job = ReplayJob(bag=drive, settings=settings, out=out, report=False, overlay=False)
    replay_bag(job, progress_bar)
    found: dict[str, list[bytes]] = {topic: [] for topic in OUTPUTS}
    with BagReader(out / 'results.mcap') as results:
        for record in results.messages(list(OUTPUTS)):
            found[record.topic].append(bytes(record.cdr))
    return found


def through_the_bus(drive: Path, settings: Settings) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {topic: [] for topic in OUTPUTS}
    with Bus(DOMAIN) as bus, BagReader(drive) as bag:
        readers = {
            topic: bus.reader(topic, kind, Profile(depth=100)) for topic, kind in OUTPUTS.items()
        }
        running = Thread(
            target=live,
            args=(settings,),
            kwargs={'domain': DOMAIN, 'frames': FRAMES, 'seconds': DEADLINE_S},
        )
        running.start()
        topics = [topic for topic in bag.topics() if topic.name == THERMAL]

        def records() -> Iterator[object]:
            return bag.messages([THERMAL])

        play(records, topics, domain=DOMAIN, rate=0.1, wait_for=1)
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and any(len(each) < FRAMES for each in found.values()):
            for topic, reader in readers.items():
                found[topic] += reader.take()
            bus.wait(0.05)
        running.join(DEADLINE_S)
    return found


def test_a_bag_gives_the_same_bytes_through_both_doors(
    drive: Path, settings: Settings, tmp_path: Path
) -> None:
    from_bag = through_the_bag(drive, settings, tmp_path / 'replayed')
    from_bus = through_the_bus(drive, settings)
    for topic in OUTPUTS:
        assert len(from_bag[topic]) == FRAMES
        # DDS pads payloads to four bytes; what the message itself holds is the same.
        sizes = [len(cdr) for cdr in from_bag[topic]]
        trimmed = [cdr[:size] for cdr, size in zip(from_bus[topic], sizes, strict=True)]
        assert trimmed == from_bag[topic]
