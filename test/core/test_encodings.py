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

"""Every encoding of the contract, with padding and byte orders."""

from __future__ import annotations

import sys

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.encodings import decode_image, ENCODINGS, RGB_ENCODINGS, THERMAL_ENCODINGS
from xspec_ros.core.frame import ImageMessage
from xspec_ros.core.limits import DecodeLimits

LIMITS = DecodeLimits()


def pictures(dtype, channels=None, *, even=False):
    """Draw small random pictures."""
    sides = st.integers(1, 9).map(lambda n: 2 * n if even else n)

    def build(height, width, seed):
        shape = (height, width) if channels is None else (height, width, channels)
        info = np.iinfo(dtype)
        rng = np.random.default_rng(seed)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)

    return st.builds(build, sides, sides, st.integers(0, 2**32 - 1))


layouts = st.fixed_dictionaries(
    {
        'padding': st.integers(0, 7),
        'is_bigendian': st.booleans(),
        'tail': st.sampled_from([0, 1, 33]),
    }
)
quick = settings(max_examples=25, deadline=None)


def assert_clean(frame):
    assert frame.image.flags.c_contiguous
    assert frame.image.dtype in (np.dtype(np.uint8), np.dtype(np.uint16))


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
@quick
@given(image=pictures(np.uint8), layout=layouts)
def test_8_bit_thermal_comes_back_unchanged(pack, encoding, image, layout):
    frame = decode_image(pack(image, encoding, **layout), 'thermal', limits=LIMITS)
    np.testing.assert_array_equal(frame.image, image)
    assert_clean(frame)


@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
@quick
@given(image=pictures(np.uint16), layout=layouts)
def test_16_bit_thermal_comes_back_unchanged(pack, encoding, image, layout):
    frame = decode_image(pack(image, encoding, **layout), 'thermal', limits=LIMITS)
    np.testing.assert_array_equal(frame.image, image)
    assert_clean(frame)
    assert ('trailing' in frame.notes) == (layout['tail'] > 0)


@quick
@given(image=pictures(np.int16), layout=layouts)
def test_signed_thermal_keeps_its_order(pack, image, layout):
    frame = decode_image(pack(image, '16SC1', **layout), 'thermal', limits=LIMITS)
    np.testing.assert_array_equal(frame.image.astype(np.int32) - 32768, image)
    assert_clean(frame)


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [
        ('rgb8', [0, 1, 2]),
        ('bgr8', [2, 1, 0]),
        ('8UC3', [2, 1, 0]),
        ('rgba8', [0, 1, 2]),
        ('bgra8', [2, 1, 0]),
        ('8UC4', [2, 1, 0]),
    ],
)
@pytest.mark.parametrize('swap_rb', [False, True])
@quick
@given(seed=st.integers(0, 2**32 - 1), layout=layouts, size=st.tuples(*[st.integers(1, 9)] * 2))
def test_colour_orders_become_rgb(pack, encoding, order, swap_rb, seed, layout, size):
    channels = ENCODINGS[encoding].channels
    image = np.random.default_rng(seed).integers(0, 256, (*size, channels), np.uint8)
    limits = DecodeLimits(swap_rb=swap_rb)
    frame = decode_image(pack(image, encoding, **layout), 'rgb', limits=limits)
    expected = image[..., order[::-1] if swap_rb else order]
    np.testing.assert_array_equal(frame.image, expected)
    assert_clean(frame)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
@quick
@given(image=pictures(np.uint8), layout=layouts)
def test_gray_on_the_rgb_input_is_replicated_and_noted(pack, encoding, image, layout):
    frame = decode_image(pack(image, encoding, **layout), 'rgb', limits=LIMITS)
    np.testing.assert_array_equal(frame.image, np.repeat(image[..., None], 3, axis=2))
    assert 'gray' in frame.notes


@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
@pytest.mark.parametrize('bits', [8, 16])
def test_every_bayer_pattern_gives_its_colour(pack, pattern, bits):
    colour = {'r': 200, 'g': 90, 'b': 30}
    tile = np.array([[colour[pattern[0]], colour[pattern[1]]], [colour[c] for c in pattern[2:]]])
    mosaic = np.tile(tile, (6, 8)).astype(np.uint8 if bits == 8 else np.uint16)
    sent = mosaic if bits == 8 else mosaic * 256 + 17
    for is_bigendian in (False, True):
        packed = pack(sent, f'bayer_{pattern}{bits}', padding=3, is_bigendian=is_bigendian)
        frame = decode_image(packed, 'rgb', limits=LIMITS)
        np.testing.assert_array_equal(frame.image, np.broadcast_to([200, 90, 30], (12, 16, 3)))
        assert ('depth16' in frame.notes) == (bits == 16)


