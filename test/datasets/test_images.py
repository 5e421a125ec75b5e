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

"""Picture files: channels, depths, and files that are not what they seem."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from xspec_ros.datasets.images import (
    Picture,
    picture_size,
    read_mask,
    read_rgb,
    read_thermal,
    write_jpeg,
    write_png,
)
from xspec_ros.errors import DataError

RNG = np.random.default_rng(3)
COLOUR = RNG.integers(0, 255, (7, 5, 3), np.uint8)


def test_colours_are_red_green_blue(tmp_path):
    write_png(tmp_path / 'a.png', COLOUR)
    np.testing.assert_array_equal(read_rgb(Picture(path=tmp_path / 'a.png')), COLOUR)
    stored = cv2.imread(str(tmp_path / 'a.png'))
    np.testing.assert_array_equal(stored[:, :, ::-1], COLOUR)


def test_a_grey_visible_picture_gets_three_channels(tmp_path):
    write_png(tmp_path / 'a.png', COLOUR[:, :, 0])
    np.testing.assert_array_equal(
        read_rgb(Picture(path=tmp_path / 'a.png')), np.repeat(COLOUR[:, :, :1], 3, axis=2)
    )


def test_the_fourth_channel_can_be_thermal(tmp_path):
    four = RNG.integers(0, 255, (7, 5, 4), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), four[:, :, [2, 1, 0, 3]])
    path = tmp_path / 'a.png'
    np.testing.assert_array_equal(read_thermal(Picture(path=path, take='fourth')), four[:, :, 3])
    np.testing.assert_array_equal(read_rgb(Picture(path=path, take='colour')), four[:, :, :3])
    write_png(path, COLOUR)
    with pytest.raises(DataError, match='fourth'):
        read_thermal(Picture(path=path, take='fourth'))


def test_grey_stored_as_three_equal_channels_is_one(tmp_path):
    write_png(tmp_path / 'a.png', np.repeat(COLOUR[:, :, :1], 3, axis=2))
    np.testing.assert_array_equal(read_thermal(Picture(path=tmp_path / 'a.png')), COLOUR[:, :, 0])


@pytest.mark.parametrize('read', [lambda p: read_thermal(Picture(path=p)), read_mask])
def test_colours_are_no_thermal_picture_and_no_mask(tmp_path, read):
    write_png(tmp_path / 'a.png', COLOUR)
    with pytest.raises(DataError, match='colour'):
        read(tmp_path / 'a.png')


def test_a_mask_of_sixteen_bits_is_taken_where_its_ids_fit(tmp_path):
    ids = np.array([[0, 7, 255]], np.uint16)
    write_png(tmp_path / 'a.png', ids)
    assert read_mask(tmp_path / 'a.png').tolist() == [[0, 7, 255]]
    write_png(tmp_path / 'a.png', ids + np.uint16(1))
    with pytest.raises(DataError, match='256'):
        read_mask(tmp_path / 'a.png')


def test_float_pictures_are_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.tiff'), np.zeros((4, 4), np.float32))
    with pytest.raises(DataError, match='float32'):
        read_thermal(Picture(path=tmp_path / 'a.tiff'))


@pytest.mark.parametrize('suffix', ['png', 'jpg'])
@pytest.mark.parametrize('share', [0.0, 0.02, 0.5, 0.98])
def test_a_torn_file_is_refused_whole(tmp_path, suffix, share):
    path = tmp_path / f'a.{suffix}'
    image = RNG.integers(0, 255, (64, 64, 3), np.uint8)
    write_png(path, image) if suffix == 'png' else write_jpeg(path, image)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r'a\.(png|jpg)'):
        read_rgb(Picture(path=path))


def test_a_header_that_claims_too_much_is_refused_before_decoding(tmp_path):
    path = tmp_path / 'a.png'
    write_png(path, COLOUR)
    content = bytearray(path.read_bytes())
    content[16:24] = struct.pack('>II', 60000, 60000)
    path.write_bytes(content)
    with pytest.raises(DataError, match='60000x60000'):
        read_rgb(Picture(path=path))


def test_sizes_come_from_the_header(tmp_path):
    write_png(tmp_path / 'a.png', COLOUR)
    write_jpeg(tmp_path / 'a.jpg', COLOUR)
    cv2.imwrite(str(tmp_path / 'a.bmp'), COLOUR)
    assert picture_size(tmp_path / 'a.png') == (7, 5)
    assert picture_size(tmp_path / 'a.jpg') == (7, 5)
    assert picture_size(tmp_path / 'a.bmp') is None


def test_a_missing_file_is_named(tmp_path):
    for read in (picture_size, read_mask):
        with pytest.raises(DataError, match=r'none\.png'):
            read(tmp_path / 'none.png')
