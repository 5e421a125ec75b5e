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

"""The perception node on a real graph: lifecycle, answers, parameters, swaps."""

from __future__ import annotations

import shutil
from typing import Any, TYPE_CHECKING

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from xspec_ros.core.labels import DEFAULT_DETECTION_CLASSES
from xspec_ros.errors import EngineError
from xspec_ros.messages.detections import decode_detections
from xspec_ros.messages.diagnostics import decode_diagnostics, ERROR
from xspec_ros.messages.image import decode_image_message, encode_compressed, encode_image
from xspec_ros.messages.labels import decode_label_info
from xspec_ros.nodes.perception import PerceptionNode
from xspec_ros.perception.live import MAX_FAILURES

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Graph

SECOND = 1_000_000_000
HW = (96, 120)
MAX_IMAGE_BYTES = 1 << 20
SEGMENTATION = '/perception/segmentation'


def thermal(index: int) -> bytes:
    image = np.random.default_rng(index).integers(7000, 9000, HW, np.uint16)
    stamp_ns = (index + 1) * SECOND // 10
    return encode_image(image, stamp_ns=stamp_ns, frame_id='boson', encoding='mono16')


def parameters(**values: object) -> list[str]:
    """Return the command line that gives a node its parameters."""
    given = [f'{name}:={value}' for name, value in values.items()]
    return ['--ros-args', *(part for each in given for part in ('-p', each))]


@pytest.fixture
def start(graph: Graph, tiny_bundle: Path):
    """Make a perception node with parameters, on the tiny model unless told otherwise."""

    def make(**values: object) -> PerceptionNode:
        given = {'model': tiny_bundle, 'engine': 'onnxruntime', 'threads': 1} | values
        return graph.add(PerceptionNode(cli_args=parameters(**given)))

    return make