def bt601(y, u, v):
    """Return R, G, B of studio-range YUV as the standard has it."""
    c, d, e = 1.164 * (y - 16.0), u - 128.0, v - 128.0
    rgb = np.stack([c + 1.596 * e, c - 0.391 * d - 0.813 * e, c + 2.018 * d], axis=-1)
    return np.clip(rgb, 0.0, 255.0)


@st.composite
def yuv_planes(draw):
    """Draw luma and half-resolution chroma."""
    height, width = draw(st.integers(1, 6)) * 2, draw(st.integers(1, 6)) * 2
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    luma = rng.integers(16, 236, (height, width), np.uint8)
    u, v = rng.integers(60, 200, (2, height // 2, width // 2), np.uint8)
    return luma, np.kron(u, np.ones((2, 2), np.uint8)), np.kron(v, np.ones((2, 2), np.uint8))


def packed_yuv(luma, u, v, *, luma_first):
    chroma = np.where(np.arange(luma.shape[1]) % 2 == 0, u, v).astype(np.uint8)
    return np.stack([luma, chroma] if luma_first else [chroma, luma], axis=-1)


@pytest.fixture(scope='session')
def planar_yuv(message):
    """Return a function that lays luma and chroma out as planes."""

    def lay_out(luma, chroma_rows, encoding, step):
        width = luma.shape[1]
        rows = [row.tobytes().ljust(step, b'\xa5') for row in luma]
        chroma_step = step * (2 if encoding == 'nv24' else 1)
        rows += [row.tobytes().ljust(chroma_step, b'\xa5') for row in chroma_rows]
        data = b''.join(rows)
        return message(data, height=len(luma), width=width, encoding=encoding, step=step)

    return lay_out


@pytest.mark.parametrize('encoding', ['yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv', 'nv21', 'nv24'])
@quick
@given(planes=yuv_planes(), padding=st.integers(0, 5))
def test_yuv_becomes_rgb_by_bt601(pack, planar_yuv, encoding, planes, padding):
    luma, u, v = planes
    if encoding == 'nv21':
        chroma = np.stack([v[::2, ::2], u[::2, ::2]], axis=-1)
        packed = planar_yuv(luma, chroma, encoding, luma.shape[1] + padding)
    elif encoding == 'nv24':
        chroma = np.stack([u, v], axis=-1)
        packed = planar_yuv(luma, chroma, encoding, luma.shape[1] + padding)
    else:
        first = encoding in ('yuv422_yuy2', 'yuyv')
        packed = pack(packed_yuv(luma, u, v, luma_first=first), encoding, padding=padding)
    frame = decode_image(packed, 'rgb', limits=LIMITS)
    assert np.abs(frame.image - bt601(luma.astype(float), u.astype(float), v)).max() <= 3.0
    assert frame.notes == ()


@pytest.mark.parametrize(
    ('modality', 'encoding', 'dtype', 'channels'),
    [
        ('thermal', 'mono8', np.uint8, None),
        ('thermal', '8UC1', np.uint8, None),
        ('thermal', 'mono16', np.uint16, None),
        ('thermal', '16UC1', np.uint16, None),
        ('rgb', 'rgb8', np.uint8, 3),
    ],
)
def test_unpadded_native_pictures_are_views(pack, modality, encoding, dtype, channels):
    shape = (4, 6) if channels is None else (4, 6, channels)
    packed = pack(np.ones(shape, dtype), encoding, tail=5)
    frame = decode_image(packed, modality, limits=LIMITS)
    if sys.byteorder == 'little' or np.dtype(dtype).itemsize == 1:
        assert np.shares_memory(frame.image, packed.data)
    assert not frame.image.flags.writeable


def test_payload_at_an_odd_address_is_still_a_view():
    image = np.arange(24, dtype=np.uint16).reshape(4, 6)
    raw = np.frombuffer(b'\0' + image.astype('<u2').tobytes(), np.uint8)[1:]
    packed = ImageMessage(
        stamp_ns=0,
        frame_id='',
        height=4,
        width=6,
        encoding='mono16',
        is_bigendian=False,
        step=12,
        data=raw,
    )
    frame = decode_image(packed, 'thermal', limits=LIMITS)
    np.testing.assert_array_equal(frame.image, image)
    assert np.shares_memory(frame.image, raw) == (sys.byteorder == 'little')


def test_seventeen_byte_rows_of_five_rgb_pixels_are_not_sheared(pack):
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    frame = decode_image(pack(image, 'rgb8', padding=2), 'rgb', limits=LIMITS)
    np.testing.assert_array_equal(frame.image, image)
    assert frame.notes == ()


def test_the_last_row_may_come_without_its_padding(pack):
    image = np.arange(20, dtype=np.uint16).reshape(4, 5)
    packed = pack(image, 'mono16', padding=3, cut_last_row=True)
    np.testing.assert_array_equal(decode_image(packed, 'thermal', limits=LIMITS).image, image)


@pytest.mark.parametrize('flag', [1, 2, 255])
def test_any_value_but_zero_means_big_endian(message, pack, flag):
    image = np.arange(20, dtype=np.uint16).reshape(4, 5)
    big = pack(image, '16UC1', is_bigendian=True)
    packed = message(
        big.data.tobytes(), height=4, width=5, encoding='16UC1', step=10, is_bigendian=flag
    )
    np.testing.assert_array_equal(decode_image(packed, 'thermal', limits=LIMITS).image, image)


@quick
@given(seed=st.integers(0, 2**32 - 1), layout=layouts)
def test_float_temperatures_survive_quantisation(pack, seed, layout):
    celsius = np.random.default_rng(seed).uniform(-40.0, 500.0, (5, 7)).astype(np.float32)
    frame = decode_image(pack(celsius, '32FC1', **layout), 'thermal', limits=LIMITS)
    low, high = LIMITS.float_range_k
    kelvin = low + frame.image / 65535.0 * (high - low)
    assert np.abs(kelvin - 273.15 - celsius).max() <= 0.006
    assert_clean(frame)
    assert 'clipped' not in frame.notes


def test_kelvin_floats_need_only_another_offset(pack):
    kelvin = np.array([[223.15, 300.0, 873.15]], np.float32)
    limits = DecodeLimits(float_offset_k=0.0)
    frame = decode_image(pack(kelvin, '32FC1'), 'thermal', limits=limits)
    np.testing.assert_array_equal(frame.image, [[0, round(76.85 / 650 * 65535), 65535]])


def test_holes_in_a_float_picture_take_the_coldest_value(pack):
    celsius = np.full((10, 10), 30.0, np.float32)
    celsius[0, :4] = [np.nan, np.inf, -np.inf, 10.0]
    frame = decode_image(pack(celsius, '32FC1'), 'thermal', limits=LIMITS)
    assert (frame.image[0, :3] == frame.image[0, 3]).all()
    assert frame.image[0, 3] < frame.image[5, 5]
    assert frame.notes == ('nan',)


def test_values_beyond_the_range_are_clipped_and_noted(pack):
    celsius = np.array([[20.0, 3e38, -3e38]], np.float32)
    frame = decode_image(pack(celsius, '32FC1'), 'thermal', limits=LIMITS)
    assert frame.image[0, 1:].tolist() == [65535, 0]
    assert frame.notes == ('clipped',)


def test_header_and_notes_pass_through(message):
    packed = message(b'\1', height=1, width=1, encoding='mono8', step=1, notes=('frame_id',))
    frame = decode_image(packed, 'thermal', limits=LIMITS, received_ns=77)
    assert (frame.stamp_ns, frame.frame_id, frame.received_ns) == (5, 'camera', 77)
    assert (frame.encoding, frame.notes) == ('mono8', ('frame_id',))


def test_every_encoding_has_an_input():
    assert set(ENCODINGS) - set(RGB_ENCODINGS) - set(THERMAL_ENCODINGS) == {
        'rgb16',
        'bgr16',
        'rgba16',
        'bgra16',
    }


def test_the_decoder_agrees_with_opencv_on_packed_yuv(pack):
    yuyv = np.random.default_rng(3).integers(0, 256, (6, 8, 2), np.uint8)
    frame = decode_image(pack(yuyv, 'yuyv'), 'rgb', limits=LIMITS)
    np.testing.assert_array_equal(frame.image, cv2.cvtColor(yuyv, cv2.COLOR_YUV2RGB_YUY2))
