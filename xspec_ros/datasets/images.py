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

"""Picture files as arrays: sizes checked in the header, torn files refused."""

from __future__ import annotations

from dataclasses import dataclass
import re
import struct
from typing import Any, Literal, TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from xspec_ros.core.frame import Modality, PixelArray, UInt8Array

SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.pgm', '.ppm')
MAX_PIXELS = 64_000_000
TAIL_BYTES = 4096
GREY_TOLERANCE = 12  # a grey picture stored as a colour JPEG is not quite grey
THERMAL_WORDS = frozenset({'thermal', 'lwir', 'infrared', 'ir', 'tir'})
Take: TypeAlias = Literal['all', 'colour', 'fourth']
_SOF = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Where a picture lies.

    Attributes:
        path: The file.
        take: ``all`` of it, or the ``colour`` (first three) or ``fourth`` channel of a
            four-channel file.
    """

    path: Path
    take: Take = 'all'


def read_rgb(picture: Picture) -> UInt8Array:
    """Read a visible picture.

    Args:
        picture: Where it lies.

    Returns:
        (H, W, 3) uint8, channels R, G, B.

    Raises:
        DataError: The file cannot be read or is no 8-bit picture.
    """
    image = _decode(picture.path)
    if image.dtype != np.uint8:
        message = f'{picture.path} is {image.dtype}, a visible picture is uint8'
        raise DataError(message, hint='convert it to 8 bit')
    if image.ndim == 2:
        return np.repeat(image.astype(np.uint8)[:, :, None], 3, axis=2)
    return np.ascontiguousarray(image[:, :, 2::-1], np.uint8)


def read_thermal(picture: Picture) -> PixelArray:
    """Read a thermal picture in the depth it is stored in.

    Args:
        picture: Where it lies.

    Returns:
        (H, W) uint8 or uint16.

    Raises:
        DataError: The file cannot be read or is no single-channel picture.
    """
    image = _decode(picture.path)
    if image.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        message = f'{picture.path} is {image.dtype}, a thermal picture is uint8 or uint16'
        raise DataError(message, hint='convert it to counts of 8 or 16 bit')
    if picture.take == 'fourth':
        if image.ndim != 3 or image.shape[2] != 4:
            message = f'{picture.path} has shape {image.shape}, no fourth channel'
            raise DataError(message, hint='this layout keeps thermal in a fourth channel')
        return np.ascontiguousarray(image[:, :, 3])
    tolerance = GREY_TOLERANCE if picture.path.suffix.lower() in {'.jpg', '.jpeg'} else 0
    return _single_channel(image, picture.path, tolerance)


def read_mask(path: Path) -> UInt8Array:
    """Read a mask of class ids.

    Args:
        path: The file.

    Returns:
        (H, W) uint8 ids as stored.

    Raises:
        DataError: The file cannot be read or holds no 8-bit single-channel picture.
    """
    image = _single_channel(_decode(path), path, 0)
    if image.dtype != np.uint8 and image.max(initial=0) > 255:
        message = f'{path} holds ids up to {image.max()}, a mask holds ids of 0 to 255'
        raise DataError(message, hint='store class ids in one 8-bit channel')
    return image.astype(np.uint8, copy=False)


def _single_channel(image: NDArray[Any], path: Path, tolerance: int) -> NDArray[Any]:
    if image.ndim == 2:
        return image
    spread = np.ptp(image[:, :, :3].astype(np.int32), axis=2)
    if spread.max(initial=0) > tolerance:
        message = f'{path} is a colour picture of shape {image.shape}, one channel is needed'
        raise DataError(message, hint='store grey values or ids, no colours and no palette')
    return np.ascontiguousarray(image[:, :, 1])


def _decode(path: Path) -> NDArray[Any]:
    """Decode a whole file; OpenCV itself would return the readable half of a torn one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f'cannot read {path}: {error.strerror or error}'
        raise DataError(message, hint='check the file and its rights') from error
    size = header_size(content)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        message = f'{path} claims {size[1]}x{size[0]} pixels'
        raise DataError(message, hint=f'pictures of up to {MAX_PIXELS} pixels are read')
    image = None
    if content and not _torn(content):
        image = _imdecode(np.frombuffer(content, np.uint8))
    if image is None:
        what = 'is empty' if not content else 'is damaged or no picture'
        message = f'{path} {what} ({len(content)} bytes)'
        raise DataError(message, hint='restore or remove the file')
    return image


