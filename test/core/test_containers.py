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

"""The structure of picture files, read without decoding them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xspec_ros.core.containers import file_length, MAX_JPEG_SCANS, read_picture_header
from xspec_ros.errors import MessageError


def encoded(suffix, image):
    return memoryview(cv2.imencode(suffix, image)[1].tobytes())


@pytest.mark.parametrize(
    ('suffix', 'dtype', 'shape', 'expected'),
    [
        ('.png', np.uint8, (3, 5), ('png', 3, 5, 1, 8)),
        ('.png', np.uint16, (3, 5), ('png', 3, 5, 1, 16)),
        ('.png', np.uint8, (3, 5, 4), ('png', 3, 5, 4, 8)),
        ('.jpg', np.uint8, (3, 5), ('jpeg', 3, 5, 1, 8)),
        ('.jpg', np.uint8, (3, 5, 3), ('jpeg', 3, 5, 3, 8)),
    ],
)
def test_headers_tell_size_channels_and_bits(suffix, dtype, shape, expected):
    data = encoded(suffix, np.zeros(shape, dtype))
    header = read_picture_header(data)
    assert (header.kind, header.height, header.width, header.channels, header.bits) == expected
    assert file_length(data, header.kind) == len(data)


def test_a_thumbnail_inside_does_not_end_the_file():
    data = bytes(encoded('.jpg', np.zeros((8, 8), np.uint8)))
    thumbnail = data
    segment = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    nested = data[:2] + segment + data[2:]
    assert file_length(memoryview(nested), 'jpeg') == len(nested)


def test_fill_bytes_between_segments_are_allowed():
    data = bytes(encoded('.jpg', np.zeros((8, 8), np.uint8)))
    padded = data[:2] + b'\xff\xff\xff' + data[2:]
    assert read_picture_header(memoryview(padded)).height == 8
    assert file_length(memoryview(padded), 'jpeg') == len(padded)


def test_endless_scans_are_refused():
    data = bytes(encoded('.jpg', np.zeros((8, 8), np.uint8)))
    scan = data[data.index(b'\xff\xda') : -2]
    many = data[:-2] + scan * MAX_JPEG_SCANS + data[-2:]
    with pytest.raises(MessageError, match='scans') as caught:
        file_length(memoryview(many), 'jpeg')
    assert caught.value.reason == 'corrupt'


def test_lossless_jpeg_is_named_as_unsupported():
    data = bytearray(encoded('.jpg', np.zeros((8, 8), np.uint8)))
    data[data.index(b'\xff\xc0') + 1] = 0xC3
    with pytest.raises(MessageError, match='0xc3') as caught:
        read_picture_header(memoryview(bytes(data)))
    assert caught.value.reason == 'encoding'
