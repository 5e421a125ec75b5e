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

"""Pictures and headers that must not be taken, and what is said about them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.encodings import decode_image, ENCODINGS
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.errors import MessageError

LIMITS = DecodeLimits()
quick = settings(max_examples=25, deadline=None)


def rejected(image_message, modality, limits=LIMITS):
    """Return the error of a message that must not be taken."""
    with pytest.raises(MessageError) as caught:
        decode_image(image_message, modality, limits=limits)
    return caught.value


@pytest.mark.parametrize(('share', 'taken'), [(0.1, True), (0.11, False), (1.0, False)])
def test_too_many_holes_are_rejected(pack, share, taken):
    celsius = np.full((10, 10), 30.0, np.float32)
    celsius.ravel()[: round(share * 100)] = np.nan
    packed = pack(celsius, '32FC1')
    if taken:
        decode_image(packed, 'thermal', limits=LIMITS)
    else:
        assert rejected(packed, 'thermal').reason == 'nan'


def test_a_picture_of_holes_is_rejected_whatever_the_limit(pack):
    packed = pack(np.full((2, 2), np.nan, np.float32), '32FC1')
    assert rejected(packed, 'thermal', DecodeLimits(max_nan_fraction=1.0)).reason == 'nan'


@pytest.mark.parametrize(
    ('modality', 'encoding', 'reason'),
    [
        ('thermal', 'rgb8', 'channels'),
        ('thermal', '8UC4', 'channels'),
        ('thermal', 'bayer_rggb8', 'channels'),
        ('thermal', 'yuyv', 'channels'),
        ('rgb', 'mono16', 'depth'),
        ('rgb', '16UC1', 'depth'),
        ('rgb', '32FC1', 'depth'),
        ('rgb', 'rgb16', 'depth'),
        ('rgb', 'nv12', 'encoding'),
        ('rgb', 'CV_8UC3', 'encoding'),
        ('rgb', '', 'encoding'),
        ('thermal', 'x' * 300, 'encoding'),
        ('thermal', '32SC1', 'encoding'),
    ],
)
def test_encodings_the_input_does_not_take_are_named(message, modality, encoding, reason):
    packed = message(bytes(64), height=2, width=2, encoding=encoding, step=16)
    error = rejected(packed, modality)
    assert error.reason == reason
    assert ('mono16' if modality == 'thermal' else 'rgb8') in error.hint
    assert len(str(error)) < 700


@pytest.mark.parametrize(
    ('height', 'width', 'step', 'size', 'reason'),
    [
        (0, 4, 8, 64, 'empty'),
        (4, 0, 8, 64, 'empty'),
        (0, 0, 0, 0, 'empty'),
        (4, 4, 7, 64, 'step'),
        (4, 4, 0, 64, 'step'),
        (4, 4, 8, 31, 'short'),
        (4, 4, 8, 0, 'short'),
        (4, 4, 10, 37, 'short'),
        (65535, 65535, 131070, 10, 'too_big'),
        (2**32 - 1, 2**32 - 1, 2**32 - 1, 10, 'too_big'),
        (1000, 1000, 2**32 - 1, 10, 'too_big'),
        (3000, 3000, 6000, 10, 'short'),
    ],
)
def test_impossible_headers_are_rejected_before_anything_is_read(
    message, height, width, step, size, reason
):
    packed = message(bytes(size), height=height, width=width, encoding='mono16', step=step)
    error = rejected(packed, 'thermal')
    assert error.reason == reason
    for fact in (f'height {height}', f'width {width}', f'step {step}', 'mono16', f'len {size}'):
        assert fact in str(error)


def test_nan_fraction_limits_and_pixels_are_the_users_choice(pack):
    packed = pack(np.zeros((10, 10), np.uint8), 'mono8')
    assert rejected(packed, 'thermal', DecodeLimits(max_pixels=99)).reason == 'too_big'
    assert rejected(packed, 'thermal', DecodeLimits(max_image_bytes=99)).reason == 'too_big'
    decode_image(packed, 'thermal', limits=DecodeLimits(max_pixels=100, max_image_bytes=100))


@pytest.mark.parametrize(
    ('encoding', 'height', 'width'),
    [
        ('yuyv', 4, 5),
        ('nv21', 4, 5),
        ('nv21', 5, 4),
        ('bayer_rggb8', 2, 8),
        ('bayer_grbg16', 8, 2),
    ],
)
def test_sizes_that_an_encoding_cannot_have_are_rejected(message, encoding, height, width):
    packed = message(bytes(400), height=height, width=width, encoding=encoding, step=width * 2)
    assert rejected(packed, 'rgb').reason == 'encoding'


@pytest.mark.parametrize(('encoding', 'rows'), [('nv21', 6), ('nv24', 12), ('yuyv', 4)])
def test_planes_that_are_cut_off_are_short(message, encoding, rows):
    step = 16 if encoding == 'yuyv' else 8
    whole = message(bytes(rows * step), height=4, width=8, encoding=encoding, step=step)
    assert decode_image(whole, 'rgb', limits=LIMITS).image.shape == (4, 8, 3)
    cut = message(bytes(rows * step - 1), height=4, width=8, encoding=encoding, step=step)
    assert rejected(cut, 'rgb').reason == 'short'
    more = message(bytes(rows * step + 1), height=4, width=8, encoding=encoding, step=step)
    assert decode_image(more, 'rgb', limits=LIMITS).notes == ('trailing',)


@quick
@given(
    encoding=st.sampled_from([*ENCODINGS, 'nv12']),
    modality=st.sampled_from(['rgb', 'thermal']),
    height=st.integers(0, 20) | st.integers(0, 2**32 - 1),
    width=st.integers(0, 20) | st.integers(0, 2**32 - 1),
    step=st.integers(0, 80) | st.integers(0, 2**32 - 1),
    size=st.integers(0, 2000),
    is_bigendian=st.booleans(),
)
def test_no_header_does_worse_than_a_message_error(
    message, encoding, modality, height, width, step, size, is_bigendian
):
    packed = message(
        bytes(size),
        height=height,
        width=width,
        encoding=encoding,
        step=step,
        is_bigendian=is_bigendian,
    )
    try:
        outcome = decode_image(packed, modality, limits=LIMITS).size_hw
    except MessageError as error:
        outcome = error.reason
    reasons = {'encoding', 'empty', 'too_big', 'step', 'short', 'channels', 'depth'}
    assert outcome == (height, width) or outcome in reasons
