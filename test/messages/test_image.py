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

"""Images as rosbags and ROS write them, in both byte orders, and damaged ones."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.errors import MessageError
from xspec_ros.messages import image as image_messages
from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE
from xspec_ros.messages.typestore import typestore

LIMIT = 1 << 20


def ros_image(pixels, *, frame_id='camera', encoding='mono8', little_endian=True):
    types = typestore().types
    stamp = types['builtin_interfaces/msg/Time'](sec=12, nanosec=34)
    message = types[IMAGE_TYPE](
        header=types['std_msgs/msg/Header'](stamp=stamp, frame_id=frame_id),
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=0,
        step=pixels.strides[0],
        data=pixels.view(np.uint8).ravel(),
    )
    return typestore().serialize_cdr(message, IMAGE_TYPE, little_endian=little_endian)


@pytest.mark.parametrize('little_endian', [True, False])
@pytest.mark.parametrize('frame_id', ['c', 'ca', 'cam', 'came'])
def test_decoded_fields_are_as_sent(little_endian, frame_id):
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    cdr = ros_image(pixels, frame_id=frame_id, little_endian=little_endian)
    message = image_messages.decode_image_message(cdr, max_bytes=LIMIT)
    assert (message.height, message.width, message.step) == (3, 4, 4)
    assert (message.stamp_ns, message.frame_id, message.encoding) == (
        12_000_000_034,
        frame_id,
        'mono8',
    )
    assert message.data.tolist() == pixels.ravel().tolist()
    assert message.notes == ()


def test_payload_is_a_view_of_the_message():
    cdr = ros_image(np.zeros((4, 4), np.uint8))
    data = image_messages.decode_image_message(cdr, max_bytes=LIMIT).data
    assert np.shares_memory(data, np.frombuffer(cdr, np.uint8))


@pytest.mark.parametrize('padding', [0, 1, 2, 3])
def test_padding_of_the_bus_is_no_fault(padding):
    cdr = bytes(ros_image(np.zeros((4, 4), np.uint8))) + bytes(padding)
    assert image_messages.decode_image_message(cdr, max_bytes=LIMIT).data.size == 16


@pytest.mark.parametrize('frame_id', ['', 'a\0b'])
def test_odd_frame_is_noted_and_the_image_kept(frame_id):
    cdr = ros_image(np.zeros((2, 2), np.uint8), frame_id=frame_id)
    message = image_messages.decode_image_message(cdr, max_bytes=LIMIT)
    assert message.notes == ('frame_id',)
    assert message.frame_id == frame_id.partition('\0')[0]


def test_payload_beyond_the_limit_is_too_big():
    with pytest.raises(MessageError) as caught:
        image_messages.decode_image_message(ros_image(np.zeros((9, 9), np.uint8)), max_bytes=80)
    assert caught.value.reason == 'too_big'


@settings(max_examples=150)
@given(st.data())
def test_damaged_message_is_refused_or_read_never_worse(data):
    cdr = bytearray(ros_image(np.zeros((4, 4), np.uint8)))
    for _ in range(data.draw(st.integers(0, 4))):
        cdr[data.draw(st.integers(0, len(cdr) - 1))] = data.draw(st.integers(0, 255))
    del cdr[data.draw(st.integers(0, len(cdr))) :]
    try:
        image_messages.decode_image_message(cdr, max_bytes=LIMIT)
    except MessageError as error:
        reason = error.reason
    else:
        reason = 'cdr'
    assert reason in {'cdr', 'too_big'}


@pytest.mark.parametrize(
    ('encoding', 'shape', 'dtype'),
    [
        ('mono8', (5, 7), 'u1'),
        ('rgb8', (5, 7, 3), 'u1'),
        ('bgra8', (5, 7, 4), 'u1'),
        ('mono16', (5, 7), 'u2'),
        ('16UC1', (5, 7), '>u2'),
        ('32FC1', (5, 7), 'f4'),
    ],
)
def test_written_image_equals_that_of_rosbags(encoding, shape, dtype):
    pixels = (np.random.default_rng(1).random(shape) * 200).astype(dtype)
    ours = image_messages.encode_image(
        pixels, stamp_ns=12_000_000_034, frame_id='camera', encoding=encoding
    )
    little = pixels.astype(pixels.dtype.newbyteorder('<'))
    assert ours == bytes(ros_image(little, encoding=encoding))


def test_strided_image_is_written_row_by_row():
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)[:, ::2]
    cdr = image_messages.encode_image(pixels, stamp_ns=0, frame_id='f', encoding='mono8')
    message = image_messages.decode_image_message(cdr, max_bytes=LIMIT)
    assert message.step == 4
    assert message.data.tolist() == pixels.ravel().tolist()


@pytest.mark.parametrize(
    ('encoding', 'pixels'),
    [
        ('mono8', np.zeros((2, 2), np.uint16)),
        ('rgb8', np.zeros((2, 2), np.uint8)),
        ('nv12', np.zeros((2, 2), np.uint8)),
    ],
)
def test_pixels_that_do_not_fit_the_encoding_are_refused(encoding, pixels):
    with pytest.raises(MessageError) as caught:
        image_messages.encode_image(pixels, stamp_ns=0, frame_id='', encoding=encoding)
    assert caught.value.reason == 'encoding'


def test_compressed_image_comes_back():
    cdr = image_messages.encode_compressed(
        b'\x89PNG', stamp_ns=5, frame_id='f', format_text='mono16; png compressed '
    )
    message = image_messages.decode_compressed_message(cdr, max_bytes=LIMIT)
    assert (message.stamp_ns, message.frame_id) == (5, 'f')
    assert message.format == 'mono16; png compressed '
    assert message.data.tobytes() == b'\x89PNG'
    theirs = typestore().deserialize_cdr(cdr, COMPRESSED_TYPE)
    assert bytes(typestore().serialize_cdr(theirs, COMPRESSED_TYPE)) == cdr
