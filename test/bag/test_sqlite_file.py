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

from __future__ import annotations

import sqlite3

import zstandard


def test_zstd_compressed_sqlite_file_is_read(messages, write, read, tmp_path):
    path = write(tmp_path / 'bag', storage='sqlite3')
    database = path / 'bag.db3'
    (path / 'bag.db3.zstd').write_bytes(zstandard.compress(database.read_bytes()))
    database.unlink()
    text = (path / 'metadata.yaml').read_text()
    (path / 'metadata.yaml').write_text(text.replace('bag.db3', 'bag.db3.zstd'))
    assert read(path) == (messages, None)


def test_sqlite_with_messages_compressed_singly_is_read(messages, write, read, tmp_path):
    path = write(tmp_path / 'bag', storage='sqlite3')
    with sqlite3.connect(path / 'bag.db3') as database:
        for row, data in list(database.execute('SELECT id, data FROM messages')):
            database.execute(
                'UPDATE messages SET data = ? WHERE id = ?', (zstandard.compress(data), row)
            )
    text = (path / 'metadata.yaml').read_text()
    (path / 'metadata.yaml').write_text(
        text.replace("compression_mode: ''", 'compression_mode: MESSAGE')
    )
    assert read(path) == (messages, None)


def test_torn_sqlite_gives_what_can_be_read(messages, write, read, tmp_path):
    path = next(write(tmp_path / 'bag', storage='sqlite3').glob('*.db3'))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    found, tear = read(path)
    assert found
    assert all(item in messages for item in found)
    assert tear is not None
