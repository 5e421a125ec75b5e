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

"""The recorder node on a real graph: what is published is what lies in the bag."""

from __future__ import annotations

from typing import Any, TYPE_CHECKING

import cv2
import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import Trigger

from xspec_ros.bag.reader import BagReader
from xspec_ros.errors import ConfigError
from xspec_ros.messages.camera_info import CameraInfo as Calibration
from xspec_ros.messages.camera_info import encode_camera_info
from xspec_ros.messages.diagnostics import decode_diagnostics, ERROR
from xspec_ros.messages.image import encode_compressed, encode_image
from xspec_ros.nodes.record_pairs import RecordPairsNode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Graph

SECOND = 1_000_000_000
HW = (48, 64)
RGB, THERMAL = '/rgb/image_raw', '/thermal/image_raw'
INFO = '/thermal/camera_info'
CONFIDENCE = '/perception/confidence'


def stamp_ns(index: int) -> int:
    return (index + 1) * SECOND // 10


def thermal(index: int) -> bytes:
    image = np.random.default_rng(index).integers(7000, 9000, HW, np.uint16)
    return encode_image(image, stamp_ns=stamp_ns(index), frame_id='boson', encoding='mono16')


def rgb(index: int) -> bytes:
    image = np.random.default_rng(index).integers(0, 256, (*HW, 3), np.uint8)
    return encode_image(image, stamp_ns=stamp_ns(index), frame_id='cam', encoding='bgr8')


def jpeg(index: int) -> bytes:
    image = np.random.default_rng(index).integers(0, 256, (*HW, 3), np.uint8)
    data = cv2.imencode('.jpg', image)[1].tobytes()
    return encode_compressed(
        data, stamp_ns=stamp_ns(index), frame_id='cam', format_text='bgr8; jpeg compressed bgr8'
    )


def confidence(index: int, value: float) -> bytes:
    image = np.full(HW, round(255 * value), np.uint8)
    return encode_image(image, stamp_ns=stamp_ns(index), frame_id='boson', encoding='mono8')


def calibration() -> bytes:
    info = Calibration(
        stamp_ns=1,
        frame_id='boson',
        height=HW[0],
        width=HW[1],
        distortion_model='plumb_bob',
        distortion=np.zeros(5),
        matrix=np.eye(3),
        rectification=np.eye(3),
        projection=np.eye(3, 4),
    )
    return encode_camera_info(info)


class Bench:
    """One recorder, and publishers of everything it listens to."""

    def __init__(self, graph: Graph, node: RecordPairsNode) -> None:
        self.graph = graph
        self.node = node
        self._publishers: dict[str, Any] = {}

    @property
    def counts(self) -> Any:
        return self.node.harvest.counts

    def publish(self, kind: type, topic: str, cdr: bytes) -> None:
        """Publish one message to the recorder."""
        if topic not in self._publishers:
            publisher = self.graph.user.create_publisher(kind, topic, qos_profile_sensor_data)
            assert self.graph.wait_until(lambda: publisher.get_subscription_count() > 0)
            self._publishers[topic] = publisher
        self._publishers[topic].publish(cdr)

    def pair(self, index: int, *, compressed: bool = False) -> list[tuple[str, bytes]]:
        """Publish a pair, wait until both messages arrived, return what a bag should hold."""
        before = dict(self.counts.received)
        topic, kind, cdr = (
            (f'{RGB}/compressed', CompressedImage, jpeg(index))
            if compressed
            else (RGB, Image, rgb(index))
        )
        self.publish(kind, topic, cdr)
        assert self.graph.wait_until(lambda: self.counts.received['rgb'] > before.get('rgb', 0))
        self.publish(Image, THERMAL, thermal(index))
        assert self.graph.wait_until(
            lambda: self.counts.received['thermal'] > before.get('thermal', 0)
        )
        return [(topic, cdr), (THERMAL, thermal(index))]

    def bag(self) -> list[tuple[str, bytes]]:
        """Close the recorder and return what is in its bag."""
        self.node.close()
        with BagReader(self.node.recorder.state().path) as bag:
            found = [(each.topic, bytes(each.cdr)) for each in bag]
            assert bag.tear is None
        return found

    def status(self, part: str) -> Any:
        """Return the newest status of a part."""
        newest = self.graph.heard['/diagnostics'][-1:]
        statuses = [status for cdr in newest for status in decode_diagnostics(cdr)]
        return next((each for each in statuses if each.name.endswith(part)), None)


