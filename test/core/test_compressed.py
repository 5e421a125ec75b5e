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

"""PNG and JPEG messages: lossless stays lossless, damage and bombs are refused."""

from __future__ import annotations

import struct
import zlib

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.compressed import decode_compressed, judge_compressed
from xspec_ros.core.frame import CompressedMessage
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.errors import MessageError

LIMITS = DecodeLimits()


def message(data, text='', notes=()):
    data = np.frombuffer(bytes(data), np.uint8)
    return CompressedMessage(stamp_ns=5, frame_id='camera', format=text, data=data, notes=notes)


def decode(data, modality, text='', limits=LIMITS):
    return decode_compressed(message(data, text), modality, limits=limits)


def rejected(data, modality, text='', limits=LIMITS):
    with pytest.raises(MessageError) as caught:
        decode(data, modality, text, limits)
    return caught.value


def encoded(suffix, image, *options):
    return cv2.imencode(suffix, image, list(options))[1].tobytes()


def scene(*shape, seed=0):
    """Return a smooth picture whose rows all differ."""
    noise = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    return cv2.GaussianBlur(noise, (9, 9), 2.0)


def png_chunk(name, content):
    body = name + content
    return struct.pack('>I', len(content)) + body + struct.pack('>I', zlib.crc32(body))


def bare_png(width, height, bits, colour, content=b''):
    """Write a PNG whose header may claim anything."""
    header = struct.pack('>IIBBBBB', width, height, bits, colour, 0, 0, 0)
    parts = [(b'IHDR', header), (b'IDAT', zlib.compress(content)), (b'IEND', b'')]
    return b'\x89PNG\r\n\x1a\n' + b''.join(png_chunk(*part) for part in parts)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.tuples(*[st.integers(1, 20)] * 2))
def test_thermal_png_is_lossless(dtype, seed, size):
    image = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, size, dtype)
    name = 'mono16' if dtype == np.uint16 else 'mono8'
    frame = decode(encoded('.png', image), 'thermal', f'{name}; png compressed {name}')
    np.testing.assert_array_equal(frame.image, image)
    assert frame.image.dtype == dtype
    assert frame.image.flags.c_contiguous


@pytest.mark.parametrize('swap_rb', [False, True])
def test_colour_png_comes_out_as_rgb(swap_rb):
    rgb = scene(12, 16, 3)
    limits = DecodeLimits(swap_rb=swap_rb)
    frame = decode(encoded('.png', rgb[..., ::-1].copy()), 'rgb', 'png', limits)
    np.testing.assert_array_equal(frame.image, rgb[..., ::-1] if swap_rb else rgb)
    assert frame.image.flags.c_contiguous


def test_alpha_is_dropped():
    rgb = scene(12, 16, 3)
    bgra = np.dstack([rgb[..., ::-1], np.full((12, 16), 9, np.uint8)])
    np.testing.assert_array_equal(decode(encoded('.png', bgra), 'rgb').image, rgb)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_gray_on_the_rgb_input_is_replicated_and_noted(suffix):
    frame = decode(encoded(suffix, scene(12, 16)), 'rgb')
    assert frame.image.shape == (12, 16, 3)
    assert (frame.image[..., 0] == frame.image[..., 2]).all()
    assert frame.notes == ('gray',)


def test_colour_jpeg_comes_out_as_rgb():
    rgb = np.zeros((32, 32, 3), np.uint8)
    rgb[:] = (200, 90, 30)
    frame = decode(encoded('.jpg', rgb[..., ::-1].copy()), 'rgb', 'rgb8; jpeg compressed bgr8')
    assert np.abs(frame.image.astype(int) - rgb).max() <= 3


def test_8_bit_jpeg_thermal_is_taken():
    image = scene(32, 32)
    frame = decode(encoded('.jpg', image), 'thermal', 'mono8; jpeg compressed mono8')
    assert np.abs(frame.image.astype(int) - image).max() < 20
    assert frame.image.dtype == np.uint8


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
@pytest.mark.parametrize('original', ['mono16', '16UC1', '32FC1'])
def test_16_bit_thermal_that_went_through_8_bits_is_refused(suffix, original):
    data, text = encoded(suffix, scene(32, 32)), f'{original}; {suffix[1:]} compressed mono8'
    assert rejected(data, 'thermal', text).reason == 'lossy16'
    frame = decode(data, 'thermal', text, DecodeLimits(allow_lossy_thermal=True))
    assert frame.notes == ('lossy16',)


