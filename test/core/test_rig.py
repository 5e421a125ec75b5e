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

"""A rig: warping onto the thermal grid, other picture sizes, and the file."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.geometry import warp_points
from xspec_ros.core.rig import homography_rows, load_rig, Rig, save_rig
from xspec_ros.errors import ConfigError, DataError

IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
GOOD = 'homography: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]\nrgb_hw: [48, 64]\nthermal_hw: [48, 64]\n'


def rig(homography=IDENTITY, rgb_hw=(48, 64), thermal_hw=(48, 64)):
    return Rig(homography=homography, rgb_hw=rgb_hw, thermal_hw=thermal_hw)


def picture(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_identity_changes_nothing():
    rgb = picture(48, 64)
    warped, valid = rig().warp_rgb(rgb)
    assert np.array_equal(warped, rgb)
    assert valid.all()


def test_a_finer_picture_is_averaged_and_a_coarser_one_enlarged():
    rgb = picture(48, 64)
    finer, valid = rig().warp_rgb(np.repeat(np.repeat(rgb, 3, axis=0), 3, axis=1))
    assert np.array_equal(finer, rgb)
    assert valid.all()
    coarser, valid = rig().warp_rgb(np.full((24, 32, 3), 7, np.uint8))
    assert coarser.shape == (48, 64, 3)
    assert valid.all()
    assert (coarser == 7).all()


def test_a_shift_moves_pixels_and_says_where_there_is_rgb():
    moved = rig(((1.0, 0.0, 10.0), (0.0, 1.0, -4.0), (0.0, 0.0, 1.0)))
    rgb = picture(48, 64)
    warped, valid = moved.warp_rgb(rgb)
    assert np.array_equal(warped[:44, 10:], rgb[4:, :54])
    assert valid[:44, 10:].all()
    assert not valid[:, :10].any()
    assert not valid[44:].any()
    assert not warped[~valid].any()


def test_boxes_and_pictures_go_by_the_same_coordinates():
    zoomed = rig(((0.5, 0.0, 8.0), (0.0, 0.5, 6.0), (0.0, 0.0, 1.0)))
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[16:32, 24:48] = 255
    warped, _ = zoomed.warp_rgb(rgb)
    rows, columns = np.nonzero(warped[..., 0] > 127)
    corners = warp_points(np.array([[24.0, 16.0], [48.0, 32.0]]), zoomed.homography_from((48, 64)))
    found = [[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]]
    assert np.allclose(corners, found)


def test_another_size_of_the_same_shape_needs_only_a_factor():
    given = rig(((0.5, 0.01, 3.0), (0.0, 0.5, 2.0), (1e-4, 0.0, 1.0)), rgb_hw=(96, 128))
    half = given.homography_from((48, 64))
    at = np.array([[10.0, 20.0]])
    assert np.allclose(warp_points(at, half), warp_points(2.0 * at, given.matrix))


def test_what_the_caller_changes_does_not_come_back():
    one = rig()
    warped, valid = one.warp_rgb(picture(48, 64))
    warped[:], valid[:] = 0, False
    again, valid = one.warp_rgb(picture(48, 64))
    assert np.array_equal(again, picture(48, 64))
    assert valid.all()


def test_beyond_the_horizon_of_a_warp_there_is_no_rgb():
    tilted = rig(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.03, 1.0)), rgb_hw=(40, 64))
    _, valid = tilted.warp_rgb(picture(40, 64))  # row 40 comes to 18.2, the horizon to 33.3
    assert valid[:18, :20].all()
    assert not valid[19:].any()


def test_sizes_that_fit():
    one = rig(rgb_hw=(90, 160))
    assert one.fits((90, 160), thermal_hw=(48, 64))
    assert one.fits((1080, 1920), thermal_hw=(48, 64))
    assert not one.fits((120, 160), thermal_hw=(48, 64))
    assert not one.fits((90, 160), thermal_hw=(96, 128))
    with pytest.raises(ConfigError, match='RGB picture of 160x120, the rig was measured at'):
        one.warp_rgb(picture(120, 160))
    with pytest.raises(ConfigError, match='uint8'):
        one.warp_rgb(np.zeros((90, 160), np.uint8))


def test_the_file_goes_around(tmp_path):
    matrix = np.array([[0.51, 0.01, 33.3], [-0.01, 0.5, 12.0], [1e-5, 2e-6, 1.0]])
    one = Rig(
        homography=homography_rows(matrix),
        rgb_hw=(1080, 1920),
        thermal_hw=(512, 640),
        residual_px=1.25,
        pairs=48,
        source='drive.mcap',
    )
    path = tmp_path / 'new' / 'rig.yaml'
    save_rig(one, path)
    assert load_rig(path) == one
    assert [file.name for file in path.parent.iterdir()] == ['rig.yaml']


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / 'file').write_text('x')
    with pytest.raises(DataError, match='cannot write'):
        save_rig(rig(), tmp_path / 'file' / 'rig.yaml')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (GOOD.replace('homography', 'homografy'), 'homografy'),
        (GOOD.replace('rgb_hw', 'rgb_wh'), 'rgb_wh'),
        (GOOD.replace('[0, 0, 1]', '[0, 0]'), 'homography'),
        (GOOD.replace('[1, 0, 0]', '[.nan, 0, 0]'), 'not finite'),
        (GOOD.replace('[0, 1, 0]', '[2, 0, 0]'), 'singular'),
        (GOOD.replace('[1, 0, 0]', '[-1, 0, 64]'), 'mirrors'),
        (GOOD.replace('[1, 0, 0]', '[1000, 0, 0]').replace('[0, 1,', '[0, 1000,'), 'zooms'),
        (GOOD.replace('thermal_hw: [48, 64]', 'thermal_hw: [16000, 16000]'), '64000000 pixels'),
        (GOOD.replace('thermal_hw: [48, 64]', 'thermal_hw: [2000000000, 2]'), 'thermal_hw'),
        (GOOD.replace('rgb_hw: [48, 64]', 'rgb_hw: [0, 64]'), 'rgb_hw'),
        (GOOD + 'residual_px: -1\n', 'residual_px'),
        ('', 'homography'),
        ('[1, 2', 'line'),
    ],
)
def test_bad_files_are_refused_with_their_name(tmp_path, text, message):
    path = tmp_path / 'rig.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_rig(path)
    assert 'rig.yaml' in caught.value.message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'none\.yaml'):
        load_rig(tmp_path / 'none.yaml')