def change(graph: Graph, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return bool(graph.call(ChangeState, '/perception/change_state', request).success)


def state(graph: Graph) -> int:
    return int(graph.call(GetState, '/perception/get_state', GetState.Request()).current_state.id)


def set_parameter(graph: Graph, name: str, value: object) -> Any:
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    return graph.call(SetParameters, '/perception/set_parameters', request).results[0]


def stream(graph: Graph, first: int, count: int, *, answers: int) -> None:
    """Publish frames, each after the answer to the one before, until so many are answered."""
    publisher = graph.user.create_publisher(Image, '/thermal/image_raw', qos_profile_sensor_data)
    assert graph.wait_until(lambda: publisher.get_subscription_count() > 0)
    for index in range(first, first + count):
        before = len(graph.heard[SEGMENTATION])
        publisher.publish(thermal(index))
        assert graph.wait_until(lambda seen=before: len(graph.heard[SEGMENTATION]) > seen)
    assert len(graph.heard[SEGMENTATION]) >= answers
    graph.user.destroy_publisher(publisher)


def is_active(graph: Graph) -> bool:
    return state(graph) == State.PRIMARY_STATE_ACTIVE


def test_frames_are_answered_with_their_own_stamp_and_frame(graph: Graph, start: Any) -> None:
    for kind, topic in ((Image, SEGMENTATION), (Image, '/perception/confidence')):
        graph.listen(kind, topic)
    graph.listen(Detection2DArray, '/perception/detections')
    graph.listen(LabelInfo, '/perception/label_info', latched=True)
    start()
    assert graph.wait_until(lambda: is_active(graph))
    stream(graph, 0, 3, answers=3)
    for index, cdr in enumerate(graph.heard[SEGMENTATION]):
        image = decode_image_message(cdr, max_bytes=MAX_IMAGE_BYTES)
        assert (image.stamp_ns, image.frame_id) == ((index + 1) * SECOND // 10, 'boson')
        assert (image.encoding, image.height, image.width, image.step) == ('mono8', *HW, HW[1])
    assert graph.wait_until(lambda: len(graph.heard['/perception/detections']) == 3)
    boxes = decode_detections(graph.heard['/perception/detections'][0], DEFAULT_DETECTION_CLASSES)
    assert len(boxes.detections) <= 300
    labels = decode_label_info(graph.heard['/perception/label_info'][-1])
    assert 'person' in str(labels)


@pytest.mark.parametrize('topic', ['/thermal/image_raw/compressed', '/thermal/image_raw'])
def test_compressed_pictures_are_found_where_only_they_are_published(
    graph: Graph, start: Any, topic: str
) -> None:
    graph.listen(Image, SEGMENTATION)
    start()
    assert graph.wait_until(lambda: is_active(graph))
    publisher = graph.user.create_publisher(CompressedImage, topic, qos_profile_sensor_data)
    assert graph.wait_until(lambda: publisher.get_subscription_count() > 0)
    image = np.random.default_rng(0).integers(7000, 9000, HW, np.uint16)
    _, data = cv2.imencode('.png', image)
    cdr = encode_compressed(
        data.tobytes(), stamp_ns=SECOND, frame_id='boson', format_text='mono16; png compressed '
    )
    publisher.publish(cdr)
    assert graph.wait_until(lambda: len(graph.heard[SEGMENTATION]) == 1)
    graph.user.destroy_publisher(publisher)


def test_without_autostart_the_lifecycle_is_the_users(graph: Graph, start: Any) -> None:
    start(autostart=False)
    steps = [
        (Transition.TRANSITION_CONFIGURE, State.PRIMARY_STATE_INACTIVE),
        (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
        (Transition.TRANSITION_DEACTIVATE, State.PRIMARY_STATE_INACTIVE),
        (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
        (Transition.TRANSITION_DEACTIVATE, State.PRIMARY_STATE_INACTIVE),
        (Transition.TRANSITION_CLEANUP, State.PRIMARY_STATE_UNCONFIGURED),
        (Transition.TRANSITION_CONFIGURE, State.PRIMARY_STATE_INACTIVE),
        (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
        (Transition.TRANSITION_ACTIVE_SHUTDOWN, State.PRIMARY_STATE_FINALIZED),
    ]
    assert state(graph) == State.PRIMARY_STATE_UNCONFIGURED
    for transition, goal in steps:
        assert change(graph, transition)
        assert state(graph) == goal


@pytest.mark.parametrize(
    'transition',
    [
        Transition.TRANSITION_ACTIVATE,
        Transition.TRANSITION_DEACTIVATE,
        Transition.TRANSITION_CLEANUP,
        Transition.TRANSITION_ACTIVE_SHUTDOWN,
    ],
)
def test_an_impossible_transition_is_refused_and_the_node_lives(
    graph: Graph, start: Any, transition: int
) -> None:
    start(autostart=False)
    assert not change(graph, transition)
    assert state(graph) == State.PRIMARY_STATE_UNCONFIGURED
    assert change(graph, Transition.TRANSITION_CONFIGURE)


def test_a_missing_model_fails_configure_with_the_reason_in_the_diagnostics(
    graph: Graph, start: Any
) -> None:
    graph.listen(DiagnosticArray, '/diagnostics')
    start(model='/no/such/model', autostart=False)
    assert not change(graph, Transition.TRANSITION_CONFIGURE)
    assert state(graph) == State.PRIMARY_STATE_UNCONFIGURED

    def told() -> bool:
        statuses = [
            status for cdr in graph.heard['/diagnostics'] for status in decode_diagnostics(cdr)
        ]
        return any(s.level == ERROR and '/no/such/model' in s.message for s in statuses)

    assert graph.wait_until(told)


def test_a_calibration_of_another_size_is_told(graph: Graph, start: Any) -> None:
    graph.listen(DiagnosticArray, '/diagnostics')
    graph.listen(Image, SEGMENTATION)
    start()
    assert graph.wait_until(lambda: is_active(graph))
    publisher = graph.user.create_publisher(
        CameraInfo, '/thermal/camera_info', qos_profile_sensor_data
    )
    assert graph.wait_until(lambda: publisher.get_subscription_count() > 0)
    stream(graph, 0, 1, answers=1)
    publisher.publish(CameraInfo(height=480, width=640, k=[400.0] * 9))

    def told() -> bool:
        return any(
            status.values.get('calibration', '').startswith('calib_size')
            for cdr in graph.heard['/diagnostics']
            for status in decode_diagnostics(cdr)
        )

    assert graph.wait_until(told)
    graph.user.destroy_publisher(publisher)


def test_an_unknown_parameter_fails_configure_by_name(graph: Graph, start: Any) -> None:
    node = start(slop='50', autostart=False)
    assert not change(graph, Transition.TRANSITION_CONFIGURE)
    assert 'slop_ms' in node.fault


def test_a_model_is_swapped_under_a_running_stream(
    graph: Graph, start: Any, tiny_bundle: Path, tmp_path: Path
) -> None:
    graph.listen(Image, SEGMENTATION)
    graph.listen(LabelInfo, '/perception/label_info', latched=True)
    node = start()
    assert graph.wait_until(lambda: is_active(graph))
    stream(graph, 0, 2, answers=2)
    other = shutil.copytree(tiny_bundle, tmp_path / 'other')
    assert set_parameter(graph, 'model', str(other)).successful
    stream(graph, 2, 2, answers=4)
    counts = node.session.stream.pipeline.progress()
    assert (counts['thermal'], counts['answered'], counts['swaps']) == (4, 4, 1)
    assert graph.wait_until(lambda: len(graph.heard['/perception/label_info']) == 2)


def test_a_bad_model_is_refused_with_the_reason_and_the_old_one_serves_on(
    graph: Graph, start: Any, tiny_bundle: Path, tmp_path: Path
) -> None:
    graph.listen(Image, SEGMENTATION)
    start()
    assert graph.wait_until(lambda: is_active(graph))
    broken = shutil.copytree(tiny_bundle, tmp_path / 'broken')
    next(broken.glob('*.onnx')).write_bytes(b'no graph')
    result = set_parameter(graph, 'model', str(broken))
    assert not result.successful
    assert 'broken' in result.reason
    assert set_parameter(graph, 'model', '/nowhere').successful is False
    stream(graph, 0, 1, answers=1)


class Broken:
    """An engine whose device is lost."""

    name, precision, mode = 'onnxruntime', 'fp32', 'thermal'

    def infer(self, *_: object) -> None:
        message = 'the device is lost'
        raise EngineError(message)

    def close(self) -> None:
        pass


def test_an_engine_that_fails_again_and_again_deactivates_and_a_new_model_heals(
    graph: Graph, start: Any, tiny_bundle: Path
) -> None:
    graph.listen(DiagnosticArray, '/diagnostics')
    graph.listen(Image, SEGMENTATION)
    node = start()
    assert graph.wait_until(lambda: is_active(graph))
    node.session.perception.engines['thermal'] = Broken()
    pipeline = node.session.stream.pipeline
    publisher = graph.user.create_publisher(Image, '/thermal/image_raw', qos_profile_sensor_data)
    assert graph.wait_until(lambda: publisher.get_subscription_count() > 0)
    for index in range(MAX_FAILURES):
        publisher.publish(thermal(index))
        assert graph.wait_until(lambda seen=index: pipeline.dropped['engine'] > seen)
    assert graph.wait_until(lambda: state(graph) == State.PRIMARY_STATE_INACTIVE)
    assert graph.wait_until(
        lambda: any(
            status.level == ERROR and 'the device is lost' in status.message
            for cdr in graph.heard['/diagnostics']
            for status in decode_diagnostics(cdr)
        )
    )
    graph.user.destroy_publisher(publisher)
    assert set_parameter(graph, 'model', str(tiny_bundle)).successful
    assert change(graph, Transition.TRANSITION_ACTIVATE)
    stream(graph, 50, 1, answers=1)


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('slop_ms', -1.0, 'slop_ms'),
        ('slop_ms', float('nan'), 'slop_ms'),
        ('slop_ms', 'wide', 'slop_ms'),
        ('radiometry', 'fahrenheit', 'fahrenheit'),
        ('engine', 'openvino', 'fixed while configured'),
        ('autostart', True, 'read-only'),
    ],
)
def test_a_parameter_that_cannot_be_taken_is_refused_with_the_reason(
    graph: Graph, start: Any, name: str, value: object, reason: str
) -> None:
    start()
    assert graph.wait_until(lambda: is_active(graph))
    result = set_parameter(graph, name, value)
    assert not result.successful
    assert reason in result.reason


def test_thresholds_and_offsets_change_while_running(graph: Graph, start: Any) -> None:
    node = start()
    assert graph.wait_until(lambda: is_active(graph))
    assert set_parameter(graph, 'slop_ms', 20).successful
    assert set_parameter(graph, 'confidence_threshold', 0.5).successful
    assert set_parameter(graph, 'thermal.stamp_offset_ms', -12.5).successful
    pipeline = node.session.stream.pipeline
    assert pipeline.intake.sync.settings.slop_ms == 20.0
    assert pipeline.intake.sync.settings.thermal_offset_ms == -12.5
    assert pipeline.confidence_threshold == 0.5
