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

"""Types and hashes are those that ROS 2 installations have."""

import pytest

from xspec_ros.errors import DataError
from xspec_ros.messages import topics
from xspec_ros.messages.typestore import definition, is_known, type_hash, typestore

PUBLISHED_HASHES = {
    'sensor_msgs/msg/Image': 'd31d41a9a4c4bc8e',
    'sensor_msgs/msg/CompressedImage': '1564077153157118',
    'sensor_msgs/msg/CameraInfo': 'b3dfd68ff46c9d56',
    'std_msgs/msg/Header': 'f49fb3ae2cf070f7',
    'builtin_interfaces/msg/Time': 'b106235e25a4c5ed',
    'vision_msgs/msg/Detection2DArray': '214274120007f4a6',
    'vision_msgs/msg/Detection2D': '0d12b69df5c593b3',
    'vision_msgs/msg/BoundingBox2D': '008eacbb0cf8f26e',
    'vision_msgs/msg/LabelInfo': '3d37df4015cdf660',
    'vision_msgs/msg/VisionClass': '1e4a11f0fed50b56',
    'vision_msgs/msg/VisionInfo': '95d3116a17484ad9',
    'diagnostic_msgs/msg/DiagnosticArray': '5a8a36efb05fb250',
}


@pytest.mark.parametrize(('name', 'start'), PUBLISHED_HASHES.items())
def test_hash_equals_that_of_ros(name, start):
    assert type_hash(name).startswith(f'RIHS01_{start}')


@pytest.mark.parametrize(
    'name', [getattr(topics, name) for name in dir(topics) if name.endswith('_TYPE')]
)
def test_every_type_of_the_topic_list_is_known(name):
    assert is_known(name)


def test_unknown_type_is_named():
    with pytest.raises(DataError, match='nowhere_msgs/msg/Nothing'):
        type_hash('nowhere_msgs/msg/Nothing')


def test_definition_holds_all_parts():
    text = definition('vision_msgs/msg/Detection2DArray')
    assert text.startswith('std_msgs/Header header\n')
    assert 'MSG: geometry_msgs/PoseWithCovariance\n' in text


def test_definition_keeps_constants():
    assert 'uint8 LINE_LOOP=2' in definition('foxglove_msgs/msg/PointsAnnotation')


def test_store_is_built_once():
    assert typestore() is typestore()
