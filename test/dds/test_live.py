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

"""Perception on a real bus: the same answers as without one."""

from dataclasses import replace
from threading import Event, Thread
import time

import cv2
import pytest

pytest.importorskip('cyclonedds')
pytest.importorskip('onnxruntime')

from xspec_ros.dds.live import live
from xspec_ros.dds.play import play
from xspec_ros.dds.qos import LATCHED, Profile
from xspec_ros.messages.diagnostics import decode_diagnostics
from xspec_ros.messages.image import decode_image_message, encode_compressed
from xspec_ros.messages.labels import decode_label_info
from xspec_ros.messages.topics import (
    COMPRESSED_TYPE,
    DETECTIONS,
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


def test_bus_gives_the_answers_that_the_pipeline_gives_alone(
    settings, domain, listener, new_topic, stamp_ns, drive, run
):
    records = drive(8)

    def script():
        play(
            lambda: records,
            [new_topic(RGB), new_topic(THERMAL)],
            domain=domain,
            rate=0.25,
            wait_for=2,
        )
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


def test_late_joiner_learns_the_labels_and_diagnostics_come(settings, domain, listener, run):
    def script():
        reader = listener.bus.reader(LABEL_INFO, LABEL_INFO_TYPE, LATCHED)
        labels = listener.collect(reader, bool)
        states = listener.collect(listener.diagnostics, bool)
        return labels, states

    _, (labels, states) = run(settings, domain, script)
    assert decode_label_info(labels[0]).names[0] == 'road'
    names = {status.name for status in decode_diagnostics(states[0])}
    assert {'perception: thermal input', 'perception: rgb input'} <= names


def test_compressed_only_camera_is_found(
    settings, domain, new_topic, new_record, counts, stamp_ns, run
):
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
        records.append(new_record(topic, memoryview(cdr), stamp_ns(index)))

    def script():
        play(
            lambda: records,
            [new_topic(topic, COMPRESSED_TYPE)],
            domain=domain,
            wait_for=1,
            rate=0.25,
        )

    report, _ = run(settings, domain, script)
    assert report.summary['thermal'] == 3
    assert report.summary['answered'] == 3


def test_run_ends_after_the_asked_number_of_answers(settings, domain, new_topic, drive):
    player_stop = Event()

    def script():
        play(
            lambda: drive(30),
            [new_topic(RGB), new_topic(THERMAL)],
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


def test_damaged_messages_are_counted_and_the_stream_goes_on(
    settings, domain, new_topic, drive, run
):
    records = [record for record in drive(3) if record.topic == THERMAL]
    message = typestore().deserialize_cdr(records[1].cdr, IMAGE_TYPE)
    damaged = replace(message, step=3)
    records[1].cdr = typestore().serialize_cdr(damaged, IMAGE_TYPE)

    def script():
        play(lambda: records, [new_topic(THERMAL)], domain=domain, wait_for=1, rate=0.25)

    report, _ = run(settings, domain, script)
    assert report.summary['thermal'] == 3
    assert report.summary['answered'] == 2
    assert report.summary['rejected_by'] == {'step': 1}


def test_inputs_can_be_named_compressed_outright(settings, domain, bus, run):
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
