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

"""Perception on a real bus: the same answers as without one, and plain words about trouble."""

from dataclasses import dataclass, replace
import itertools
import json
import shutil
from threading import Event, Thread
import time

import cv2
import msgspec
import numpy as np
import pytest

pytest.importorskip('cyclonedds')
pytest.importorskip('onnxruntime')

from xspec_ros.dds.live import live
from xspec_ros.dds.participant import Bus
from xspec_ros.dds.play import play
from xspec_ros.dds.qos import LATCHED, Profile
from xspec_ros.messages.diagnostics import decode_diagnostics, ERROR
from xspec_ros.messages.image import (
    decode_image_message,
    encode_compressed,
    encode_image,
)
from xspec_ros.messages.labels import decode_label_info
from xspec_ros.messages.topics import (
    COMPRESSED_TYPE,
    DETECTIONS,
    DETECTIONS_TYPE,
    DIAGNOSTICS,
    DIAGNOSTICS_TYPE,
    IMAGE_TYPE,
    LABEL_INFO,
    LABEL_INFO_TYPE,
    RGB,
    SEGMENTATION,
    THERMAL,
)
from xspec_ros.messages.typestore import typestore
from xspec_ros.perception.pipeline import open_pipeline
from xspec_ros.perception.settings import RgbInput, Settings, ThermalInput

DEADLINE_S = 20.0
ALL = Profile(depth=1000)
SIZE_HW = (96, 128)


@dataclass
class Topic:
    name: str
    type_name: str = IMAGE_TYPE
    digest: str = ''


@dataclass
class Record:
    topic: str
    cdr: memoryview
    log_ns: int


@pytest.fixture
def settings(tiny_bundle):
    return Settings(
        model=str(tiny_bundle),
        engine='onnxruntime',
        precision='fp32',
        threads=1,
        stale_after_s=0.3,
    )


def counts(index):
    """Return a 14-bit-like thermal picture that changes from frame to frame."""
    random = np.random.default_rng(index)
    picture = random.integers(7000, 7400, SIZE_HW).astype(np.uint16)
    picture[20:60, 10 + 4 * index : 40 + 4 * index] += 600
    return picture


def stamp_ns(index):
    return 1_000_000_000 + index * 50_000_000


def drive(frames):
    records = []
    for index in range(frames):
        colour = np.full((*SIZE_HW, 3), 30 + index, np.uint8)
        for topic, image, encoding in (
            (RGB, colour, 'rgb8'),
            (THERMAL, counts(index), 'mono16'),
        ):
            cdr = encode_image(image, stamp_ns=stamp_ns(index), frame_id='t', encoding=encoding)
            records.append(Record(topic, memoryview(cdr), stamp_ns(index)))
    return records


class Listener:
    """Reads outputs on its own participant, in its own thread, while a script runs."""

    def __init__(self, domain):
        self.bus = Bus(domain)
        self.segmentation = self.bus.reader(SEGMENTATION, IMAGE_TYPE, ALL)
        self.detections = self.bus.reader(DETECTIONS, DETECTIONS_TYPE, ALL)
        self.diagnostics = self.bus.reader(DIAGNOSTICS, DIAGNOSTICS_TYPE, ALL)

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
    made = Listener(domain)
    yield made
    made.bus.close()


def run(settings, domain, script, *, on_notice=None, seconds=DEADLINE_S):
    """Run live while ``script`` acts on the bus in another thread; return both results."""
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


def test_bus_gives_the_answers_that_the_pipeline_gives_alone(settings, domain, listener):
    records = drive(8)

    def script():
        play(lambda: records, [Topic(RGB), Topic(THERMAL)], domain=domain, rate=0.25, wait_for=2)
        masks = listener.collect(listener.segmentation, lambda found: len(found) >= 8)
        boxes = listener.collect(listener.detections, lambda found: len(found) >= 8)
        return masks, boxes

    report, (masks, boxes) = run(settings, domain, script)
    assert (report.summary['thermal'], report.summary['answered']) == (8, 8)
    assert (report.summary['pairs'], report.summary['dropped']) == (8, 0)

    alone = open_pipeline(settings)
    expected = {SEGMENTATION: [], DETECTIONS: []}
    for record in records:
        source = 'rgb' if record.topic == RGB else 'thermal'
        for work in alone.accept(source, IMAGE_TYPE, record.cdr, received_ns=0):
            for message in alone.run(work).messages:
                expected.setdefault(message.topic, []).append(message.cdr)
    alone.close()
    assert [
        cdr[: len(other)] for cdr, other in zip(masks, expected[SEGMENTATION], strict=True)
    ] == (expected[SEGMENTATION])
    for received, topic in ((masks, SEGMENTATION), (boxes, DETECTIONS)):
        sizes = [len(cdr) for cdr in expected[topic]]
        unpadded = [cdr[:size] for cdr, size in zip(received, sizes, strict=True)]
        assert unpadded == expected[topic]
    answered = [decode_image_message(cdr, max_bytes=1 << 20).stamp_ns for cdr in masks]
    assert answered == [stamp_ns(index) for index in range(8)]


