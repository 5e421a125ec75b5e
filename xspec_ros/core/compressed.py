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

"""``sensor_msgs/CompressedImage`` to ``Frame``: PNG and JPEG, judged before they are decoded.

The magic bytes say what the payload is; the ``format`` text only says what the picture was before
it was compressed. 16-bit PNG stays 16-bit, a 16-bit picture that went through an 8-bit codec is
refused, and a damaged file never becomes a partly grey picture.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
import re
from typing import cast, NoReturn, TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.core.containers import file_length, PictureFile, read_picture_header
from xspec_ros.core.encodings import gray_to_rgb
from xspec_ros.core.frame import CompressedMessage, Frame, Modality, PixelArray, UInt8Array
from xspec_ros.errors import MessageError

if TYPE_CHECKING:
    from xspec_ros.core.limits import DecodeLimits

DEPTH_HEADER_BYTES = 12
"""compressedDepth puts an int32 and two float32 in front of its PNG."""

WIDE_ENCODINGS = frozenset(
    {'mono16', '16UC1', '16SC1', '32FC1', '32SC1', '64FC1', 'TYPE_16UC1', 'TYPE_32FC1'}
)
"""Originals that 8 bits cannot hold."""

JPEG_VOID = 128
"""The value libjpeg leaves where the entropy data ran out."""

_ORIGINAL = re.compile(r'^\s*([A-Za-z0-9_]+)\s*;')


@dataclass(frozen=True, slots=True)
class _Source:
    """A message on its way through the checks."""

    message: CompressedMessage
    modality: Modality
    limits: DecodeLimits

    @property
    def original(self) -> str:
        """Encoding before compression, empty where the publisher does not say."""
        found = _ORIGINAL.match(self.message.format[:200])
        return found.group(1) if found else ''

    def refuse(self, what: str, *, reason: str, hint: str, picture: str = '') -> NoReturn:
        facts = f'format {self.message.format[:60]!r}, len {self.message.data.size}{picture}'
        text = f'{self.modality} compressed image: {what} ({facts})'
        raise MessageError(text, reason=reason, hint=hint)


def decode_compressed(
    message: CompressedMessage,
    modality: Modality,
    *,
    limits: DecodeLimits,
    received_ns: int = 0,
) -> Frame:
    """Turn a compressed image message into a frame.

    Args:
        message: The message; PNG, JPEG, or a 16-bit PNG in compressedDepth framing.
        modality: Which input it came in on.
        limits: Sizes and policies.
        received_ns: Monotonic clock when the bytes were in hand; 0 offline.

    Returns:
        The frame: (H, W, 3) uint8 R, G, B, or (H, W) uint8 or uint16.

    Raises:
        MessageError: ``empty``, ``too_big``, ``encoding``, ``corrupt``, ``lossy16``, ``channels``
            or ``depth``; the text prints the format, the length and the picture's size.
    """
    source = _Source(message, modality, limits)
    notes = list(message.notes)
    data = _payload(source)
    picture = _judge(source, data, notes)
    pixels = _decode(source, data[: picture.length], picture)
    image = _thermal(pixels) if modality == 'thermal' else _rgb(pixels, limits, notes)
    return _frame(source, image, picture.kind, notes=notes, received_ns=received_ns)


def judge_compressed(
    message: CompressedMessage,
    modality: Modality,
    *,
    limits: DecodeLimits,
    received_ns: int = 0,
) -> Frame:
    """Judge a compressed image message as ``decode_compressed`` does, and decode nothing.

    For frames of which only the stamp matters: RGB beside a thermal-only model is paired to
    measure the pairing, and decoding it would cost more than the model's own decoding.

    Returns:
        The frame with an empty picture, (0, 0, 3) uint8.

    Raises:
        MessageError: As ``decode_compressed``, but for damage that only decoding finds.
    """
    source = _Source(message, modality, limits)
    notes = list(message.notes)
    picture = _judge(source, _payload(source), notes)
    empty = np.zeros((0, 0, 3), np.uint8)
    return _frame(source, empty, picture.kind, notes=notes, received_ns=received_ns)


def _frame(
    source: _Source, image: PixelArray, kind: str, *, notes: list[str], received_ns: int
) -> Frame:
    return Frame(
        modality=source.modality,
        stamp_ns=source.message.stamp_ns,
        frame_id=source.message.frame_id,
        image=image,
        encoding=source.message.format[:60] or kind,
        received_ns=received_ns,
        notes=tuple(notes),
    )


def _payload(source: _Source) -> UInt8Array:
    """Return the picture file inside the message."""
    data, text = source.message.data, source.message.format
    if data.size == 0:
        hint = 'image_transport publishes nothing for 16UC1 as jpeg: set its format to png'
        source.refuse('no data', reason='empty', hint=hint)
    if data.size > source.limits.max_image_bytes:
        hint = f'max_image_bytes is {source.limits.max_image_bytes}'
        source.refuse('payload too big', reason='too_big', hint=hint)
    if 'compressedDepth' in text:
        if 'rvl' in text.lower():
            hint = 'set the compressedDepth format to png'
            source.refuse('RVL is not supported', reason='encoding', hint=hint)
        if source.original.endswith('32FC1'):
            hint = 'compressedDepth stores 32FC1 as inverse depth: use raw, or 16UC1'
            source.refuse('quantised as inverse depth', reason='lossy16', hint=hint)
        data = data[DEPTH_HEADER_BYTES:]
    return np.ascontiguousarray(data)


def _judge(source: _Source, data: UInt8Array, notes: list[str]) -> PictureFile:
    """Accept or refuse the file by its header and structure; nothing is decoded."""
    view = data.data
    try:
        picture = read_picture_header(view)
    except MessageError as error:
        source.refuse(error.message, reason=error.reason, hint=error.hint)
    facts = f', {picture.width} x {picture.height} x {picture.channels}, {picture.bits} bit'
    _judge_size(source, picture, facts)
    _judge_depth(source, picture, facts, notes)
    try:
        length = file_length(view, picture.kind)
    except MessageError as error:
        source.refuse(error.message, reason=error.reason, hint=error.hint, picture=facts)
    if length < data.size:
        notes.append('trailing')
    return replace(picture, length=length)


def _judge_size(source: _Source, picture: PictureFile, facts: str) -> None:
    limits = source.limits
    pixels = picture.height * picture.width
    if pixels == 0:
        source.refuse('no pixels', reason='corrupt', hint='the file is damaged', picture=facts)
    if pixels > limits.max_pixels:
        hint = f'max_pixels is {limits.max_pixels}'
        source.refuse('too many pixels', reason='too_big', hint=hint, picture=facts)
    decoded = pixels * picture.channels * (2 if picture.bits > 8 else 1)
    if decoded > limits.max_image_bytes:
        hint = f'max_image_bytes is {limits.max_image_bytes}'
        source.refuse(f'{decoded} bytes decoded', reason='too_big', hint=hint, picture=facts)


def _judge_depth(source: _Source, picture: PictureFile, facts: str, notes: list[str]) -> None:
    """Apply the rules of the input: channels, bits, and no silent loss of 16 bits."""
    if source.modality == 'rgb':
        if picture.bits > 8:
            hint = 'the RGB input takes 8 bits a channel'
            source.refuse('too deep', reason='depth', hint=hint, picture=facts)
        if picture.channels not in {1, 3, 4} or (picture.kind, picture.channels) == ('jpeg', 4):
            hint = 'use grey, RGB, or PNG with alpha'
            source.refuse('channels', reason='channels', hint=hint, picture=facts)
        return
    if picture.channels != 1:
        hint = 'thermal pictures have one channel: publish raw values, without a colour map'
        source.refuse('picture has colour', reason='channels', hint=hint, picture=facts)
    if picture.bits not in {8, 16}:
        hint = 'thermal pictures have 8 or 16 bits'
        source.refuse('bits', reason='depth', hint=hint, picture=facts)
    if picture.bits == 8 and source.original in WIDE_ENCODINGS:
        if not source.limits.allow_lossy_thermal:
            hint = 'use raw or png transport, or set allow_lossy_thermal'
            source.refuse('16 bits were cut to 8', reason='lossy16', hint=hint, picture=facts)
        notes.append('lossy16')


def _decode(source: _Source, data: UInt8Array, picture: PictureFile) -> PixelArray:
    """Run the decoder and check that it delivered what the header said."""
    hint = 'the frame is dropped, the next may do'
    try:
        pixels = cast('PixelArray | None', cv2.imdecode(data, cv2.IMREAD_UNCHANGED))
    except cv2.error as error:
        text = f'decoder failed: {error}'
        raise MessageError(text, reason='corrupt', hint=hint) from error
    expected = (picture.height, picture.width)
    if pixels is None or pixels.shape[:2] != expected or pixels.dtype.itemsize * 8 < picture.bits:
        got = 'nothing' if pixels is None else f'{pixels.shape} {pixels.dtype}'
        source.refuse(f'decoder gave {got}', reason='corrupt', hint=hint)
    if picture.kind == 'jpeg' and _ran_out(pixels):
        source.refuse('entropy data ends early', reason='corrupt', hint=hint)
    return pixels


def _ran_out(pixels: PixelArray) -> bool:
    """Tell a JPEG with lost packets: the last block row is void, the rest is not.

    Cameras that lose USB packets still send the end marker, and libjpeg only warns.
    """
    tail = pixels[-min(8, len(pixels)) :]
    void = bool((tail == JPEG_VOID).all())
    return void and not bool((pixels == JPEG_VOID).all())


def _thermal(pixels: PixelArray) -> PixelArray:
    if pixels.dtype == np.uint16:
        return np.ascontiguousarray(pixels, np.uint16)
    return np.ascontiguousarray(pixels, np.uint8)


def _rgb(pixels: PixelArray, limits: DecodeLimits, notes: list[str]) -> UInt8Array:
    """Bring what OpenCV decodes (grey, BGR, BGRA) to R, G, B."""
    image = np.ascontiguousarray(pixels, np.uint8)
    if image.ndim == 2:
        notes.append('gray')
        return gray_to_rgb(image)
    if image.shape[2] == 4:
        code = cv2.COLOR_BGRA2BGR if limits.swap_rb else cv2.COLOR_BGRA2RGB
        return np.ascontiguousarray(cv2.cvtColor(image, code), np.uint8)
    if limits.swap_rb:
        return image
    return np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