def aligned(messages: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return messages with the zeros that DDS adds up to a multiple of four bytes."""
    return [(topic, cdr + bytes(-len(cdr) % 4)) for topic, cdr in messages]


def parameters(**values: object) -> list[str]:
    given = [f'{name.replace("__", ".")}:={value}' for name, value in values.items()]
    return ['--ros-args', *(part for each in given for part in ('-p', each))]


@pytest.fixture
def start(graph: Graph, tmp_path: Path) -> Callable[..., Bench]:
    def make(**values: object) -> Bench:
        given = {'out': tmp_path / 'pairs', 'rate_hz': 100.0} | values
        node = graph.add(RecordPairsNode(cli_args=parameters(**given)))
        graph.listen(DiagnosticArray, '/diagnostics')
        return Bench(graph, node)

    return make


def test_the_bag_holds_the_bytes_that_were_published(start: Any) -> None:
    bench = start()
    expected = [message for index in range(5) for message in bench.pair(index)]
    assert aligned(bench.bag()) == aligned(expected)


def test_compressed_pictures_stay_compressed(start: Any) -> None:
    bench = start()
    assert bench.graph.wait_until(lambda: bench.node.count_subscribers(RGB) > 0)
    publisher = bench.graph.user.create_publisher(
        CompressedImage, f'{RGB}/compressed', qos_profile_sensor_data
    )
    assert bench.graph.wait_until(lambda: publisher.get_subscription_count() > 0)
    expected = [message for index in range(3) for message in bench.pair(index, compressed=True)]
    assert aligned(bench.bag()) == aligned(expected)


def test_calibration_is_recorded_once_before_the_pictures(start: Any) -> None:
    bench = start()
    for _ in range(2):
        bench.publish(CameraInfo, INFO, calibration())
    assert bench.graph.wait_until(lambda: bench.node.harvest.calibrated == ('thermal',))
    expected = [message for index in range(2) for message in bench.pair(index)]
    assert aligned(bench.bag()) == aligned([(INFO, calibration()), *expected])


def test_a_trigger_keeps_the_pairs_around_it(start: Any) -> None:
    bench = start(keep_by='trigger', before_pairs=1, trigger_pairs=2)
    sent = [bench.pair(index) for index in range(3)]
    answer = bench.graph.call(Trigger, '/record_pairs/trigger', Trigger.Request())
    assert answer.success, answer.message
    sent += [bench.pair(index) for index in range(3, 7)]
    assert aligned(bench.bag()) == aligned(
        [message for index in (2, 3, 4) for message in sent[index]]
    )


def test_a_trigger_without_its_mode_is_answered_with_what_to_do(start: Any) -> None:
    bench = start()
    answer = bench.graph.call(Trigger, '/record_pairs/trigger', Trigger.Request())
    assert not answer.success
    assert 'keep_by trigger' in answer.message


def test_uncertain_pairs_are_recorded(start: Any) -> None:
    bench = start(keep_by='uncertainty', below_confidence=0.5, least_certain=0.0)
    sent = []
    for index, value in enumerate((0.9, 0.2, 0.8, 0.3)):
        sent.append(bench.pair(index))
        bench.publish(Image, CONFIDENCE, confidence(index, value))
        assert bench.graph.wait_until(lambda most=index: bench.counts.confidences > most)
    assert aligned(bench.bag()) == aligned(
        [message for index in (1, 3) for message in sent[index]]
    )


def test_a_budget_that_is_used_up_is_told_and_the_bag_is_closed(start: Any) -> None:
    bench = start(budget_mb=0.1)
    sent = [bench.pair(index) for index in range(5)]
    assert bench.graph.wait_until(
        lambda: (status := bench.status('recording')) is not None and status.level == ERROR
    )
    status = bench.status('recording')
    assert 'budget used up' in status.message
    written = int(status.values['written'])
    assert 0 < written < 5
    with BagReader(status.values['file']) as bag:
        found = [(each.topic, bytes(each.cdr)) for each in bag]
    assert aligned(found) == aligned([message for pair in sent[:written] for message in pair])
    answer = bench.graph.call(Trigger, '/record_pairs/trigger', Trigger.Request())
    assert not answer.success


def test_parameters_change_while_it_records_and_fixed_ones_are_refused(start: Any) -> None:
    bench = start()

    def change(name: str, value: object) -> Any:
        message = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[message])
        return bench.graph.call(SetParameters, '/record_pairs/set_parameters', request).results[0]

    assert change('rate_hz', 0.1).successful
    assert not change('rate_hz', -1.0).successful
    refused = change('out', '/elsewhere')
    assert not refused.successful
    for index in range(4):
        bench.pair(index)
    assert bench.counts.kept == 1
    assert bench.counts.skipped['rate'] == 3


def test_a_silent_camera_is_told_with_its_cause(start: Any) -> None:
    bench = start()
    assert bench.graph.wait_until(
        lambda: (status := bench.status('rgb input')) is not None and status.level == ERROR
    )
    assert 'nothing arrives on /rgb/image_raw' in bench.status('rgb input').message


def test_a_folder_that_cannot_be_written_is_refused_at_the_start(
    graph: Graph, tmp_path: Path
) -> None:
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigError, match='cannot be written'):
        RecordPairsNode(cli_args=parameters(out=tmp_path / 'file' / 'pairs'))