def test_compressed_depth_with_16_bit_png_is_taken():
    image = np.arange(30, dtype=np.uint16).reshape(5, 6) * 1000
    data = struct.pack('<iff', 0, 0.0, 0.0) + encoded('.png', image)
    frame = decode(data, 'thermal', '16UC1; compressedDepth png')
    np.testing.assert_array_equal(frame.image, image)


@pytest.mark.parametrize(
    ('text', 'reason'),
    [('16UC1; compressedDepth rvl', 'encoding'), ('32FC1; compressedDepth png', 'lossy16')],
)
def test_compressed_depth_forms_that_lose_or_cannot_be_read_are_refused(text, reason):
    data = bytes(12) + encoded('.png', np.ones((4, 4), np.uint16))
    assert rejected(data, 'thermal', text).reason == reason


def test_no_data_is_refused_before_the_decoder_sees_it():
    error = rejected(b'', 'thermal', '16UC1; jpeg compressed ')
    assert error.reason == 'empty'
    assert 'png' in error.hint


@pytest.mark.parametrize(
    'data', [b'\0', b'garbage' * 40, bytes(5000), b'\xff\xd8', b'\xff\xd8\xff']
)
@pytest.mark.parametrize('modality', ['rgb', 'thermal'])
def test_garbage_is_corrupt(data, modality):
    assert rejected(data, modality).reason == 'corrupt'


@pytest.mark.parametrize(
    ('magic', 'name'), [(b'II*\0', 'TIFF'), (b'MM\0*', 'TIFF'), (b'RIFF', 'WebP'), (b'BM', 'BMP')]
)
def test_other_formats_are_named(magic, name):
    error = rejected(magic + bytes(100), 'thermal', 'mono16; tiff compressed ')
    assert error.reason == 'encoding'
    assert name in str(error)


