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

from __future__ import annotations

from contextlib import contextmanager
import resource
import signal

import numpy as np
import pytest

from xspec_ros.bag.pack import pack
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.session import replay_bag, ReplayJob
from xspec_ros.bag.writer import BagWriter
from xspec_ros.cli.progress import progress_bar
from xspec_ros.core.labels import UNLABELLED
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import Sample
from xspec_ros.messages.image import decode_image_message
from xspec_ros.messages.topics import IMAGE_TYPE, RGB, THERMAL
from xspec_ros.perception.settings import Settings

PAYLOAD = 300_000
SIZE = (48, 64)
FRAMES = 6
LABELLED_SIZE = (24, 32)


@pytest.fixture
def small_disk():
    """Return a context in which files grow to so many bytes only, as on a full disk."""

    @contextmanager
    def limit(size):
        old = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, old)
            signal.signal(signal.SIGXFSZ, handler)

    return limit


@pytest.fixture
def messages():
    """Return (topic, cdr, log time) of 12 messages; the bytes tell them apart."""
    return [
        (RGB if index % 2 else THERMAL, bytes([index]) * PAYLOAD, 1000 + index)
        for index in range(12)
    ]


@pytest.fixture
def write(messages):
    """Return a function that writes these messages to a path and returns the path."""

    def write_bag(path, **options):
        with BagWriter(path, **options) as bag:
            for topic, cdr, log_ns in messages:
                bag.write(topic, IMAGE_TYPE, cdr, log_ns)
        return path

    return write_bag


@pytest.fixture
def read():
    """Return a function that reads a bag: its messages and its tear."""

    def read_bag(path):
        with BagReader(path) as bag:
            found = [(item.topic, bytes(item.cdr), item.log_ns) for item in bag]
            return found, bag.tear

    return read_bag


@pytest.fixture
def samples():
    """Return six labelled samples of a drive."""
    rng = np.random.default_rng(3)
    slope = np.linspace(20, 200, SIZE[0] * SIZE[1]).reshape(SIZE)
    return [
        Sample(
            name=str(index),
            rgb=rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8),
            thermal=(slope + rng.normal(0, 3, SIZE)).clip(0, 255).astype(np.uint8),
            label_map=rng.integers(0, 11, SIZE).astype(np.uint8),
            boxes_thermal=Boxes.of([[4, 4, 20, 30]], [index % 3]),
        )
        for index in range(FRAMES)
    ]


@pytest.fixture
def bag(samples, tmp_path):
    """Return the path of a 16-bit drive with truth."""
    path = tmp_path / 'drive.mcap'
    with BagWriter(path) as writer:
        pack(samples, writer, bits=16)
    return path


@pytest.fixture
def replay():
    """Return a function that replays a bag on one thread of onnxruntime."""

    def run(bag, bundle, out, *, progress=progress_bar, job=None, **more):
        settings = Settings(model=str(bundle), engine='onnxruntime', threads=1, **more)
        return replay_bag(ReplayJob(bag=bag, settings=settings, out=out, **(job or {})), progress)

    return run


@pytest.fixture
def thermal_stamps():
    """Return a function that lists the stamps of the thermal frames of a bag."""

    def read_stamps(path):
        with BagReader(path) as reader:
            return [
                decode_image_message(record.cdr, max_bytes=10**7).stamp_ns
                for record in reader.messages([THERMAL])
            ]

    return read_stamps


@pytest.fixture
def labelled():
    """Return a labelled sample, one labelled as empty, and an unlabelled one."""
    rng = np.random.default_rng(0)
    made = []
    for name in 'abc':
        mask = rng.integers(0, 11, LABELLED_SIZE).astype(np.uint8)
        mask[0] = UNLABELLED
        boxes = Boxes.of(
            [[1, 2, 5, 9], [3, 3, 8, 8], [0, 0, 9, 9]], [2, 0, -1], [False, True, True]
        )
        made.append(
            Sample(
                name=name,
                rgb=rng.integers(0, 256, (*LABELLED_SIZE, 3)).astype(np.uint8),
                thermal=rng.integers(0, 256, LABELLED_SIZE).astype(np.uint8),
                label_map=mask if name == 'a' else None,
                boxes_thermal={'a': boxes, 'b': Boxes.empty()}.get(name),
            )
        )
    return made


@pytest.fixture
def labelled_bag(labelled, tmp_path):
    """Return the path of a bag of these samples at 20 Hz."""
    path = tmp_path / 'labelled.mcap'
    with BagWriter(path) as writer:
        pack(labelled, writer, rate_hz=20.0)
    return path