def test_late_joiner_learns_the_labels_and_diagnostics_come(settings, domain, listener):
    def script():
        reader = listener.bus.reader(LABEL_INFO, LABEL_INFO_TYPE, LATCHED)
        labels = listener.collect(reader, bool)
        states = listener.collect(listener.diagnostics, bool)
        return labels, states

    _, (labels, states) = run(settings, domain, script)
    assert decode_label_info(labels[0]).names[0] == 'road'
    names = {status.name for status in decode_diagnostics(states[0])}
    assert {'perception: thermal input', 'perception: rgb input'} <= names


def until_both_are_told(settings, domain):
    """Run until something was said of either camera; return the report and what was said."""
    told, stop = [], Event()

    def take(notice):
        told.append(notice)
        if len(told) == 2:
            stop.set()

    report = live(settings, domain=domain, seconds=DEADLINE_S, stop=stop, on_notice=take)
    return report, told


def test_nobody_publishing_is_explained(settings, domain):
    report, told = until_both_are_told(settings, domain)
    assert [notice.kind for notice in told] == ['no_publisher', 'no_publisher']
    assert [notice.level for notice in told] == ['error', 'warning']
    assert f'this is {domain}' in told[0].text
    assert report.summary['answered'] == 0


@pytest.mark.parametrize(
    ('topic', 'type_name', 'kind', 'said'),
    [
        (THERMAL, IMAGE_TYPE, 'quiet', 'camera not started'),
        (THERMAL, LABEL_INFO_TYPE, 'type', LABEL_INFO_TYPE),
        ('/boson/image_raw', IMAGE_TYPE, 'no_publisher', '/boson/image_raw'),
    ],
)
def test_a_silent_publisher_is_explained_by_what_is_in_sight(
    settings, domain, bus, topic, type_name, kind, said
):
    writer = bus.writer(topic, type_name, ALL)
    _, told = until_both_are_told(settings, domain)
    assert writer.topic == topic  # it lives as long as it is named
    thermal = [notice for notice in told if notice.text.startswith('thermal: ')]
    assert [notice.kind for notice in thermal] == [kind]
    assert said in thermal[0].text


def test_compressed_only_camera_is_found(settings, domain):
    topic = f'{THERMAL}/compressed'
    records = []
    for index in range(3):
        _, png = cv2.imencode('.png', counts(index))
        cdr = encode_compressed(
            png.tobytes(),
            stamp_ns=stamp_ns(index),
            frame_id='t',
            format_text='mono16; png compressed ',
        )
        records.append(Record(topic, memoryview(cdr), stamp_ns(index)))

    def script():
        play(
            lambda: records, [Topic(topic, COMPRESSED_TYPE)], domain=domain, wait_for=1, rate=0.25
        )

    report, _ = run(settings, domain, script)
    assert report.summary['thermal'] == 3
    assert report.summary['answered'] == 3


def test_dead_camera_is_named_and_the_other_goes_on(settings, domain, listener):
    records = [record for record in drive(14) if record.topic == THERMAL or record.log_ns < 1.2e9]
    told = []

    def script():
        play(lambda: records, [Topic(RGB), Topic(THERMAL)], domain=domain, wait_for=2)
        named = lambda _: any(notice.kind == 'dead' for notice in told)  # noqa: E731
        return listener.collect(listener.segmentation, named)

    report, masks = run(settings, domain, script, on_notice=told.append)
    dead = [notice for notice in told if notice.kind == 'dead']
    assert dead[0].level == 'warning'  # mode thermal does without it
    assert dead[0].text.startswith(f'rgb camera is dead: {RGB}')
    assert report.summary['answered'] > 4
    assert masks


def test_run_ends_after_the_asked_number_of_answers(settings, domain):
    player_stop = Event()

    def script():
        play(
            lambda: drive(30),
            [Topic(RGB), Topic(THERMAL)],
            domain=domain,
            wait_for=2,
            stop=player_stop,
        )

    actor = Thread(target=script)
    actor.start()
    report = live(settings, domain=domain, frames=5, seconds=DEADLINE_S)
    player_stop.set()
    actor.join(DEADLINE_S)
    assert 5 <= report.summary['answered'] <= 7


