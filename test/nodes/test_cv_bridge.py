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

"""Our decoder against cv_bridge on every encoding that cv_bridge does right: equal.

Left out, since cv_bridge is wrong there or cannot do it:

* rows whose padding is not a multiple of the pixel: its Python side shears the picture (below);
* big-endian pixels with numpy 2: ``ndarray.newbyteorder`` is gone, AttributeError;
* ``uyvy`` and ``yuyv``, the names since Jazzy, ``nv21`` and ``nv24``: unrecognised; the same bytes
  under their old names are compared;
* ``8UC3`` and ``8UC4`` as colour: refused;
* data that is longer than the rows say is taken without a word, shorter data is a TypeError.

Our RGB input refuses 16 bits a channel, but for Bayer, of which it takes the high bytes where
cv_bridge rounds: they differ by one at most. 32FC1 becomes counts of 9.9 mK, half of one is the
tolerance. Everything else, Bayer and YUV included, is equal to the last bit: both call OpenCV.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='no ROS 2 is sourced')

from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from xspec_ros.core.encodings import decode_image, ENCODINGS
from xspec_ros.core.limits import CELSIUS_ZERO_K, DecodeLimits, FLOAT_RANGE_K
from xspec_ros.messages.image import decode_image_message, encode_image
from xspec_ros.nodes.bridge import PictureEncoder

HW = (24, 32)
LIMITS = DecodeLimits()
THERMAL = ('mono8', '8UC1', 'mono16', '16UC1', '16SC1')
COLOUR = ('rgb8', 'bgr8', 'rgba8', 'bgra8')
BAYER = ('rggb', 'bggr', 'gbrg', 'grbg')
YUV = {'yuv422': 'uyvy', 'yuv422_yuy2': 'yuyv'}
RGB = (*COLOUR, *(f'bayer_{order}8' for order in BAYER), *YUV, 'mono8')
WIDE = ('mono16', '16UC1', '16SC1')


class Log:
    """Takes what a node would log."""

    def warning(self, text: str) -> None:
        """Forget it."""


# Before the first import of cv_bridge: one built for numpy 1 crashes a process with numpy 2.
if fault := PictureEncoder(Log()).fault:
    pytest.skip(f'cv_bridge does not work here: {fault}', allow_module_level=True)


def bridge() -> Any:
    from cv_bridge import CvBridge

    return CvBridge()


def image(encoding: str, *, padding: int = 0, big: bool = False, name: str = '') -> Any:
    """Return a message of random pixels, rows padded by so many bytes."""
    spec = ENCODINGS[encoding]
    step = HW[1] * spec.pixel_bytes + padding
    data = np.random.default_rng(len(encoding)).integers(0, 256, HW[0] * step, np.uint8)
    message = Image(height=HW[0], width=HW[1], step=step, is_bigendian=big)
    message.encoding = name or encoding
    message.data.frombytes(data.tobytes())
    return message


def ours(message: Any, modality: Any) -> Any:
    cdr = serialize_message(message)
    found = decode_image_message(cdr, max_bytes=len(cdr))
    return decode_image(found, modality, limits=LIMITS).image


def theirs(message: Any, encoding: str = 'passthrough') -> Any:
    return bridge().imgmsg_to_cv2(message, encoding)


@pytest.mark.parametrize('pixels_of_padding', [0, 3])
@pytest.mark.parametrize('encoding', THERMAL)
def test_thermal_counts_are_equal(encoding: str, pixels_of_padding: int) -> None:
    message = image(encoding, padding=pixels_of_padding * ENCODINGS[encoding].pixel_bytes)
    shift = 32768 if encoding == '16SC1' else 0  # ours are unsigned
    assert (ours(message, 'thermal') == theirs(message).astype(np.int64) + shift).all()


@pytest.mark.skipif(np.__version__ >= '2', reason='cv_bridge needs numpy 1 for big-endian pixels')
@pytest.mark.parametrize('encoding', WIDE)
def test_big_endian_counts_are_equal(encoding: str) -> None:
    message = image(encoding, big=True)
    shift = 32768 if encoding == '16SC1' else 0
    assert (ours(message, 'thermal') == theirs(message).astype(np.int64) + shift).all()


@pytest.mark.parametrize('pixels_of_padding', [0, 3])
@pytest.mark.parametrize('encoding', RGB)
def test_colours_are_equal(encoding: str, pixels_of_padding: int) -> None:
    message = image(encoding, padding=pixels_of_padding * ENCODINGS[encoding].pixel_bytes)
    found, expected = ours(message, 'rgb'), theirs(message, 'rgb8')
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert (found == expected).all()


@pytest.mark.parametrize(('old', 'new'), YUV.items())
def test_yuv_has_the_same_colours_under_its_names_since_jazzy(old: str, new: str) -> None:
    assert (ours(image(old, name=new), 'rgb') == theirs(image(old), 'rgb8')).all()


@pytest.mark.parametrize('order', BAYER)
def test_wide_bayer_differs_by_the_rounding_alone(order: str) -> None:
    message = image(f'bayer_{order}16')
    found, expected = ours(message, 'rgb'), theirs(message, 'rgb8')
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


def test_temperatures_are_equal_to_half_a_count() -> None:
    celsius = np.random.default_rng(0).uniform(-40, 200, HW).astype(np.float32)
    message = Image(height=HW[0], width=HW[1], step=4 * HW[1], encoding='32FC1')
    message.data.frombytes(celsius.tobytes())
    low, high = FLOAT_RANGE_K
    count_k = (high - low) / 65535
    kelvin = low + count_k * ours(message, 'thermal')
    assert np.abs(kelvin - (theirs(message) + CELSIUS_ZERO_K)).max() <= 0.51 * count_k


@pytest.mark.parametrize('encoding', ['rgb8', 'bgra8', 'mono16', 'yuv422'])
def test_odd_padding_is_right_here_and_sheared_there(encoding: str) -> None:
    modality = 'thermal' if encoding == 'mono16' else 'rgb'
    padded = image(encoding, padding=1)
    row = HW[1] * ENCODINGS[encoding].pixel_bytes
    rows = np.frombuffer(padded.data, np.uint8).reshape(HW[0], row + 1)[:, :row]
    plain = Image(height=HW[0], width=HW[1], step=row, encoding=encoding)
    plain.data.frombytes(rows.tobytes())
    assert (ours(padded, modality) == ours(plain, modality)).all()
    wanted = 'passthrough' if modality == 'thermal' else 'rgb8'
    assert (theirs(padded, wanted) != theirs(plain, wanted)).any()


@pytest.mark.parametrize(
    ('encoding', 'shape', 'dtype'),
    [
        ('mono8', HW, np.uint8),
        ('mono16', HW, np.uint16),
        ('32FC1', HW, np.float32),
        ('rgb8', (*HW, 3), np.uint8),
        ('bgra8', (*HW, 4), np.uint8),
    ],
)
def test_our_encoder_writes_what_cv_bridge_writes(encoding: str, shape: Any, dtype: Any) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, shape).astype(dtype)
    message = bridge().cv2_to_imgmsg(pixels, encoding)
    message.header.stamp.sec, message.header.frame_id = 7, 'cam'
    written = encode_image(pixels, stamp_ns=7 * 10**9, frame_id='cam', encoding=encoding)
    assert serialize_message(message) == written
