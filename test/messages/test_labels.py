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

"""Label info names the ids of a label image."""

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.messages.labels import decode_label_info, encode_label_info
from xspec_ros.messages.topics import LABEL_INFO_TYPE
from xspec_ros.messages.typestore import typestore


def test_classes_come_back_with_their_ids():
    cdr = encode_label_info(DEFAULT_CLASSES, stamp_ns=3, frame_id='thermal', threshold=0.25)
    info = decode_label_info(cdr)
    assert (info.stamp_ns, info.frame_id, info.threshold) == (3, 'thermal', 0.25)
    assert info.names == {index: label.name for index, label in enumerate(DEFAULT_CLASSES)}


def test_written_info_equals_that_of_rosbags():
    for names in ((), ('a',), ('road', 'sky', 'car', 'ab')):
        cdr = encode_label_info(names, stamp_ns=3, frame_id='f', threshold=0.5)
        message = typestore().deserialize_cdr(cdr, LABEL_INFO_TYPE)
        assert bytes(typestore().serialize_cdr(message, LABEL_INFO_TYPE)) == cdr
        assert [entry.class_name for entry in message.class_map] == list(names)
