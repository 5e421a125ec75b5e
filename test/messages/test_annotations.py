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

"""Annotations draw each box once, with its name."""

import numpy as np

from xspec_ros.core.result import Detections
from xspec_ros.messages.annotations import encode_annotations, LINE_LOOP
from xspec_ros.messages.topics import ANNOTATIONS_TYPE
from xspec_ros.messages.typestore import typestore


def test_boxes_become_outlines_and_texts():
    boxes = Detections(
        boxes_xyxy=np.array([[1, 2, 30, 40], [5, 6, 7, 8]], np.float32),
        scores=np.array([0.9, 0.5], np.float32),
        class_ids=np.array([1, 0], np.int32),
    )
    cdr = encode_annotations(boxes, ('person', 'car'), stamp_ns=9, colours=[(255, 0, 0)])
    message = typestore().deserialize_cdr(cdr, ANNOTATIONS_TYPE)
    assert bytes(typestore().serialize_cdr(message, ANNOTATIONS_TYPE)) == cdr
    assert [text.text for text in message.texts] == ['car 0.90', 'person 0.50']
    outline = message.points[0]
    assert outline.type == LINE_LOOP
    assert [(point.x, point.y) for point in outline.points] == [(1, 2), (30, 2), (30, 40), (1, 40)]
    assert outline.timestamp.nanosec == 9
    assert (outline.outline_color.g, message.points[1].outline_color.g) == (1.0, 0.0)


def test_no_boxes_make_an_empty_message():
    cdr = encode_annotations(Detections.empty(), ('person',), stamp_ns=0)
    message = typestore().deserialize_cdr(cdr, ANNOTATIONS_TYPE)
    assert (message.circles, message.points, message.texts) == ([], [], [])
