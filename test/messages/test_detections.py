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

"""Detection arrays: byte for byte what rosbags writes, and what reading makes of others'."""

import numpy as np
import pytest

from xspec_ros.core.result import Detections
from xspec_ros.errors import MessageError
from xspec_ros.messages.detections import decode_detections, encode_detections
from xspec_ros.messages.topics import DETECTIONS_TYPE
from xspec_ros.messages.typestore import typestore

NAMES = ('person', 'bicycle', 'car')


def some_boxes(count):
    random = np.random.default_rng(count)
    corners = random.uniform(0, 300, (count, 2))
    sizes = random.uniform(0, 100, (count, 2))
    return Detections(
        boxes_xyxy=np.hstack([corners, corners + sizes]).astype(np.float32),
        scores=random.uniform(0, 1, count).astype(np.float32),
        class_ids=random.integers(0, len(NAMES), count).astype(np.int32),
    )


def ros_array(rows, *, frame_id='camera'):
    """Serialise (class_id text, score, x, y, width, height) rows through rosbags."""
    types = typestore().types
    header = types['std_msgs/msg/Header'](
        stamp=types['builtin_interfaces/msg/Time'](sec=1, nanosec=2), frame_id=frame_id
    )
    pose = types['geometry_msgs/msg/PoseWithCovariance'](
        pose=types['geometry_msgs/msg/Pose'](
            position=types['geometry_msgs/msg/Point'](x=0.0, y=0.0, z=0.0),
            orientation=types['geometry_msgs/msg/Quaternion'](x=0.0, y=0.0, z=0.0, w=1.0),
        ),
        covariance=np.zeros(36),
    )
    found = []
    for hypotheses, x, y, width, height in rows:
        results = [
            types['vision_msgs/msg/ObjectHypothesisWithPose'](
                hypothesis=types['vision_msgs/msg/ObjectHypothesis'](class_id=name, score=score),
                pose=pose,
            )
            for name, score in hypotheses
        ]
        position = types['vision_msgs/msg/Point2D'](x=x, y=y)
        bbox = types['vision_msgs/msg/BoundingBox2D'](
            center=types['vision_msgs/msg/Pose2D'](position=position, theta=0.0),
            size_x=width,
            size_y=height,
        )
        found.append(
            types['vision_msgs/msg/Detection2D'](header=header, results=results, bbox=bbox, id='')
        )
    message = types[DETECTIONS_TYPE](header=header, detections=found)
    return bytes(typestore().serialize_cdr(message, DETECTIONS_TYPE))


@pytest.mark.parametrize('count', [0, 1, 2, 100])
@pytest.mark.parametrize('frame_id', ['', 'a', 'camera', 'thermal'])
def test_written_array_equals_that_of_rosbags(count, frame_id):
    boxes = some_boxes(count)
    wide = boxes.boxes_xyxy.astype(np.float64)
    sizes = wide[:, 2:] - wide[:, :2]
    centres = wide[:, :2] + sizes / 2
    rows = [
        ([(NAMES[class_id], float(score))], *centre.tolist(), *size.tolist())
        for class_id, score, centre, size in zip(
            boxes.class_ids, boxes.scores, centres, sizes, strict=True
        )
    ]
    ours = encode_detections(boxes, NAMES, stamp_ns=1_000_000_002, frame_id=frame_id)
    assert ours == ros_array(rows, frame_id=frame_id)


@pytest.mark.parametrize('count', [0, 1, 100])
def test_boxes_come_back(count):
    boxes = some_boxes(count)
    cdr = encode_detections(boxes, NAMES, stamp_ns=7, frame_id='f')
    found = decode_detections(cdr, NAMES)
    assert (found.stamp_ns, found.frame_id, found.names_unknown) == (7, 'f', ())
    np.testing.assert_allclose(found.detections.boxes_xyxy, boxes.boxes_xyxy, atol=1e-4)
    np.testing.assert_array_equal(found.detections.scores, boxes.scores)
    np.testing.assert_array_equal(found.detections.class_ids, boxes.class_ids)


def test_best_hypothesis_wins():
    cdr = ros_array([([('car', 0.2), ('person', 0.7)], 5.0, 5.0, 2.0, 2.0)])
    assert decode_detections(cdr, NAMES).detections.class_ids.tolist() == [0]


def test_numbers_count_as_ids_and_strangers_are_named():
    rows = [([('2', 0.5)], 1.0, 1.0, 2.0, 2.0), ([('tram', 0.5)], 1.0, 1.0, 2.0, 2.0)]
    found = decode_detections(ros_array(rows), NAMES)
    assert found.detections.class_ids.tolist() == [2]
    assert found.names_unknown == ('tram',)


def test_box_without_hypothesis_is_left_out():
    assert len(decode_detections(ros_array([([], 1.0, 1.0, 2.0, 2.0)]), NAMES).detections) == 0


@pytest.mark.parametrize('cut', [5, 100, 401])
def test_torn_array_is_refused(cut):
    cdr = encode_detections(some_boxes(3), NAMES, stamp_ns=7, frame_id='f')
    with pytest.raises(MessageError) as caught:
        decode_detections(cdr[:-cut], NAMES)
    assert caught.value.reason == 'cdr'
