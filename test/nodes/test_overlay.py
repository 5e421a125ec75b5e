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

"""The overlay node on a real graph: it draws while somebody looks."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, TYPE_CHECKING

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')

from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.result import Detections, Result
from xspec_ros.messages.detections import encode_detections
from xspec_ros.messages.image import decode_image_message, encode_compressed, encode_image
from xspec_ros.messages.labels import encode_label_info
from xspec_ros.nodes.bridge import PictureEncoder
from xspec_ros.nodes.overlay import OverlayNode
from xspec_ros.nodes.qos import LATCHED, LIST, RESULT
from xspec_ros.perception.overlay import draw_overlay

if TYPE_CHECKING:
    from conftest import Graph

SECOND = 1_000_000_000
HW = (48, 64)
OVERLAY = '/perception/overlay'
RAMP = np.linspace(0, 255, HW[0] * HW[1]).reshape(HW).astype(np.uint8)
COLOUR = np.stack([RAMP, RAMP[::-1], RAMP.T.reshape(HW)], axis=2)
BOX = Detections(
    boxes_xyxy=np.array([[10, 10, 40, 30]], np.float32),
    scores=np.array([0.75], np.float32),
    class_ids=np.array([0], np.int32),
)


def label_map() -> np.ndarray:
    return np.repeat(np.arange(HW[0]) % len(DEFAULT_CLASSES), HW[1]).reshape(HW).astype(np.uint8)


def expected(base: np.ndarray) -> np.ndarray:
    result = Result(
        stamp_ns=0,
        frame_id='',
        label_map=label_map(),
        confidence=label_map(),
        detections=BOX,
        mode='thermal',
    )
    return draw_overlay(base, result, DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES)


class Perception:
    """What the overlay node listens to, without a model."""

    def __init__(self, graph: Graph, kind: Any, topic: str) -> None:
        create = graph.user.create_publisher
        self.pictures = create(kind, topic, qos_profile_sensor_data)
        self.masks = create(Image, '/perception/segmentation', RESULT)
        self.boxes = create(Detection2DArray, '/perception/detections', LIST)
        self.labels = create(LabelInfo, '/perception/label_info', LATCHED)
        self.labels.publish(
            encode_label_info(DEFAULT_CLASSES, stamp_ns=0, frame_id='', threshold=0.0)
        )

    def heard_by(self) -> int:
        publishers = (self.pictures, self.masks, self.boxes, self.labels)
        return sum(each.get_subscription_count() for each in publishers)

    def answer(self, index: int, picture: bytes) -> None:
        stamp_ns = index * SECOND
        self.pictures.publish(picture)
        self.masks.publish(
            encode_image(label_map(), stamp_ns=stamp_ns, frame_id='cam', encoding='mono8')
        )
        self.boxes.publish(
            encode_detections(BOX, DEFAULT_DETECTION_CLASSES, stamp_ns=stamp_ns, frame_id='cam')
        )


@pytest.fixture
def start(graph: Graph):
    def make(**values: object) -> OverlayNode:
        given = [f'{name}:={value}' for name, value in values.items()]
        return graph.add(
            OverlayNode(cli_args=['--ros-args', *(part for g in given for part in ('-p', g))])
        )

    return make


def mono8(index: int) -> bytes:
    return encode_image(RAMP, stamp_ns=index * SECOND, frame_id='cam', encoding='mono8')


def rgb8(index: int) -> bytes:
    return encode_image(COLOUR, stamp_ns=index * SECOND, frame_id='cam', encoding='rgb8')


def png(index: int) -> bytes:
    _, data = cv2.imencode('.png', RAMP)
    text = 'mono8; png compressed '
    return encode_compressed(
        data.tobytes(), stamp_ns=index * SECOND, frame_id='cam', format_text=text
    )


@pytest.mark.parametrize(
    ('values', 'kind', 'topic', 'picture', 'base'),
    [
        ({}, Image, '/thermal/image_raw', mono8, None),
        ({'reference': 'rgb'}, Image, '/rgb/image_raw', rgb8, COLOUR),
        ({}, CompressedImage, '/thermal/image_raw/compressed', png, None),
        (
            {'thermal.transport': 'compressed'},
            CompressedImage,
            '/thermal/image_raw/compressed',
            png,
            None,
        ),
    ],
)
def test_answers_are_drawn_over_their_pictures(
    graph: Graph, start: Any, values: Any, kind: Any, topic: str, picture: Any, base: Any
) -> None:
    source = Perception(graph, kind, topic)
    start(**values)
    graph.listen(Image, OVERLAY)
    assert graph.wait_until(lambda: source.heard_by() == 4)
    for index in (1, 2, 3):
        before = len(graph.heard[OVERLAY])
        source.answer(index, picture(index))
        assert graph.wait_until(lambda seen=before: len(graph.heard[OVERLAY]) > seen)
    message = decode_image_message(graph.heard[OVERLAY][-1], max_bytes=1 << 20)
    assert (message.stamp_ns, message.frame_id) == (3 * SECOND, 'cam')
    assert (message.encoding, message.step) == ('rgb8', 3 * HW[1])
    drawn = message.data.reshape(*HW, 3)
    if base is not None:
        assert (drawn == expected(base)).all()
    else:  # the same boxes and colours over the tone-mapped picture
        assert np.abs(drawn.astype(int) - expected(RAMP)).mean() < 3


def test_nothing_is_heard_or_drawn_while_nobody_looks(graph: Graph, start: Any) -> None:
    source = Perception(graph, Image, '/thermal/image_raw')
    node = start()
    for _ in range(3):
        looker = graph.user.create_subscription(Image, OVERLAY, lambda message: None, 1)
        assert graph.wait_until(lambda: source.heard_by() == 4)
        assert node.overlay is not None
        graph.user.destroy_subscription(looker)
        assert graph.wait_until(lambda: source.heard_by() == 0)
        assert node.overlay is None


def test_qos_overrides_of_one_topic_leave_the_others_alone(graph: Graph, start: Any) -> None:
    name = 'qos_overrides./perception/segmentation.subscription.reliability'
    source = Perception(graph, Image, '/thermal/image_raw')
    start(**{name: 'best_effort'})
    graph.listen(Image, OVERLAY)
    assert graph.wait_until(lambda: source.heard_by() == 4)
    ways = {
        topic: graph.user.get_subscriptions_info_by_topic(topic)[0].qos_profile.reliability.name
        for topic in ('/perception/segmentation', '/perception/detections')
    }
    assert ways == {
        '/perception/segmentation': 'BEST_EFFORT',
        '/perception/detections': 'RELIABLE',
    }
    assert RESULT.reliability.name == 'RELIABLE'


class Log:
    """Takes what a node would log."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, text: str) -> None:
        self.lines.append(text)


