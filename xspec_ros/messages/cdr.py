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

"""CDR as ROS 2 writes it (XCDR1, 8-byte alignment), read leniently and written fast.

Reading never copies payloads and never allocates by what a message merely claims: every
length is judged against the bytes that are there. Text is read as rclpy reads it: up to the
first NUL, bytes that are not UTF-8 become U+FFFD, so a driver's odd frame_id loses no frame.
"""

from __future__ import annotations

from functools import cache
import struct
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from xspec_ros.errors import MessageError

if TYPE_CHECKING:
    from xspec_ros.core.frame import UInt8Array

Buffer: TypeAlias = bytes | bytearray | memoryview

NANOSECONDS = 1_000_000_000
MAX_SECONDS = 2**31 - 1
HEADER_BYTES = 4
LITTLE_ENDIAN = b'\x00\x01\x00\x00'
MAX_PADDING = 3
MAX_TEXT_BYTES = 1 << 20


@cache
def _struct(layout: str) -> Struct:
    return Struct(layout)


class CdrReader:
    """Reads one message field by field; anything that does not fit is a ``MessageError``.

    Args:
        cdr: The message, encapsulation header included.
        type_name: For messages to the user.
    """

    __slots__ = ('_data', '_order', '_position', '_type_name', 'odd_text')

    def __init__(self, cdr: Buffer, type_name: str) -> None:
        view = memoryview(cdr)
        if view.format != 'B' or view.ndim != 1:
            view = view.cast('B')
        self._type_name = type_name
        self._position = 0
        self.odd_text = False
        if len(view) < HEADER_BYTES or view[0] != 0 or view[1] > 1:
            what = f'no plain CDR header in {len(view)} bytes'
            raise self.damaged(what)
        self._order = '<' if view[1] else '>'
        self._data = view[HEADER_BYTES:]

    def damaged(self, what: str) -> MessageError:
        """Return the error for this message, ready to raise."""
        return MessageError(
            f'{self._type_name}: {what}',
            reason='cdr',
            hint='damaged message, or its type differs from its name',
        )

    def values(self, layout: str, alignment: int) -> tuple[int | float, ...]:
        """Read a run of equally aligned values.

        Args:
            layout: ``struct`` layout without byte order, for example ``5d``.
            alignment: Bytes each value is aligned to.
        """
        start = -(-self._position // alignment) * alignment
        packer = _struct(self._order + layout)
        try:
            found = packer.unpack_from(self._data, start)
        except struct.error as err:
            what = f'ends after {len(self._data)} bytes'
            raise self.damaged(what) from err
        self._position = start + packer.size
        return found

    def integer(self, code: str, alignment: int) -> int:
        """Read one integer of the given ``struct`` code."""
        return int(self.values(code, alignment)[0])

    def uint8(self) -> int:
        """Read one byte."""
        return self.integer('B', 1)

    def uint16(self) -> int:
        """Read one unsigned 16-bit value."""
        return self.integer('H', 2)

    def uint32(self) -> int:
        """Read one unsigned 32-bit value."""
        return self.integer('I', 4)

    def float32(self) -> float:
        """Read one 32-bit float."""
        return float(self.values('f', 4)[0])

    def skip(self, size: int, alignment: int) -> None:
        """Pass over ``size`` bytes that nobody needs."""
        self._position = -(-self._position // alignment) * alignment + size
        if self._position > len(self._data):
            what = f'ends after {len(self._data)} bytes'
            raise self.damaged(what)

    def count(self, element_bytes: int) -> int:
        """Read a sequence length and judge it against the bytes that are left.

        Args:
            element_bytes: The least an element takes.
        """
        number = self.uint32()
        left = len(self._data) - self._position
        if number * element_bytes > left:
            what = f'claims {number} elements, {left} bytes are left'
            raise self.damaged(what)
        return number

    def text(self) -> str:
        """Read a string up to its first NUL; sets ``odd_text`` where it had to be mended."""
        number = self.count(1)
        raw = bytes(self._data[self._position : self._position + min(number, MAX_TEXT_BYTES)])
        self._position += number
        head, _, tail = raw.partition(b'\x00')
        self.odd_text |= bool(tail) or number > MAX_TEXT_BYTES
        try:
            return head.decode()
        except UnicodeDecodeError:
            self.odd_text = True
            return head.decode(errors='replace')

    def payload(self) -> UInt8Array:
        """Read a ``uint8[]`` as a view of the message: (n,) uint8."""
        number = self.count(1)
        view = np.frombuffer(self._data, np.uint8, number, self._position)
        self._position += number
        return view

    def stamp_ns(self) -> int:
        """Read a ``builtin_interfaces/Time`` as nanoseconds."""
        seconds = self.integer('i', 4)
        return seconds * NANOSECONDS + self.uint32()

    def finish(self) -> None:
        """Refuse a message with bytes nobody asked for: it is of another type."""
        left = len(self._data) - self._position
        if left > MAX_PADDING:
            what = f'{left} bytes are left over'
            raise self.damaged(what)


class CdrWriter:
    """Writes one little-endian message field by field."""

    __slots__ = ('_body',)

    def __init__(self) -> None:
        self._body = bytearray()

    def align(self, alignment: int) -> None:
        """Pad with zeros up to a multiple of ``alignment``."""
        self._body += bytes(-len(self._body) % alignment)

    def values(self, layout: str, alignment: int, *numbers: float) -> None:
        """Write a run of equally aligned values, ``layout`` as in ``CdrReader.values``."""
        self.align(alignment)
        self._body += _struct('<' + layout).pack(*numbers)

    def uint32(self, number: int) -> None:
        """Write one unsigned 32-bit value."""
        self.values('I', 4, number)

    def text(self, text: str) -> None:
        """Write a string; NUL characters, which CDR cannot carry, are left out."""
        raw = text.replace('\x00', '').encode(errors='replace')
        self.uint32(len(raw) + 1)
        self._body += raw
        self._body.append(0)

    def stamp_ns(self, stamp_ns: int) -> None:
        """Write nanoseconds as ``builtin_interfaces/Time``."""
        self.values('iI', 4, *split_stamp(stamp_ns))

    def header(self, stamp_ns: int, frame_id: str) -> None:
        """Write a ``std_msgs/Header``."""
        self.stamp_ns(stamp_ns)
        self.text(frame_id)

    def append(self, block: bytes | bytearray) -> None:
        """Write ready-made bytes where the message stands."""
        self._body += block

    def __len__(self) -> int:
        """Return the bytes written so far, the encapsulation header not counted."""
        return len(self._body)

    def finish(self, payload: memoryview | None = None) -> bytes:
        """Return the whole message, ``payload`` at its end copied once.

        Args:
            payload: C-contiguous bytes that follow the last field.
        """
        if payload is None:
            return LITTLE_ENDIAN + self._body
        return b''.join((LITTLE_ENDIAN, self._body, payload))


def split_stamp(stamp_ns: int) -> tuple[int, int]:
    """Return seconds and nanoseconds of a stamp; even a hostile one comes back as it was."""
    seconds = min(stamp_ns // NANOSECONDS, MAX_SECONDS)
    return seconds, stamp_ns - seconds * NANOSECONDS


def peek_stamp_ns(cdr: Buffer) -> int:
    """Return the header stamp of a message, 0 where it is too short to have one."""
    try:
        return CdrReader(cdr, 'header').stamp_ns()
    except MessageError:
        return 0
