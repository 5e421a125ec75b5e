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

"""DDS types are made of the ROS definitions and carry bytes untouched."""

import pytest

pytest.importorskip('cyclonedds')

from xspec_ros.dds.idl import dds_type_name, idl_type, ros_type_name, wrap
from xspec_ros.errors import DataError


@pytest.mark.parametrize(
    'name',
    [
        'sensor_msgs/msg/Image',
        'sensor_msgs/msg/CameraInfo',
        'vision_msgs/msg/Detection2DArray',
        'foxglove_msgs/msg/ImageAnnotations',
        'diagnostic_msgs/msg/DiagnosticArray',
        'tf2_msgs/msg/TFMessage',
        'std_msgs/msg/Empty',
    ],
)
def test_name_is_that_of_ros_and_bytes_pass(name):
    kind = idl_type(name)
    assert kind.__idl_typename__.replace('.', '::') == dds_type_name(name)
    sample = wrap(kind, b'\0\1\0\0')
    assert sample.serialize() == b'\0\1\0\0'
    assert kind.deserialize(b'abc').cdr == b'abc'
    assert kind.deserialize_key(b'abc').cdr == b'abc'


def test_names_translate_both_ways():
    assert dds_type_name('sensor_msgs/msg/Image') == 'sensor_msgs::msg::dds_::Image_'
    assert ros_type_name('sensor_msgs::msg::dds_::Image_') == 'sensor_msgs/msg/Image'
    assert ros_type_name('Other::Thing') == 'Other::Thing'


def test_types_are_made_once():
    assert idl_type('sensor_msgs/msg/Image') is idl_type('sensor_msgs/msg/Image')


def test_unknown_type_is_named():
    with pytest.raises(DataError, match='nowhere_msgs'):
        idl_type('nowhere_msgs/msg/Nothing')
