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

"""Read one sqlite3 bag file, whole or torn; these tables stand in every schema version."""

from __future__ import annotations

from collections import Counter
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

import zstandard

from xspec_ros.bag.records import Record, TopicInfo
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

MAX_MESSAGE_BYTES = 1 << 30


class SqliteFile:
    """One ``.db3`` file, opened read-only and never locked.

    Args:
        path: The file.
        message_zstd: True when every message is compressed on its own.
    """

    def __init__(self, path: Path, *, message_zstd: bool = False) -> None:
        self.damage: list[str] = []
        self._path = path
        self._message_zstd = message_zstd
        self._rows: list[tuple[int, int, int]] = []
        self._topics: dict[int, tuple[str, str, str, str]] = {}
        self._connection = self._open()
        try:
            self._read_topics()
        except sqlite3.Error as error:
            self._connection.close()
            message = f'no topics can be read from {path}: {error}'
            raise DataError(message, hint='the file is damaged too early to read on') from error
        self._definitions = self._read_definitions()
        self._read_rows()

    def topics(self) -> tuple[TopicInfo, ...]:
        """Return the topics."""
        counts = Counter(topic_id for _, _, topic_id in self._rows)
        return tuple(
            TopicInfo(
                name=name,
                type_name=type_name,
                count=counts[topic_id],
                digest=digest,
                definition=self._definitions.get(type_name, ''),
            )
            for topic_id, (name, type_name, _, digest) in sorted(self._topics.items())
        )

    def messages(self, wanted: Collection[str] | None) -> Iterator[Record]:
        """Yield messages in log-time order."""
        names = {
            topic_id: (name, type_name)
            for topic_id, (name, type_name, serialization, _) in self._topics.items()
            if serialization == 'cdr' and (wanted is None or name in wanted)
        }
        for log_ns, row_id, topic_id in self._rows:
            if topic_id not in names:
                continue
            payload = self._payload(row_id)
            if payload is None:
                continue
            topic, type_name = names[topic_id]
            yield Record(topic=topic, type_name=type_name, cdr=memoryview(payload), log_ns=log_ns)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _open(self) -> sqlite3.Connection:
        uri = f'file:{quote(str(self._path))}?immutable=1'
        try:
            connection = sqlite3.connect(uri, uri=True)
            # Without this sqlite refuses a file that is shorter than its header says.
            connection.execute('PRAGMA writable_schema=ON')
        except sqlite3.Error as error:
            message = f'{self._path} cannot be opened: {error}'
            raise DataError(
                message, hint='it is no sqlite3 bag, or damaged at its start'
            ) from error
        return connection

    def _read_topics(self) -> None:
        columns = {row[1] for row in self._connection.execute('PRAGMA table_info(topics)')}
        digest = 'type_description_hash' if 'type_description_hash' in columns else "''"
        query = f'SELECT id, name, type, serialization_format, {digest} FROM topics'
        for topic_id, name, type_name, serialization, hash_text in self._connection.execute(query):
            row = (name, type_name, serialization, hash_text or '')
            if all(isinstance(text, str) for text in row):
                self._topics[topic_id] = row
        if not self._topics and not columns:
            message = 'no such table: topics'
            raise sqlite3.DatabaseError(message)

    def _read_definitions(self) -> dict[str, str]:
        """Return the definition texts that bags carry from Iron on."""
        query = (
            'SELECT topic_type, encoded_message_definition FROM message_definitions '
            "WHERE encoding = 'ros2msg'"
        )
        try:
            rows = self._connection.execute(query).fetchall()
        except sqlite3.Error:
            return {}
        return {
            name: text for name, text in rows if isinstance(name, str) and isinstance(text, str)
        }

    def _read_rows(self) -> None:
        """List (log time, row, topic) in table order: the time index may lie behind the tear."""
        try:
            for row in self._connection.execute('SELECT timestamp, id, topic_id FROM messages'):
                if all(isinstance(value, int) for value in row):
                    self._rows.append(row)
                else:
                    self._note(f'{self._path.name} is damaged: a message has no time or topic')
        except sqlite3.Error as error:
            self._note(f'{self._path.name} is torn: {error} after {len(self._rows)} messages')
        self._rows.sort()

    def _payload(self, row_id: int) -> bytes | None:
        query = 'SELECT data FROM messages WHERE id = ?'
        try:
            (data,) = self._connection.execute(query, (row_id,)).fetchone() or (None,)
            if isinstance(data, bytes):
                return _decompress(data) if self._message_zstd else data
            error = 'no bytes'
        except (sqlite3.Error, zstandard.ZstdError) as damage:
            error = str(damage)
        self._note(f'{self._path.name} is damaged at message {row_id}: {error}')
        return None

    def _note(self, text: str) -> None:
        if not self.damage:
            self.damage.append(text)


def _decompress(data: bytes) -> bytes:
    size = zstandard.get_frame_parameters(data).content_size
    if size > MAX_MESSAGE_BYTES:
        message = f'claims {size} bytes'
        raise zstandard.ZstdError(message)
    return zstandard.ZstdDecompressor().decompress(data)
