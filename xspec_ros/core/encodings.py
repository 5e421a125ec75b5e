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

"""``sensor_msgs/Image`` to ``Frame``: every encoding of the contract, views wherever bytes allow.

The header is judged with Python integers before anything is allocated or touched. Conversions,
none of them silent:

* thermal: mono8, 8UC1 and native-order mono16, 16UC1 are views; 16SC1 is shifted by 32768;
  32FC1 is quantised on ``DecodeLimits.float_range_k``; pictures with colour are refused.
* rgb: rgb8 is a view; other colour orders, Bayer mosaics and YUV are converted; grey is
  replicated and noted; of 16-bit Bayer the high bytes are taken and noted (such mosaics fill
  their 16 bits); any other 16-bit or float picture is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
import sys
from typing import Literal, NoReturn, TYPE_CHECKING, TypeAlias, TypeVar

import cv2
import numpy as np

from xspec_ros.core.frame import Frame, ImageMessage, Modality, PixelArray, UInt8Array
from xspec_ros.errors import MessageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.limits import DecodeLimits

Layout: TypeAlias = Literal['gray', 'colour', 'bayer', 'yuv', 'nv21', 'nv24']
Sample = TypeVar('Sample', np.uint8, np.uint16, np.float32)

SIGNED_SHIFT = 32768
"""Added to 16SC1 pixels, so that the order of temperatures survives in uint16."""

MIN_BAYER_SIDE = 3
"""OpenCV answers black below this size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How the bytes of one encoding lie in a row.

    Attributes:
        layout: Arrangement of the samples.
        kind: numpy type code of one sample, without byte order.
        channels: Samples a pixel in a row (1 for planar YUV: its first plane).
        code: OpenCV conversion to RGB, -1 where none is needed.
        swapped: OpenCV conversion for ``swap_rb``; colour layouts only.
    """

    layout: Layout
    kind: Literal['u1', 'u2', 'i2', 'f4'] = 'u1'
    channels: int = 1
    code: int = -1
    swapped: int = -1

    @property
    def pixel_bytes(self) -> int:
        """Bytes from one pixel of a row to the next."""
        return self.channels * int(self.kind[1])


_RGB = Encoding(layout='colour', channels=3, swapped=cv2.COLOR_BGR2RGB)
_BGR = Encoding(layout='colour', channels=3, code=cv2.COLOR_BGR2RGB)
_RGBA = Encoding(layout='colour', channels=4, code=cv2.COLOR_RGBA2RGB, swapped=cv2.COLOR_BGRA2RGB)
_BGRA = Encoding(layout='colour', channels=4, code=cv2.COLOR_BGRA2RGB, swapped=cv2.COLOR_RGBA2RGB)
_UYVY = Encoding(layout='yuv', channels=2, code=cv2.COLOR_YUV2RGB_UYVY)
_YUYV = Encoding(layout='yuv', channels=2, code=cv2.COLOR_YUV2RGB_YUY2)
_BAYER: dict[str, int] = {
    'rggb': cv2.COLOR_BayerRGGB2RGB,
    'bggr': cv2.COLOR_BayerBGGR2RGB,
    'gbrg': cv2.COLOR_BayerGBRG2RGB,
    'grbg': cv2.COLOR_BayerGRBG2RGB,
}

ENCODINGS: dict[str, Encoding] = {
    'mono8': Encoding(layout='gray'),
    '8UC1': Encoding(layout='gray'),
    'mono16': Encoding(layout='gray', kind='u2'),
    '16UC1': Encoding(layout='gray', kind='u2'),
    '16SC1': Encoding(layout='gray', kind='i2'),
    '32FC1': Encoding(layout='gray', kind='f4'),
    'rgb8': _RGB,
    'bgr8': _BGR,
    '8UC3': _BGR,
    'rgba8': _RGBA,
    'bgra8': _BGRA,
    '8UC4': _BGRA,
    'rgb16': Encoding(layout='colour', kind='u2', channels=3),
    'bgr16': Encoding(layout='colour', kind='u2', channels=3),
    'rgba16': Encoding(layout='colour', kind='u2', channels=4),
    'bgra16': Encoding(layout='colour', kind='u2', channels=4),
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUYV,
    'yuyv': _YUYV,
    'nv21': Encoding(layout='nv21', code=cv2.COLOR_YUV2RGB_NV21),
    'nv24': Encoding(layout='nv24'),
    **{f'bayer_{name}8': Encoding(layout='bayer', code=code) for name, code in _BAYER.items()},
    **{
        f'bayer_{name}16': Encoding(layout='bayer', kind='u2', code=code)
        for name, code in _BAYER.items()
    },
}
THERMAL_ENCODINGS = tuple(name for name, kind in ENCODINGS.items() if kind.layout == 'gray')
RGB_ENCODINGS = tuple(
    name
    for name, kind in ENCODINGS.items()
    if kind.kind == 'u1' or (kind.layout == 'bayer' and kind.kind == 'u2')
)

# BT.601 studio range, as OpenCV uses for the packed formats; it has no code for NV24.
_YUV_TO_RGB = np.array(
    [
        [1.1640625, 0.0, 1.595703125],
        [1.1640625, -0.390625, -0.8134765625],
        [1.1640625, 2.017578125, 0.0],
    ]
)
_YUV_MATRIX = np.column_stack([_YUV_TO_RGB, _YUV_TO_RGB @ np.array([-16.0, -128.0, -128.0])])


def decode_image(
    message: ImageMessage,
    modality: Modality,
    *,
    limits: DecodeLimits,
    received_ns: int = 0,
) -> Frame:
    """Turn a raw image message into a frame.

    Args:
        message: The message; its payload is a view of the message buffer.
        modality: Which input it came in on.
        limits: Sizes and policies.
        received_ns: Monotonic clock when the bytes were in hand; 0 offline.

    Returns:
        The frame: (H, W, 3) uint8 R, G, B, or (H, W) uint8 or uint16, C-contiguous, native byte
        order; a view of ``message.data`` wherever no padding, byte order or encoding forbids it.

    Raises:
        MessageError: ``encoding``, ``empty``, ``channels``, ``depth``, ``too_big``, ``step``,
            ``short`` or ``nan``; the text prints height, width, step, encoding and length.
    """
    spec = _check_encoding(message, modality)
    surplus = _check_size(message, modality, spec, limits)
    notes = list(message.notes)
    if surplus:
        notes.append('trailing')
    if modality == 'thermal':
        image = _decode_thermal(message, spec, limits, notes)
    else:
        image = _decode_rgb(message, spec, limits, notes)
    return Frame(
        modality=modality,
        stamp_ns=message.stamp_ns,
        frame_id=message.frame_id,
        image=image,
        encoding=message.encoding,
        received_ns=received_ns,
        notes=tuple(notes),
    )


def gray_to_rgb(image: NDArray[np.uint8]) -> UInt8Array:
    """Replicate (H, W) uint8 to (H, W, 3)."""
    return np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)


def _refuse(
    message: ImageMessage, modality: Modality, what: str, *, reason: str, hint: str
) -> NoReturn:
    facts = (
        f'height {message.height}, width {message.width}, step {message.step}, '
        f'encoding {message.encoding[:40]!r}, len {message.data.size}'
    )
    text = f'{modality} image: {what} ({facts})'
    raise MessageError(text, reason=reason, hint=hint)


def _check_encoding(message: ImageMessage, modality: Modality) -> Encoding:
    """Find the encoding and judge whether this input takes it."""
    names = THERMAL_ENCODINGS if modality == 'thermal' else RGB_ENCODINGS
    accepted = f'this input takes {", ".join(names)}'
    spec = ENCODINGS.get(message.encoding)
    if spec is None:
        _refuse(message, modality, 'unknown encoding', reason='encoding', hint=accepted)
    if message.encoding not in names:
        if modality == 'thermal':
            hint = f'{accepted}; publish the camera raw, without a colour map'
            _refuse(message, modality, 'picture has colour', reason='channels', hint=hint)
        hint = f'{accepted}; set the camera to 8 bits a channel'
        _refuse(message, modality, 'more than 8 bits a channel', reason='depth', hint=hint)
    return spec


def _check_size(
    message: ImageMessage, modality: Modality, spec: Encoding, limits: DecodeLimits
) -> int:
    """Judge the header against the payload; return the surplus bytes. Nothing is read."""
    height, width, step = int(message.height), int(message.width), int(message.step)
    if height <= 0 or width <= 0:
        hint = 'the camera has not delivered a picture yet'
        _refuse(message, modality, 'no pixels', reason='empty', hint=hint)
    if height * width > limits.max_pixels:
        hint = f'max_pixels is {limits.max_pixels}'
        _refuse(message, modality, 'too many pixels', reason='too_big', hint=hint)
    row = width * spec.pixel_bytes
    if step < row:
        hint = f'a row of {width} pixels needs {row} bytes'
        _refuse(message, modality, 'step is shorter than a row', reason='step', hint=hint)
    total, needed = height * step, (height - 1) * step + row
    if spec.layout == 'nv21':
        total, needed = total + height // 2 * step, (height + height // 2 - 1) * step + row
    elif spec.layout == 'nv24':  # the chroma plane's rows are twice as long
        total, needed = 3 * total, (3 * height - 2) * step + 2 * row
    if total > limits.max_image_bytes:
        hint = f'max_image_bytes is {limits.max_image_bytes}'
        _refuse(message, modality, f'{total} bytes', reason='too_big', hint=hint)
    if message.data.size < needed:
        hint = f'{needed} bytes are needed: the message was cut off or its header is wrong'
        _refuse(message, modality, 'data is too short', reason='short', hint=hint)
    odd = (spec.layout in ('yuv', 'nv21') and width % 2) or (spec.layout == 'nv21' and height % 2)
    if odd or (spec.layout == 'bayer' and min(height, width) < MIN_BAYER_SIDE):
        hint = 'YUV shares chroma between two pixels, a mosaic needs at least 3 x 3'
        _refuse(message, modality, 'size and encoding differ', reason='encoding', hint=hint)
    return max(0, int(message.data.size) - total)


def _rows(
    message: ImageMessage, shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0
) -> UInt8Array:
    """View payload bytes as an array; numpy refuses to reach beyond the buffer."""
    data = np.ascontiguousarray(message.data)
    return np.ndarray(shape, np.uint8, buffer=data, offset=offset, strides=strides)


def _samples(message: ImageMessage, dtype: type[Sample]) -> NDArray[Sample]:
    """Return (H, W) samples of one channel in native byte order; a view where possible."""
    size = np.dtype(dtype).itemsize
    rows = _rows(message, (message.height, message.width * size), (message.step, 1))
    samples = np.ascontiguousarray(rows).view(dtype)
    foreign = bool(message.is_bigendian) != (sys.byteorder == 'big')
    return samples.byteswap() if foreign and size > 1 else samples


def _decode_thermal(
    message: ImageMessage, spec: Encoding, limits: DecodeLimits, notes: list[str]
) -> PixelArray:
    if spec.kind == 'u1':
        return _samples(message, np.uint8)
    if spec.kind == 'u2':
        return _samples(message, np.uint16)
    if spec.kind == 'i2':
        shifted: NDArray[np.uint16] = _samples(message, np.uint16) ^ np.uint16(SIGNED_SHIFT)
        return shifted
    values = _samples(message, np.float32)
    finite = np.isfinite(values)
    lost = values.size - int(np.count_nonzero(finite))
    if lost > limits.max_nan_fraction * values.size or lost == values.size:
        share = f'{lost / values.size:.1%} of the pixels are NaN or infinite'
        hint = f'max_nan_fraction is {limits.max_nan_fraction}'
        _refuse(message, 'thermal', share, reason='nan', hint=hint)
    if lost:
        notes.append('nan')
        # The coldest valid pixel keeps the holes from stretching the tone range.
        values = np.where(finite, values, values[finite].min())
    return _quantise(values, limits, notes)


def _quantise(
    values: NDArray[np.float32], limits: DecodeLimits, notes: list[str]
) -> NDArray[np.uint16]:
    """Map temperatures onto counts 0 to 65535; out-of-range values are clipped and noted."""
    low, high = limits.float_range_k
    scale = np.float32(65535.0 / (high - low))
    # Range first, scale second: a huge value must not overflow float32.
    floor, ceiling = low - limits.float_offset_k, high - limits.float_offset_k
    clipped = np.clip(values, np.float32(floor), np.float32(ceiling))
    if not np.array_equal(clipped, values):
        notes.append('clipped')
    clipped -= np.float32(floor)
    clipped *= scale
    np.rint(clipped, out=clipped)
    return np.minimum(clipped, np.float32(65535.0)).astype(np.uint16)


def _decode_rgb(
    message: ImageMessage, spec: Encoding, limits: DecodeLimits, notes: list[str]
) -> UInt8Array:
    height, width, step = message.height, message.width, message.step
    if spec.layout == 'colour':
        shape = (height, width, spec.channels)
        rows = _rows(message, shape, (step, spec.channels, 1))
        code = spec.swapped if limits.swap_rb else spec.code
        return np.ascontiguousarray(rows) if code < 0 else _convert(rows, code)
    if spec.layout == 'gray':
        notes.append('gray')
        return gray_to_rgb(_rows(message, (height, width), (step, 1)))
    if spec.layout == 'bayer':
        image = _convert(_mosaic(message, spec, notes), spec.code)
    elif spec.layout == 'yuv':
        image = _convert(_rows(message, (height, width, 2), (step, 2, 1)), spec.code)
    elif spec.layout == 'nv21':
        image = _convert(_rows(message, (height * 3 // 2, width), (step, 1)), spec.code)
    else:
        image = _decode_nv24(message)
    return _convert(image, cv2.COLOR_BGR2RGB) if limits.swap_rb else image


def _convert(image: UInt8Array, code: int) -> UInt8Array:
    return np.ascontiguousarray(cv2.cvtColor(image, code), np.uint8)


def _mosaic(message: ImageMessage, spec: Encoding, notes: list[str]) -> UInt8Array:
    """Return a Bayer mosaic as (H, W) uint8: of 16-bit samples the high bytes."""
    size = spec.pixel_bytes
    if size == 2:
        notes.append('depth16')
    high_byte = size - 1 if not message.is_bigendian else 0
    shape = (message.height, message.width)
    return np.ascontiguousarray(_rows(message, shape, (message.step, size), high_byte))


def _decode_nv24(message: ImageMessage) -> UInt8Array:
    """Convert a luma plane followed by an interleaved U, V plane of full resolution."""
    height, width, step = message.height, message.width, message.step
    yuv = np.empty((height, width, 3), np.uint8)
    yuv[..., 0] = _rows(message, (height, width), (step, 1))
    yuv[..., 1:] = _rows(message, (height, width, 2), (2 * step, 2, 1), height * step)
    return np.ascontiguousarray(cv2.transform(yuv, _YUV_MATRIX), np.uint8)
