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

"""PNG and JPEG files judged from their own structure, before anything is decoded.

A decoder that is handed a cut or hostile file answers with grey rows, with 8-bit pixels or with
gigabytes of memory. Here the header is read and the file walked to its end marker instead.
"""

from __future__ import annotations

from dataclasses import dataclass
import re
from typing import Literal, NoReturn, TYPE_CHECKING, TypeAlias
import zlib

from xspec_ros.errors import MessageError

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind: TypeAlias = Literal['png', 'jpeg']

PNG_MAGIC = b'\x89PNG\r\n\x1a\n'
JPEG_MAGIC = b'\xff\xd8\xff'
OTHER_MAGICS: tuple[tuple[bytes, str], ...] = (
    (b'II*\x00', 'TIFF'),
    (b'MM\x00*', 'TIFF'),
    (b'RIFF', 'WebP'),
    (b'BM', 'BMP'),
    (b'GIF8', 'GIF'),
    (b'\x00\x00\x00\x0cjP', 'JPEG 2000'),
    (b'\xff\x4f\xff\x51', 'JPEG 2000'),
    (b'\x00\x00\x00\x01', 'a video packet'),
)
PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 4, 6: 4}
"""Channels that OpenCV delivers for each PNG colour type; grey with alpha becomes four."""

JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive; the others no common decoder takes."""

MAX_JPEG_SCANS = 100
"""Progressive files have about ten; each further one costs a pass over the picture."""

DAMAGED = 'this frame is dropped; when it happens often, look at the link to the camera'

_SCAN_END = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFile:
    """What a file says about the picture in it.

    Attributes:
        kind: ``png`` or ``jpeg``.
        height: Rows.
        width: Columns.
        channels: 1, 3 or 4.
        bits: Bits a sample.
        length: Bytes up to and with the end marker; what follows is no part of the file.
    """

    kind: Kind
    height: int
    width: int
    channels: int
    bits: int
    length: int


def read_picture_header(data: memoryview) -> PictureFile:
    """Read size and depth of a PNG or JPEG file without walking it.

    Args:
        data: The file's bytes, possibly with a tail behind its end.

    Returns:
        The header, ``length`` still 0.

    Raises:
        MessageError: ``corrupt``: neither PNG nor JPEG, or cut inside the header; ``encoding``:
            another picture format, or a rare form of JPEG.
    """
    start = bytes(data[:12])
    if start.startswith(PNG_MAGIC):
        return _png_header(data)
    if start.startswith(JPEG_MAGIC):
        return _jpeg_header(data)
    for magic, name in OTHER_MAGICS:
        if start.startswith(magic):
            _refuse_form(name)
    message = f'starts with {start.hex(" ") or "nothing"}, no PNG or JPEG'
    raise MessageError(message, reason='corrupt', hint=DAMAGED)


def file_length(data: memoryview, kind: Kind) -> int:
    """Walk a file to its end marker.

    Args:
        data: The file's bytes, possibly with a tail behind its end.
        kind: What ``read_picture_header`` found.

    Returns:
        Bytes up to and with the end marker.

    Raises:
        MessageError: ``corrupt``: a chunk or segment is cut, a PNG checksum fails, or the end
            marker is missing.
    """
    return _png_length(data) if kind == 'png' else _jpeg_length(data)


def _png_header(data: memoryview) -> PictureFile:
    if len(data) < 33 or bytes(data[8:16]) != b'\x00\x00\x00\x0dIHDR':
        message = 'PNG without IHDR'
        raise MessageError(message, reason='corrupt', hint=DAMAGED)
    width, height = _number(data, 16, 4), _number(data, 20, 4)
    bits, colour = data[24], data[25]
    if colour not in PNG_CHANNELS or bits not in {1, 2, 4, 8, 16}:
        message = f'PNG of colour type {colour} with {bits} bits'
        raise MessageError(message, reason='corrupt', hint=DAMAGED)
    channels = PNG_CHANNELS[colour]
    return PictureFile(
        kind='png', height=height, width=width, channels=channels, bits=bits, length=0
    )


def _png_length(data: memoryview) -> int:
    position = len(PNG_MAGIC)
    while position + 12 <= len(data):
        size = _number(data, position, 4)
        end = position + 12 + size
        if end > len(data):
            break
        name = bytes(data[position + 4 : position + 8])
        if zlib.crc32(data[position + 4 : end - 4]) != _number(data, end - 4, 4):
            message = f'PNG chunk {name!r} at byte {position} fails its checksum'
            raise MessageError(message, reason='corrupt', hint=DAMAGED)
        if name == b'IEND':
            return end
        position = end
    message = f'PNG cut after {len(data)} bytes, no IEND'
    raise MessageError(message, reason='corrupt', hint=DAMAGED)


def _jpeg_header(data: memoryview) -> PictureFile:
    for marker, position, size in _segments(data):
        if marker in JPEG_FRAMES and size >= 8:
            bits, channels = data[position], data[position + 5]
            height, width = _number(data, position + 1, 2), _number(data, position + 3, 2)
            return PictureFile(
                kind='jpeg', height=height, width=width, channels=channels, bits=bits, length=0
            )
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            _refuse_form(f'JPEG frame type {marker:#x} (lossless, hierarchical or arithmetic)')
        if marker == 0xDA:
            break
    message = 'JPEG without a frame header'
    raise MessageError(message, reason='corrupt', hint=DAMAGED)


def _jpeg_length(data: memoryview) -> int:
    scans = 0
    for marker, position, _ in _segments(data):
        if marker == 0xD9:
            return position
        scans += marker == 0xDA
        if scans > MAX_JPEG_SCANS:
            message = f'JPEG of more than {MAX_JPEG_SCANS} scans'
            raise MessageError(message, reason='corrupt', hint=DAMAGED)
    message = f'JPEG cut after {len(data)} bytes, no end marker'
    raise MessageError(message, reason='corrupt', hint=DAMAGED)


def _segments(data: memoryview) -> Iterator[tuple[int, int, int]]:
    """Walk JPEG segments: marker, where its content starts, content size. Ends where data ends.

    Entropy-coded bytes after a scan header are skipped up to the next real marker.
    """
    position = 2
    while position + 2 <= len(data):
        if data[position] != 0xFF:
            message = f'JPEG has no marker at byte {position}'
            raise MessageError(message, reason='corrupt', hint=DAMAGED)
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        position += 2
        if marker == 0xD9:
            yield marker, position, 0
            return
        if position + 2 > len(data):
            return
        size = _number(data, position, 2)
        if size < 2:
            message = f'JPEG segment of {size} bytes at byte {position}'
            raise MessageError(message, reason='corrupt', hint=DAMAGED)
        if position + size > len(data):
            return
        yield marker, position + 2, size - 2
        position += size
        if marker == 0xDA:
            found = _SCAN_END.search(data, position)
            if found is None:
                return
            position = found.start()


def _refuse_form(name: str) -> NoReturn:
    message = f'{name} is not supported'
    hint = 'use jpeg or png; 16-bit thermal as png'
    raise MessageError(message, reason='encoding', hint=hint)


def _number(data: memoryview, position: int, size: int) -> int:
    return int.from_bytes(data[position : position + size], 'big')
