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

"""A bus of its own for every test process, kept on the loopback interface, and live runs on it."""

from dataclasses import dataclass
import os
from threading import Event, Thread
import time

import numpy as np
import pytest

from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import (
    DETECTIONS,
    DETECTIONS_TYPE,
    DIAGNOSTICS,
    DIAGNOSTICS_TYPE,
    IMAGE_TYPE,
    RGB,
    SEGMENTATION,
    THERMAL,
)
from xspec_ros.perception.settings import Settings

LOOPBACK = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
    '</General></Domain></CycloneDDS>'
)
DOMAIN = 1 + os.getpid() % 100
DEADLINE_S = 20.0
SIZE_HW = (96, 128)


@pytest.fixture(autouse=True)
def _loopback(monkeypatch):
    for name in list(os.environ):
        if name.startswith(('ROS_', 'RMW_')):
            monkeypatch.delenv(name)
    monkeypatch.setenv('CYCLONEDDS_URI', LOOPBACK)
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


@pytest.fixture
def domain():
    """Domain of this test process."""
    return DOMAIN


@pytest.fixture
def bus(domain):
    """One participant of the domain."""
    participant = pytest.importorskip('xspec_ros.dds.participant')
    with participant.Bus(domain) as opened:
        yield opened


@pytest.fixture
def peer(domain):
    """Another participant of the domain."""
    participant = pytest.importorskip('xspec_ros.dds.participant')
    with participant.Bus(domain) as opened:
        yield opened


@pytest.fixture
def settings(tiny_bundle):
    """Settings of a run on a small bundle."""
    return Settings(
        model=str(tiny_bundle),
        engine='onnxruntime',
        precision='fp32',
        threads=1,
        stale_after_s=0.3,
    )


@dataclass
class Topic:
    name: str
    type_name: str = IMAGE_TYPE
    digest: str = ''


@pytest.fixture
def new_topic():
    """Return a function that gives a topic to play."""
    return Topic


@dataclass
class Record:
    topic: str
    cdr: memoryview
    log_ns: int


@pytest.fixture
def new_record():
    """Return a function that gives a message to play."""
    return Record


def thermal_counts(index):
    random = np.random.default_rng(index)
    picture = random.integers(7000, 7400, SIZE_HW).astype(np.uint16)
    picture[20:60, 10 + 4 * index : 40 + 4 * index] += 600
    return picture


@pytest.fixture
def counts():
    """Return a function that gives a 14-bit-like thermal picture, another for each frame."""
    return thermal_counts


def stamp_of(index):
    return 1_000_000_000 + index * 50_000_000


@pytest.fixture
def stamp_ns():
    """Return a function that gives the stamp of a frame."""
    return stamp_of


def record_drive(frames):
    records = []
    for index in range(frames):
        colour = np.full((*SIZE_HW, 3), 30 + index, np.uint8)
        for topic, image, encoding in (
            (RGB, colour, 'rgb8'),
            (THERMAL, thermal_counts(index), 'mono16'),
        ):
            cdr = encode_image(image, stamp_ns=stamp_of(index), frame_id='t', encoding=encoding)
            records.append(Record(topic, memoryview(cdr), stamp_of(index)))
    return records


@pytest.fixture
def drive():
    """Return a function that gives the messages of both cameras over some frames."""
    return record_drive


class Listener:
    """Reads outputs on its own participant, in its own thread, while a script runs."""

    def __init__(self, bus, profile):
        self.bus = bus
        self.segmentation = self.bus.reader(SEGMENTATION, IMAGE_TYPE, profile)
        self.detections = self.bus.reader(DETECTIONS, DETECTIONS_TYPE, profile)
        self.diagnostics = self.bus.reader(DIAGNOSTICS, DIAGNOSTICS_TYPE, profile)

    def collect(self, reader, enough):
        found = []
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            found += reader.take()
            if enough(found):
                return found
            self.bus.wait(0.02)
        return found


@pytest.fixture
def listener(domain):
    """Listener on a participant of its own."""
    from xspec_ros.dds.participant import Bus
    from xspec_ros.dds.qos import Profile

    made = Listener(Bus(domain), Profile(depth=1000))
    yield made
    made.bus.close()


@pytest.fixture
def run():
    """Return a function that runs live while a script acts on the bus in another thread.

    It returns the report of the run and the result of the script.
    """
    from xspec_ros.dds.live import live

    def beside(settings, domain, script, *, on_notice=None, seconds=DEADLINE_S):
        stop = Event()
        results = []

        def act():
            try:
                results.append(script())
            finally:
                stop.set()

        actor = Thread(target=act)
        actor.start()
        report = live(settings, domain=domain, stop=stop, seconds=seconds, on_notice=on_notice)
        actor.join(DEADLINE_S)
        return report, results[0] if results else None

    return beside
