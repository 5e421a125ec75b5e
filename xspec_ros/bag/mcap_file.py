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

"""Read one MCAP file, whole or torn: an index by scanning, then chunk by chunk in time order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
import heapq
from io import BytesIO
import os
import struct
from typing import NamedTuple, TYPE_CHECKING
import zlib

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Chunk, Schema, Statistics
from mcap.stream_reader import get_chunk_data_stream
import zstandard

from xspec_ros.bag.records import Record, TopicInfo

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

MAGIC = b'\x89MCAP0\r\n'
MAX_CHUNK_BYTES = 1 << 30
MAX_SMALL_RECORD_BYTES = 1 << 26
_HEAD = struct.Struct('<BQ')
_CHUNK_HEAD = struct.Struct('<QQQII')
_MESSAGE_HEAD = struct.Struct('<HIQQ')


class _DamagedError(Exception):
    """A part of the file cannot be read."""


UNREADABLE = (McapError, struct.error, UnicodeDecodeError, _DamagedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """A chunk, or one message outside chunks.

    Attributes:
        offset: Where its payload starts in the file.
        length: Bytes of the payload that are there.
        start_ns: Log time of its first message.
        size: Uncompressed bytes; -1 for a lone message.
        crc: Checksum of the uncompressed bytes, 0 for none.
        compression: ``zstd``, ``lz4`` or empty.
        complete: False when the file ends inside it.
    """

    offset: int
    length: int
    start_ns: int
    size: int = -1
    crc: int = 0
    compression: str = ''
    complete: bool = True


class _Entry(NamedTuple):
    """A message waiting for its turn; orders by log time, then by place in the file."""

    log_ns: int
    offset: int
    order: int
    channel_id: int
    payload: memoryview


class McapFile:
    """One ``.mcap`` file; its own summary is not trusted, so a torn file reads like a whole one.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.damage: list[str] = []
        self._path = path
        self._file = path.open('rb')
        self._bytes = os.fstat(self._file.fileno()).st_size
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}
        self._counts: Counter[int] = Counter()
        self._segments: list[_Segment] = []
        self._scan()

    def topics(self) -> tuple[TopicInfo, ...]:
        """Return the topics; two channels of one topic and type count together."""
        found: dict[tuple[str, str], TopicInfo] = {}
        for channel_id, channel in sorted(self._channels.items()):
            schema = self._schemas.get(channel.schema_id)
            type_name = schema.name if schema else ''
            before = found.get((channel.topic, type_name))
            count = self._counts[channel_id] + (before.count if before else 0)
            found[channel.topic, type_name] = TopicInfo(
                name=channel.topic,
                type_name=type_name,
                count=count,
                digest=channel.metadata.get('topic_type_hash', ''),
                definition=_definition(schema),
            )
        return tuple(found.values())

    def messages(self, wanted: Collection[str] | None) -> Iterator[Record]:
        """Yield messages in log-time order; chunks that overlap in time are merged."""
        names = {
            channel_id: (channel.topic, self._type_name(channel))
            for channel_id, channel in self._channels.items()
            if channel.message_encoding == 'cdr' and (wanted is None or channel.topic in wanted)
        }
        if not names:
            return
        waiting: list[_Entry] = []
        ahead = sorted(self._segments, key=lambda part: (part.start_ns, part.offset))
        place = 0
        while place < len(ahead) or waiting:
            while place < len(ahead) and (
                not waiting or ahead[place].start_ns <= waiting[0].log_ns
            ):
                for entry in self._entries(ahead[place]):
                    if entry.channel_id in names:
                        heapq.heappush(waiting, entry)
                place += 1
            if waiting:
                entry = heapq.heappop(waiting)
                topic, type_name = names[entry.channel_id]
                yield Record(
                    topic=topic, type_name=type_name, cdr=entry.payload, log_ns=entry.log_ns
                )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _type_name(self, channel: Channel) -> str:
        schema = self._schemas.get(channel.schema_id)
        return schema.name if schema else ''

    def _scan(self) -> None:
        """Walk the record heads, which costs one small read a chunk."""
        position = len(MAGIC)
        ended = False
        while not ended:
            self._file.seek(position)
            head = self._file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                self._tear(position, 'the recording was not closed')
                break
            opcode, length = _HEAD.unpack(head)
            start = position + _HEAD.size
            if opcode == 0 or start + length > self._bytes:
                if opcode == Opcode.CHUNK:
                    self._add_chunk(start, self._bytes - start)
                self._tear(position, 'the file ends inside a record')
                break
            try:
                ended = self._scan_record(opcode, start, length)
            except UNREADABLE as error:
                self._tear(position, f'unreadable record ({error})')
                break
            position = start + length
        if ended and self._file.read(len(MAGIC)) != MAGIC:
            self._tear(position, 'the end mark is missing')
        self._learn_channels()

    def _scan_record(self, opcode: int, start: int, length: int) -> bool:
        """Take one record into the index; true for the footer."""
        if opcode == Opcode.CHUNK:
            self._add_chunk(start, length)
        elif opcode == Opcode.MESSAGE:
            channel_id, _, log_ns, _ = _MESSAGE_HEAD.unpack(self._file.read(_MESSAGE_HEAD.size))
            self._counts[channel_id] += 1
            self._segments.append(_Segment(offset=start, length=length, start_ns=log_ns))
        elif opcode == Opcode.MESSAGE_INDEX and length >= 6:
            channel_id, size = struct.unpack('<HI', self._file.read(6))
            self._counts[channel_id] += size // 16
        elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL, Opcode.STATISTICS):
            if length > MAX_SMALL_RECORD_BYTES:
                message = f'a record of {length} bytes'
                raise _DamagedError(message)
            self._learn(opcode, self._file.read(length))
        elif opcode == Opcode.FOOTER:
            self._file.seek(start + length)
            return True
        return False

    def _learn(self, opcode: int, payload: bytes | memoryview) -> None:
        stream = ReadDataStream(BytesIO(payload))
        if opcode == Opcode.SCHEMA:
            schema = Schema.read(stream)
            self._schemas.setdefault(schema.id, schema)
        elif opcode == Opcode.CHANNEL:
            channel = Channel.read(stream)
            self._channels.setdefault(channel.id, channel)
        elif not self._counts:
            self._counts.update(Statistics.read(stream).channel_message_counts)

    def _add_chunk(self, start: int, length: int) -> None:
        head = self._file.read(_CHUNK_HEAD.size)
        if len(head) < _CHUNK_HEAD.size:
            return
        start_ns, _, size, crc, name_length = _CHUNK_HEAD.unpack(head)
        rest = self._file.read(min(name_length, 16) + 8)
        if name_length > 16 or len(rest) < name_length + 8:
            return
        (stored,) = struct.unpack('<Q', rest[name_length:])
        offset = start + _CHUNK_HEAD.size + name_length + 8
        there = start + length - offset
        segment = _Segment(
            offset=offset,
            length=min(stored, there),
            start_ns=start_ns,
            size=size,
            crc=crc,
            compression=rest[:name_length].decode('ascii', 'replace'),
            complete=stored <= there,
        )
        self._segments.append(segment)

    def _learn_channels(self) -> None:
        """Open the chunks whose channels or counts no record outside chunks has told."""
        indexed = bool(self._counts)
        for segment in self._segments:
            if segment.size < 0 or (indexed and segment.complete and self._all_known()):
                continue
            for entry in self._entries(segment, report=False):
                if not indexed or not segment.complete:
                    self._counts[entry.channel_id] += 1

    def _all_known(self) -> bool:
        return all(
            channel_id in self._channels
            and (self._channels[channel_id].schema_id in (0, *self._schemas))
            for channel_id in self._counts
        )

    def _entries(self, segment: _Segment, *, report: bool = True) -> list[_Entry]:
        """Return the messages of a segment; of a torn chunk those that are whole."""
        self._file.seek(segment.offset)
        raw = self._file.read(segment.length)
        if segment.size < 0:
            channel_id, _, log_ns, _ = _MESSAGE_HEAD.unpack_from(raw)
            payload = memoryview(raw)[_MESSAGE_HEAD.size :]
            return [_Entry(log_ns, segment.offset, 0, channel_id, payload)]
        try:
            view = memoryview(_unpack(raw, segment))
        except _DamagedError as error:
            if report:
                self._note(f'chunk at byte {segment.offset} of {self._path.name}: {error}')
            return []
        return self._walk(view, segment.offset)

    def _walk(self, view: memoryview, offset: int) -> list[_Entry]:
        entries: list[_Entry] = []
        position = 0
        while position + _HEAD.size <= len(view):
            opcode, length = _HEAD.unpack_from(view, position)
            start, position = position + _HEAD.size, position + _HEAD.size + length
            if position > len(view):
                break
            if opcode == Opcode.MESSAGE and length >= _MESSAGE_HEAD.size:
                channel_id, _, log_ns, _ = _MESSAGE_HEAD.unpack_from(view, start)
                payload = view[start + _MESSAGE_HEAD.size : position]
                entries.append(_Entry(log_ns, offset, len(entries), channel_id, payload))
            elif opcode in (Opcode.SCHEMA, Opcode.CHANNEL):
                try:
                    self._learn(opcode, view[start:position])
                except UNREADABLE as error:
                    self._note(f'chunk at byte {offset} of {self._path.name}: {error}')
        return entries

    def _tear(self, position: int, cause: str) -> None:
        self._note(f'{self._path.name} is torn at byte {position} of {self._bytes}: {cause}')

    def _note(self, text: str) -> None:
        if text not in self.damage:
            self.damage.append(text)


