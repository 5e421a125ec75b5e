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

"""Work to messages: every accepted frame is answered, and the books balance."""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np
import pytest

from xspec_ros.errors import BundleError
from xspec_ros.messages.detections import decode_detections
from xspec_ros.messages.image import decode_image_message, encode_image
from xspec_ros.messages.labels import decode_label_info
from xspec_ros.messages.topics import CONFIDENCE, DETECTIONS, IMAGE_TYPE, LABEL_INFO, SEGMENTATION
from xspec_ros.perception.pipeline import open_pipeline, Pipeline
from xspec_ros.perception.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000


def thermal(seed: int, height: int = 96, width: int = 120) -> bytes:
    image = np.random.default_rng(seed).integers(7000, 9000, (height, width), np.uint16)
    return encode_image(image, stamp_ns=(seed + 1) * SECOND, frame_id='boson', encoding='mono16')


@pytest.fixture
def pipeline(tiny_bundle: Path) -> Pipeline:
    return open_pipeline(
        Settings(model=str(tiny_bundle), engine='onnxruntime', threads=1, score_threshold=0.0)
    )


def run(pipeline: Pipeline, payload: bytes) -> dict[str, bytes]:
    works = pipeline.accept('thermal', IMAGE_TYPE, payload, received_ns=perf_counter_ns())
    return {
        message.topic: message.cdr for work in works for message in pipeline.run(work).messages
    }


def test_every_frame_gets_its_three_messages_with_its_own_stamp(pipeline: Pipeline) -> None:
    messages = run(pipeline, thermal(4))
    assert set(messages) == {SEGMENTATION, CONFIDENCE, DETECTIONS}
    labels = decode_image_message(messages[SEGMENTATION], max_bytes=10**7)
    confidence = decode_image_message(messages[CONFIDENCE], max_bytes=10**7)
    for image in (labels, confidence):
        assert (image.stamp_ns, image.frame_id) == (5 * SECOND, 'boson')
        assert (image.encoding, image.height, image.width, image.step) == ('mono8', 96, 120, 120)


def test_boxes_lie_in_the_thermal_picture_and_carry_class_names(pipeline: Pipeline) -> None:
    messages = run(pipeline, thermal(1))
    names = pipeline.perception.bundle.manifest.detection_classes
    found = decode_detections(messages[DETECTIONS], names).detections
    assert len(found) > 0
    assert (found.boxes_xyxy[:, 0] >= 0).all()
    assert (found.boxes_xyxy[:, 2] <= 120).all()
    assert (found.boxes_xyxy[:, 3] <= 96).all()


def test_an_empty_answer_is_published_too(tiny_bundle: Path) -> None:
    strict = open_pipeline(
        Settings(model=str(tiny_bundle), engine='onnxruntime', threads=1, score_threshold=1.1)
    )
    messages = run(strict, thermal(0))
    names = strict.perception.bundle.manifest.detection_classes
    assert len(decode_detections(messages[DETECTIONS], names).detections) == 0


def test_unsure_pixels_become_unlabelled_only_when_asked(tiny_bundle: Path) -> None:
    strict = open_pipeline(
        Settings(model=str(tiny_bundle), engine='onnxruntime', threads=1, confidence_threshold=1.0)
    )
    labels = decode_image_message(run(strict, thermal(0))[SEGMENTATION], max_bytes=10**7)
    assert set(np.unique(labels.data).tolist()) == {255}


def test_the_books_balance(pipeline: Pipeline) -> None:
    closed = encode_image(
        np.full((96, 120), 8000, np.uint16), stamp_ns=9 * SECOND, frame_id='', encoding='mono16'
    )
    for payload in (thermal(0), thermal(1), thermal(1), closed, b'torn', thermal(20)):
        run(pipeline, payload)
    summary = pipeline.summary()
    assert summary['thermal'] == 6
    assert (summary['answered'], summary['rejected'], summary['dropped']) == (3, 2, 1)
    assert summary['rejected_by'] == {'shutter': 1, 'cdr': 1}
    assert summary['dropped_by'] == {'duplicate': 1}


def test_every_stage_has_its_latency(pipeline: Pipeline) -> None:
    run(pipeline, thermal(0))
    latency = pipeline.summary()['latency_ms']
    assert isinstance(latency, dict)
    assert set(latency) == {'decode', 'wait', 'infer', 'encode', 'total'}
    parts = sum(latency[stage]['p50'] for stage in ('decode', 'wait', 'infer', 'encode'))
    assert latency['total']['p50'] == pytest.approx(parts, rel=0.02)


def test_label_info_is_latched_and_names_every_class(pipeline: Pipeline) -> None:
    [message] = pipeline.latched()
    assert (message.topic, message.latched) == (LABEL_INFO, True)
    names = [label.name for label in pipeline.perception.bundle.manifest.classes]
    assert list(decode_label_info(message.cdr).names.values()) == names


def test_a_mode_without_a_graph_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match='no graph for mode'):
        open_pipeline(Settings(model=str(tiny_bundle), mode='fused'))


def test_eight_and_sixteen_bit_twins_give_the_same_labels(pipeline: Pipeline) -> None:
    small = np.random.default_rng(0).integers(0, 255, (96, 120), np.uint8)
    twins = [
        encode_image(small, stamp_ns=SECOND, frame_id='', encoding='mono8'),
        encode_image(small.astype(np.uint16), stamp_ns=9 * SECOND, frame_id='', encoding='mono16'),
    ]
    pipeline.intake.tone.reset()
    first = run(pipeline, twins[0])[SEGMENTATION]
    pipeline.intake.tone.reset()
    second = run(pipeline, twins[1])[SEGMENTATION]
    pictures = [decode_image_message(cdr, max_bytes=10**7).data for cdr in (first, second)]
    np.testing.assert_array_equal(*pictures)