def test_damaged_messages_are_counted_and_the_stream_goes_on(settings, domain):
    records = [record for record in drive(3) if record.topic == THERMAL]
    message = typestore().deserialize_cdr(records[1].cdr, IMAGE_TYPE)
    damaged = replace(message, step=3)
    records[1].cdr = typestore().serialize_cdr(damaged, IMAGE_TYPE)

    def script():
        play(lambda: records, [Topic(THERMAL)], domain=domain, wait_for=1, rate=0.25)

    report, _ = run(settings, domain, script)
    assert report.summary['thermal'] == 3
    assert report.summary['answered'] == 2
    assert report.summary['rejected_by'] == {'step': 1}


def test_inputs_can_be_named_compressed_outright(settings, domain, bus):
    chosen = Settings(
        model=settings.model,
        engine='onnxruntime',
        precision='fp32',
        threads=1,
        thermal=ThermalInput(topic='/cam/compressed'),
        rgb=RgbInput(topic='/eye', transport='compressed'),
    )
    writers = [
        bus.writer('/cam/compressed', COMPRESSED_TYPE, ALL),
        bus.writer('/eye/compressed', COMPRESSED_TYPE, ALL),
    ]

    def script():
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and not all(writer.matched() for writer in writers):
            bus.wait(0.02)
        return [writer.matched() for writer in writers]

    _, matched = run(chosen, domain, script)
    assert matched == [1, 1]


def test_silent_camera_shows_in_diagnostics(settings, domain, listener):
    records = [record for record in drive(2) if record.topic == THERMAL]

    def script():
        play(lambda: records, [Topic(THERMAL)], domain=domain, wait_for=1)

        def silent(found):
            return any(
                status.level == ERROR for cdr in found for status in decode_diagnostics(cdr)
            )

        return silent(listener.collect(listener.diagnostics, silent))

    _, seen = run(settings, domain, script)
    assert seen


def new_bundle(source, target, name, confidence):
    """Copy a bundle under another name and confidence threshold."""
    shutil.copytree(source, target)
    manifest = json.loads((target / 'bundle.json').read_text())
    manifest['name'] = name
    manifest['thresholds']['confidence'] = confidence
    (target / 'bundle.json').write_text(json.dumps(manifest))
    return target


class Stream:
    """A thermal camera at 20 Hz in its own thread, until it is stopped."""

    def __init__(self, domain):
        self.stop = Event()
        self.thread = Thread(target=self.run, args=(domain,))
        self.thread.start()

    def run(self, domain):
        topics = [Topic(THERMAL)]
        play(self.records, topics, domain=domain, wait_for=1, stop=self.stop)

    def records(self):
        for index in itertools.count():
            cdr = encode_image(
                counts(index % 8), stamp_ns=stamp_ns(index), frame_id='t', encoding='mono16'
            )
            yield Record(THERMAL, memoryview(cdr), stamp_ns(index))

    def close(self):
        self.stop.set()
        self.thread.join(DEADLINE_S)


def test_a_bundle_that_replaces_the_models_folder_is_swapped_in_and_a_bad_one_is_not(
    settings, domain, listener, tiny_bundle, tmp_path
):
    folder = new_bundle(tiny_bundle, tmp_path / 'served', 'first', 0.0)
    labels = listener.bus.reader(LABEL_INFO, LABEL_INFO_TYPE, LATCHED)
    told, thresholds = [], []

    def heard(kind):
        def enough(_):
            thresholds.extend(decode_label_info(cdr).threshold for cdr in labels.take())
            return any(notice.kind == kind for notice in told)

        return enough

    def script():
        stream = Stream(domain)
        try:
            listener.collect(listener.segmentation, lambda found: len(found) > 10)
            folder.rename(tmp_path / 'gone')
            new_bundle(tiny_bundle, tmp_path / 'new', 'second', 0.25).rename(folder)
            listener.collect(listener.segmentation, heard('swapped'))
            listener.collect(listener.segmentation, lambda found: len(found) > 10)
            with (folder / 'thermal.fp32.onnx').open('ab') as file:
                file.write(b'damage')
            listener.collect(listener.segmentation, heard('swap_refused'))
            listener.collect(listener.segmentation, lambda found: len(found) > 10)
            heard('')(None)
        finally:
            stream.close()

    report, _ = run(
        msgspec.structs.replace(settings, model=str(folder)),
        domain,
        script,
        on_notice=told.append,
        seconds=6 * DEADLINE_S,
    )
    summary = report.summary
    assert [n.kind for n in told if 'swap' in n.kind] == ['swapped', 'swap_refused']
    assert (summary['swaps'], summary['swaps_refused'], summary['model']) == (1, 1, 'second')
    assert summary['thermal'] == summary['answered'] + summary['rejected'] + summary['dropped']
    assert summary['answered'] > 30
    assert summary['rejected'] == 0
    assert thresholds == pytest.approx([0.0, 0.25])