def _definition(schema: Schema | None) -> str:
    if schema is None or schema.encoding != 'ros2msg':
        return ''
    return schema.data.decode('utf-8', 'replace')


def _unpack(raw: bytes, segment: _Segment) -> bytes:
    """Decompress a chunk and check its size and checksum before anything is believed."""
    if segment.size > MAX_CHUNK_BYTES:
        message = f'claims {segment.size} bytes, more than {MAX_CHUNK_BYTES}'
        raise _DamagedError(message)
    if not segment.complete:
        if segment.compression:
            message = 'the file ends inside this compressed chunk'
            raise _DamagedError(message)
        return raw
    data = _decompress(raw, segment)
    if len(data) != segment.size:
        message = f'holds {len(data)} bytes instead of {segment.size}'
        raise _DamagedError(message)
    if segment.crc and zlib.crc32(data) != segment.crc:
        message = 'its checksum does not match, its messages are left out'
        raise _DamagedError(message)
    return data


def _decompress(raw: bytes, segment: _Segment) -> bytes:
    try:
        if segment.compression == 'zstd':
            # A stream reader stops at the stated size whatever the frame claims to hold.
            with zstandard.ZstdDecompressor().stream_reader(raw) as stream:
                return bytes(stream.read(segment.size))
        if segment.compression == 'lz4':
            chunk = Chunk(
                compression='lz4',
                data=raw,
                message_start_time=0,
                message_end_time=0,
                uncompressed_crc=0,
                uncompressed_size=segment.size,
            )
            lz4_stream, size = get_chunk_data_stream(chunk)
            return bytes(lz4_stream.read(size))
    except (zstandard.ZstdError, McapError, RuntimeError, EOFError) as error:
        message = f'cannot be decompressed ({error})'
        raise _DamagedError(message) from error
    if segment.compression:
        message = f'unknown compression {segment.compression!r}'
        raise _DamagedError(message)
    return raw
