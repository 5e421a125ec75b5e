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

"""``sensor_msgs/Image`` and ``CompressedImage``: payloads stay views, writing copies once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.encodings import decode_image
from xspec_ros.core.frame import CompressedMessage, ImageMessage, PixelArray
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.errors import MessageError
from xspec_ros.messages.cdr import Buffer, CdrReader, CdrWriter
from xspec_ros.messages.topics import COMPRESSED_TYPE, IMAGE_TYPE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array

WRITABLE: dict[str, tuple[str, int]] = {
    'mono8': ('u1', 1),
    '8UC1': ('u1', 1),
    'mono16': ('u2', 1),
    '16UC1': ('u2', 1),
    '32FC1': ('f4', 1),
    'rgb8': ('u1', 3),
    'bgr8': ('u1', 3),
    'rgba8': ('u1', 4),
    'bgra8': ('u1', 4),
}


def decode_image_message(cdr: Buffer, *, max_bytes: int) -> ImageMessage:
    """Read an ``Image`` without touching its pixels.

    Args:
        cdr: The message as a door delivers it; the result is a view of it.
        max_bytes: Largest payload to accept.

    Returns:
        The message; its fields are as sent and still to be judged by ``decode_image``.

    Raises:
        MessageError: ``cdr`` damaged or of another type, ``too_big`` above ``max_bytes``.
    """
    reader = CdrReader(cdr, IMAGE_TYPE)
    stamp_ns = reader.stamp_ns()
    frame_id = reader.text()
    notes = frame_notes(reader, frame_id)
    height, width = reader.uint32(), reader.uint32()
    encoding = reader.text()
    is_bigendian = reader.uint8() != 0
    step = reader.uint32()
    data = reader.payload()
    reader.finish()
    _check_size(data.size, max_bytes, IMAGE_TYPE)
    return ImageMessage(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=is_bigendian,
        step=step,
        data=data,
        notes=notes,
    )


def decode_compressed_message(cdr: Buffer, *, max_bytes: int) -> CompressedMessage:
    """Read a ``CompressedImage`` without decompressing it; as ``decode_image_message``."""
    reader = CdrReader(cdr, COMPRESSED_TYPE)
    stamp_ns = reader.stamp_ns()
    frame_id = reader.text()
    notes = frame_notes(reader, frame_id)
    text = reader.text()
    data = reader.payload()
    reader.finish()
    _check_size(data.size, max_bytes, COMPRESSED_TYPE)
    return CompressedMessage(
        stamp_ns=stamp_ns, frame_id=frame_id, format=text, data=data, notes=notes
    )


def decode_plane(cdr: Buffer) -> UInt8Array:
    """Read a one-byte ``Image``, such as a label map, as (H, W) uint8.

    Raises:
        MessageError: Damaged, or of another encoding.
    """
    limits = DecodeLimits()
    message = decode_image_message(cdr, max_bytes=limits.max_image_bytes)
    image = decode_image(message, 'thermal', limits=limits).image
    if image.dtype != np.uint8:
        text = f'{message.encoding} image'
        raise MessageError(text, reason='depth', hint='one byte a pixel is expected: mono8')
    return image.view(np.uint8)


def frame_notes(reader: CdrReader, frame_id: str) -> tuple[str, ...]:
    """Return the note for a frame_id that is empty or had to be mended."""
    return ('frame_id',) if reader.odd_text or not frame_id else ()


def encode_image(
    image: PixelArray | NDArray[np.float32], *, stamp_ns: int, frame_id: str, encoding: str
) -> bytes:
    """Write an ``Image``, rows without padding, little-endian.

    Args:
        image: (H, W) or (H, W, C) of the dtype that ``encoding`` names.
        stamp_ns: Header stamp in nanoseconds.
        frame_id: Header frame.
        encoding: One of ``WRITABLE``.

    Raises:
        MessageError: Shape or dtype does not fit the encoding.
    """
    kind, channels = WRITABLE.get(encoding, ('', 0))
    shape = image.shape if image.ndim == 3 else (*image.shape, 1)
    if image.dtype.str[1:] != kind or len(shape) != 3 or shape[2] != channels:
        message = f'cannot write {image.shape} {image.dtype} as {encoding!r}'
        raise MessageError(message, reason='encoding', hint=f'writable: {", ".join(WRITABLE)}')
    pixels = np.ascontiguousarray(image, image.dtype.newbyteorder('<'))
    writer = CdrWriter()
    writer.header(stamp_ns, frame_id)
    writer.values('II', 4, shape[0], shape[1])
    writer.text(encoding)
    writer.values('B', 1, 0)
    writer.values('II', 4, shape[1] * channels * image.dtype.itemsize, pixels.nbytes)
    return writer.finish(pixels.data)


def encode_compressed(data: Buffer, *, stamp_ns: int, frame_id: str, format_text: str) -> bytes:
    """Write a ``CompressedImage``.

    Args:
        data: The JPEG or PNG file's bytes.
        stamp_ns: Header stamp in nanoseconds.
        frame_id: Header frame.
        format_text: As image_transport writes it, for example ``mono16; png compressed ``.
    """
    writer = CdrWriter()
    writer.header(stamp_ns, frame_id)
    writer.text(format_text)
    writer.uint32(len(data))
    return writer.finish(memoryview(data))


def _check_size(size: int, max_bytes: int, type_name: str) -> None:
    if size > max_bytes:
        message = f'{type_name}: {size} bytes of data, {max_bytes} allowed'
        raise MessageError(
            message, reason='too_big', hint='raise max_image_bytes if this is meant'
        )