@pytest.mark.parametrize(
    ('data', 'modality'),
    [
        (encoded('.jpg', scene(64, 48)), 'thermal'),
        (encoded('.jpg', scene(64, 48, 3)), 'rgb'),
        (encoded('.jpg', scene(64, 48, 3), cv2.IMWRITE_JPEG_PROGRESSIVE, 1), 'rgb'),
        (encoded('.jpg', scene(64, 48, 3), cv2.IMWRITE_JPEG_RST_INTERVAL, 2), 'rgb'),
        (encoded('.png', scene(64, 48)), 'thermal'),
        (encoded('.png', scene(64, 48, 3)), 'rgb'),
        (encoded('.png', np.arange(600, dtype=np.uint16).reshape(20, 30)), 'thermal'),
    ],
    ids=['jpeg', 'jpeg3', 'progressive', 'restart', 'png', 'png3', 'png16'],
)
def test_whole_files_pass_and_any_cut_is_corrupt(data, modality):
    whole = decode(data, modality)
    assert 'trailing' not in whole.notes
    for cut in {1, 2, 3, 9, 20, 40, len(data) // 2, len(data) - 13, len(data) - 2, len(data) - 1}:
        assert rejected(data[:cut], modality).reason == 'corrupt'
        assert rejected(data[:cut] + bytes(500), modality).reason == 'corrupt'
    padded = decode(data + bytes(999), modality)
    np.testing.assert_array_equal(padded.image, whole.image)
    assert 'trailing' in padded.notes


@pytest.mark.parametrize('shape', [(64, 48), (64, 48, 3)])
def test_jpeg_with_lost_packets_is_corrupt_though_its_end_marker_came(shape):
    data = encoded('.jpg', scene(*shape))
    modality = 'thermal' if len(shape) == 2 else 'rgb'
    assert rejected(data[: len(data) // 2] + b'\xff\xd9', modality).reason == 'corrupt'


def test_an_evenly_gray_jpeg_is_a_picture():
    data = encoded('.jpg', np.full((32, 32), 128, np.uint8))
    assert (decode(data, 'thermal').image == 128).all()


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_png_is_corrupt(position, bit):
    data = bytearray(encoded('.png', scene(24, 24)))
    data[position % len(data)] ^= 1 << bit
    assert rejected(data, 'thermal').reason in {'corrupt', 'too_big', 'depth', 'channels'}


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_in_a_jpeg_does_no_worse_than_a_message_error(position, value):
    data = bytearray(encoded('.jpg', scene(24, 24)))
    data[position % len(data)] = value
    try:
        outcome = decode(data, 'thermal').image.ndim
    except MessageError as error:
        outcome = error.reason
    assert outcome in {2, 'corrupt', 'too_big', 'depth', 'channels', 'encoding'}


def jpeg_of_size(width, height):
    """Return a small JPEG whose frame header claims another size."""
    data = bytearray(encoded('.jpg', scene(16, 16)))
    at = data.index(b'\xff\xc0') + 5
    data[at : at + 4] = struct.pack('>HH', height, width)
    return bytes(data)


@pytest.mark.parametrize('modality', ['rgb', 'thermal'])
@pytest.mark.parametrize(
    'data',
    [
        bare_png(20_000, 20_000, 8, 0),
        bare_png(2**31 - 1, 2**31 - 1, 16, 6),
        jpeg_of_size(65_535, 65_535),
    ],
    ids=['png', 'png_max', 'jpeg'],
)
def test_bombs_are_refused_by_their_header(data, modality):
    error = rejected(data, modality)
    assert error.reason == 'too_big'
    assert 'max_pixels' in error.hint


def test_decoded_size_counts_against_max_image_bytes():
    data = encoded('.png', np.zeros((100, 100), np.uint16))
    assert (
        rejected(data, 'thermal', limits=DecodeLimits(max_image_bytes=19_999)).reason == 'too_big'
    )
    decode(data, 'thermal', limits=DecodeLimits(max_image_bytes=20_000))


def test_a_header_that_promises_more_rows_than_came_is_corrupt():
    data = bare_png(16, 16, 8, 0, content=bytes(17 * 8))
    assert rejected(data, 'thermal').reason == 'corrupt'


@pytest.mark.parametrize(
    ('image', 'modality', 'reason'),
    [
        (np.zeros((4, 4), np.uint16), 'rgb', 'depth'),
        (np.zeros((4, 4, 3), np.uint16), 'rgb', 'depth'),
        (np.zeros((4, 4, 3), np.uint8), 'thermal', 'channels'),
        (np.zeros((4, 4, 4), np.uint8), 'thermal', 'channels'),
        (np.zeros((4, 4, 3), np.uint16), 'thermal', 'channels'),
    ],
)
def test_pictures_of_the_wrong_depth_or_channels_are_refused(image, modality, reason):
    error = rejected(encoded('.png', image), modality)
    assert error.reason == reason
    assert '4 x 4' in str(error)


def test_thermal_of_less_than_8_bits_is_refused():
    content = b'\0\xff' * 8
    assert rejected(bare_png(8, 8, 1, 0, content), 'thermal').reason == 'depth'
    assert decode(bare_png(8, 8, 1, 0, content), 'rgb').image.min() == 255


def test_header_and_notes_pass_through():
    packed = message(encoded('.png', scene(4, 4)), 'mono8; png compressed ', ('frame_id',))
    frame = decode_compressed(packed, 'thermal', limits=LIMITS, received_ns=77)
    assert (frame.stamp_ns, frame.frame_id, frame.received_ns) == (5, 'camera', 77)
    assert frame.encoding == 'mono8; png compressed '
    assert frame.notes == ('frame_id',)


def test_judging_refuses_what_decoding_refuses_and_leaves_the_picture_out():
    ok, png = cv2.imencode('.png', np.zeros((4, 6, 3), np.uint8))
    assert ok
    good = CompressedMessage(stamp_ns=7, frame_id='eye', format='png', data=png.reshape(-1))
    frame = judge_compressed(good, 'rgb', limits=DecodeLimits())
    assert (frame.stamp_ns, frame.image.shape) == (7, (0, 0, 3))
    torn = CompressedMessage(stamp_ns=7, frame_id='', format='png', data=png.reshape(-1)[:-9])
    for take in (judge_compressed, decode_compressed):
        with pytest.raises(MessageError) as refused:
            take(torn, 'rgb', limits=DecodeLimits())
        assert refused.value.reason == 'corrupt'