def _imdecode(content: UInt8Array) -> NDArray[Any] | None:
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        return cv2.imdecode(content, flags)
    except cv2.error:
        return None


def _torn(content: bytes) -> bool:
    """Tell whether the end marker of a PNG or JPEG is missing."""
    tail = content[-TAIL_BYTES:]
    if content.startswith(b'\x89PNG'):
        return b'IEND' not in tail
    return content.startswith(b'\xff\xd8') and b'\xff\xd9' not in tail


def modality_of(folder: Path) -> Modality:
    """Guess from the names of folders whether pictures are thermal.

    Args:
        folder: Folder of the pictures; it and the three above count.
    """
    parts = folder.absolute().parts[-4:]
    words = {word for part in parts for word in re.split(r'[^a-z]+', part.lower())}
    return 'thermal' if words & THERMAL_WORDS else 'rgb'


def picture_size(path: Path) -> tuple[int, int] | None:
    """Return rows and columns from the header of a PNG or JPEG file, None for other formats.

    Args:
        path: The file.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        with path.open('rb') as file:
            content = file.read(2**16)
            size = header_size(content)
            if size is None and content.startswith(b'\xff\xd8'):
                size = header_size(content + file.read())
    except OSError as error:
        message = f'cannot read {path}: {error.strerror or error}'
        raise DataError(message, hint='check the file and its rights') from error
    return size


def header_size(content: bytes) -> tuple[int, int] | None:
    """Return rows and columns that a PNG or JPEG header states, None for anything else.

    Args:
        content: The first bytes of the file.
    """
    if content.startswith(b'\x89PNG\r\n\x1a\n') and len(content) >= 24:
        width, height = struct.unpack('>II', content[16:24])
        return height, width
    if not content.startswith(b'\xff\xd8'):
        return None
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker in _SOF:
            height, width = struct.unpack('>HH', content[place + 5 : place + 9])
            return height, width
        fill_or_alone = marker == 0xFF or 0xD0 <= marker <= 0xD8
        length = struct.unpack('>H', content[place + 2 : place + 4])[0]
        place += 1 if marker == 0xFF else 2 if fill_or_alone else 2 + length
    return None


def write_png(path: Path, image: PixelArray | NDArray[np.uint8]) -> None:
    """Write a PNG, colours given as R, G, B.

    Args:
        path: The file.
        image: (H, W) uint8 or uint16, or (H, W, 3) uint8 RGB.

    Raises:
        DataError: The file cannot be written.
    """
    _write(path, image, [cv2.IMWRITE_PNG_COMPRESSION, 3])


def write_jpeg(path: Path, image: UInt8Array, *, quality: int = 92) -> None:
    """Write a JPEG.

    Args:
        path: The file.
        image: (H, W, 3) uint8 RGB.
        quality: 0 to 100.

    Raises:
        DataError: The file cannot be written.
    """
    _write(path, image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _write(path: Path, image: PixelArray, parameters: list[int]) -> None:
    bgr = image[:, :, ::-1] if image.ndim == 3 else image
    done, content = cv2.imencode(path.suffix, np.ascontiguousarray(bgr), parameters)
    try:
        path.write_bytes(content.tobytes() if done else b'')
    except OSError as error:
        message = f'cannot write {path}: {error.strerror or error}'
        raise DataError(message, hint='check the folder and the free space') from error
