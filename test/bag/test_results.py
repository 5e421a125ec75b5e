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

from mcap.reader import make_reader
from rosbags.highlevel import AnyReader

from xspec_ros.bag.reader import BagReader
from xspec_ros.messages.detections import decode_detections
from xspec_ros.messages.image import decode_image_message
from xspec_ros.messages.topics import (
    ANNOTATIONS,
    CONFIDENCE,
    DETECTIONS,
    LABEL_INFO,
    OVERLAY,
    SEGMENTATION,
)

SIZE = (48, 64)
FRAMES = 6


def test_every_frame_is_answered_with_its_own_stamp(
    replay, thermal_stamps, bag, tiny_bundle, tmp_path
):
    found = replay(bag, tiny_bundle, tmp_path / 'out')
    assert found.error is None
    for key, value in {'thermal': FRAMES, 'answered': FRAMES, 'pairs': FRAMES}.items():
        assert found.summary[key] == value
    assert found.summary['dropped'] == 0
    stamps = thermal_stamps(bag)
    with BagReader(tmp_path / 'out/results.mcap') as results:
        counts = {topic.name: topic.count for topic in results.topics()}
        for topic in (SEGMENTATION, CONFIDENCE, DETECTIONS, ANNOTATIONS, OVERLAY):
            assert counts[topic] == FRAMES
        assert counts[LABEL_INFO] == 1
        images = {
            topic: [
                decode_image_message(record.cdr, max_bytes=10**7)
                for record in results.messages([topic])
            ]
            for topic in (SEGMENTATION, CONFIDENCE, OVERLAY)
        }
        boxes = [
            decode_detections(record.cdr, ['person', 'bicycle', 'car']).stamp_ns
            for record in results.messages([DETECTIONS])
        ]
    assert boxes == stamps
    for topic, messages in images.items():
        assert [message.stamp_ns for message in messages] == stamps
        assert {message.frame_id for message in messages} == {'thermal_optical'}
        assert {(m.height, m.width) for m in messages} == {SIZE}
        channels = 3 if topic == OVERLAY else 1
        assert {m.encoding for m in messages} == {'rgb8' if channels == 3 else 'mono8'}
        assert {m.step for m in messages} == {SIZE[1] * channels}


def test_results_are_read_by_mcap_and_rosbags(replay, bag, tiny_bundle, tmp_path):
    replay(bag, tiny_bundle, tmp_path / 'out')
    path = tmp_path / 'out/results.mcap'
    with path.open('rb') as file:
        names = {schema.name for schema, _, _ in make_reader(file).iter_messages()}
    assert {'vision_msgs/msg/Detection2DArray', 'foxglove_msgs/msg/ImageAnnotations'} <= names
    with AnyReader([path]) as reader:
        for connection, _, raw in reader.messages():
            reader.deserialize(raw, connection.msgtype)
