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

"""Messages in, pictures for people out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xspec_ros.core.result import Detections
from xspec_ros.messages.detections import encode_detections
from xspec_ros.messages.image import encode_compressed, encode_image
from xspec_ros.messages.labels import encode_label_info
from xspec_ros.messages.topics import COMPRESSED_TYPE, DETECTIONS, IMAGE_TYPE, SEGMENTATION
from xspec_ros.perception.live_overlay import LiveOverlay, PICTURE

SIZE = (48, 64)
CLASSES = ('road', 'rider')
STAMP = 1_700_000_000_000_000_000
RAMP = np.linspace(7000, 9000, SIZE[0] * SIZE[1]).reshape(SIZE).astype(np.uint16)


def boxes_message(name: str = 'person', stamp_ns: int = STAMP) -> bytes:
    found = Detections(
        boxes_xyxy=np.array([[10, 10, 40, 30]], np.float32),
        scores=np.array([0.9], np.float32),
        class_ids=np.array([0], np.int32),
    )
    return encode_detections(found, [name], stamp_ns=stamp_ns, frame_id='boson')


def mask_message(label: int = 0, size: tuple[int, int] = SIZE, stamp_ns: int = STAMP) -> bytes:
    mask = np.full(size, label, np.uint8)
    return encode_image(mask, stamp_ns=stamp_ns, frame_id='boson', encoding='mono8')


def thermal_message(stamp_ns: int = STAMP) -> bytes:
    return encode_image(RAMP, stamp_ns=stamp_ns, frame_id='boson', encoding='mono16')


def labels_message(names: tuple[str, ...] = CLASSES) -> bytes:
    return encode_label_info(names, stamp_ns=0, frame_id='', threshold=0.0)


def feed(overlay: LiveOverlay, picture: bytes, mask: bytes, boxes: bytes):
    parts = ((PICTURE, picture), (SEGMENTATION, mask), (DETECTIONS, boxes))
    return [overlay.take(part, cdr) for part, cdr in parts][-1]


def test_an_answer_is_drawn_over_its_picture() -> None:
    overlay = LiveOverlay()
    overlay.take_labels(labels_message())
    drawn = feed(overlay, thermal_message(), mask_message(), boxes_message())
    assert (drawn.stamp_ns, drawn.frame_id) == (STAMP, 'boson')
    assert drawn.picture.shape == (*SIZE, 3)
    red, green, blue = (int(value) for value in drawn.picture[-1, -1])
    assert red > green  # road's purple over white
    assert blue > green
    assert drawn.picture[0].mean() < drawn.picture[-1].mean()  # warm is bright
    assert overlay.lack() == ''


def test_rgb_pictures_and_compressed_ones_are_drawn_as_they_are() -> None:
    colour = np.zeros((*SIZE, 3), np.uint8)
    colour[..., 2] = 200
    _, data = cv2.imencode('.png', colour[..., ::-1])
    rgb = encode_image(colour, stamp_ns=STAMP, frame_id='cam', encoding='rgb8')
    png = encode_compressed(
        data.tobytes(), stamp_ns=STAMP, frame_id='cam', format_text='rgb8; png compressed bgr8'
    )
    pictures = []
    for cdr, type_name in ((rgb, IMAGE_TYPE), (png, COMPRESSED_TYPE)):
        overlay = LiveOverlay(reference='rgb')
        overlay.take_labels(labels_message())
        overlay.take(SEGMENTATION, mask_message(255))
        overlay.take(DETECTIONS, boxes_message())
        drawn = overlay.take_picture(type_name, cdr)
        assert drawn is not None
        pictures.append(drawn.picture)
    assert (pictures[0] == pictures[1]).all()
    assert pictures[0][-1, -1].tolist() == [0, 0, 110]


@pytest.mark.parametrize('name', ['person', 'rider', 'zebra'])
def test_boxes_of_any_name_are_drawn(name: str) -> None:
    pictures = []
    for boxes in (
        boxes_message(name),
        encode_detections(Detections.empty(), [], stamp_ns=STAMP, frame_id='boson'),
    ):
        overlay = LiveOverlay()
        overlay.take_labels(labels_message())
        pictures.append(feed(overlay, thermal_message(), mask_message(), boxes).picture)
    assert (pictures[0] != pictures[1]).any()


def test_a_score_threshold_hides_weak_boxes() -> None:
    pictures = []
    for threshold in (0.0, 0.95):
        overlay = LiveOverlay(score_threshold=threshold)
        overlay.take_labels(labels_message())
        parts = (thermal_message(), mask_message(), boxes_message())
        pictures.append(feed(overlay, *parts).picture)
    assert (pictures[0] != pictures[1]).any()


def test_what_does_not_fit_is_counted_and_the_next_is_drawn() -> None:
    overlay = LiveOverlay()
    overlay.take_labels(labels_message())
    assert feed(overlay, thermal_message(), mask_message(size=(8, 8)), boxes_message()) is None
    assert feed(overlay, thermal_message()[:-9], mask_message(), boxes_message()) is None
    assert overlay.take_labels(b'rubbish') is None
    rejected = {key: count for key, count in overlay.counts.items() if 'rejected' in key}
    assert rejected == {'rejected/size': 1, 'rejected/cdr': 2}
    assert feed(overlay, thermal_message(), mask_message(), boxes_message()) is not None


def test_what_is_missing_is_named() -> None:
    overlay = LiveOverlay()
    overlay.take(PICTURE, thermal_message())
    assert SEGMENTATION in overlay.lack()
    feed(overlay, thermal_message(), mask_message(), boxes_message())
    assert 'label_info' in overlay.lack()
    strange = LiveOverlay()
    strange.take_labels(labels_message())
    for index in range(40):
        later = STAMP + 10**9 * (index + 1)
        masks = mask_message(stamp_ns=later), boxes_message(stamp_ns=later)
        feed(strange, thermal_message(STAMP - index), *masks)
    assert 'no stamp in common' in strange.lack()