def test_without_a_working_cv_bridge_it_says_so_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    failures = (
        ImportError('numpy.core.multiarray failed to import\nand more'),
        KeyError(16),
        None,
    )
    for failure in failures:
        monkeypatch.setitem(sys.modules, 'cv_bridge', _broken(failure))
        log = Log()
        encoder = PictureEncoder(log)
        cdr = encoder.encode(COLOUR, stamp_ns=5, frame_id='cam')
        message = decode_image_message(cdr, max_bytes=1 << 20)
        assert (message.data.reshape(*HW, 3) == COLOUR).all()
        assert len(log.lines) == 1
        assert encoder.fault in log.lines[0]
        assert 'and more' not in log.lines[0]
    assert capfd.readouterr().err == ''


def _broken(failure: Exception | None) -> Any:
    class CvBridge:
        def cv2_to_imgmsg(self, picture: Any, encoding: str) -> None:
            sys.stderr.write('A module that was compiled using NumPy 1.x cannot be run ...\n')
            if failure is not None:
                raise failure

    return type('module', (), {'CvBridge': CvBridge})


@pytest.mark.skipif(importlib.util.find_spec('cv_bridge') is None, reason='no cv_bridge')
def test_cv_bridge_and_our_encoder_make_the_same_message() -> None:
    from rclpy.serialization import serialize_message

    encoder = PictureEncoder(Log())
    if encoder.fault:
        pytest.skip(f'cv_bridge does not work here: {encoder.fault}')
    made = serialize_message(encoder.encode(COLOUR, stamp_ns=5 * SECOND + 7, frame_id='cam'))
    ours = encode_image(COLOUR, stamp_ns=5 * SECOND + 7, frame_id='cam', encoding='rgb8')
    assert made == ours
