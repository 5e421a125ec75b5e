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

from mcap.writer import CompressionType, Writer
import pytest

from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.messages.topics import IMAGE_TYPE, RGB, THERMAL
from xspec_ros.messages.typestore import definition

PAYLOAD = 300_000


@pytest.mark.parametrize('share', [0.05, 0.33, 0.6, 0.95])
def test_torn_mcap_gives_everything_before_the_tear(messages, write, read, tmp_path, share):
    path = write(tmp_path / 'a.mcap')
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    found, tear = read(path)
    assert found == messages[: len(found)]
    assert len(found) == int(len(whole) * share) // (PAYLOAD + 200)
    assert tear is not None
    assert 'torn at byte' in tear


def test_mcap_without_its_last_bytes_keeps_all_messages(messages, write, read, tmp_path):
    path = write(tmp_path / 'a.mcap')
    path.write_bytes(path.read_bytes()[:-10])
    found, tear = read(path)
    assert found == messages
    assert tear is not None


def test_torn_mcap_still_names_its_topics(write, tmp_path):
    path = write(tmp_path / 'a.mcap', compress=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with BagReader(path) as bag:
        assert {topic.name for topic in bag.topics()} == {RGB, THERMAL}


def test_flipped_byte_is_noticed_and_costs_one_chunk(messages, write, read, tmp_path):
    path = write(tmp_path / 'a.mcap')
    data = bytearray(path.read_bytes())
    data[5 * PAYLOAD + PAYLOAD // 2] ^= 1
    path.write_bytes(data)
    found, tear = read(path)
    assert len(found) == len(messages) - 1
    assert tear is not None
    assert 'checksum' in tear


def test_zeroed_tail_is_a_tear(write, read, tmp_path):
    path = write(tmp_path / 'a.mcap')
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(100_000))
    found, tear = read(path)
    assert 4 <= len(found) <= 6
    assert tear is not None


def test_unordered_messages_come_in_time_order(messages, write, read, tmp_path):
    with BagWriter(tmp_path / 'a.mcap') as bag:
        for topic, cdr, log_ns in reversed(messages):
            bag.write(topic, IMAGE_TYPE, cdr, log_ns)
    assert read(tmp_path / 'a.mcap') == (messages, None)


@pytest.mark.parametrize('compression', list(CompressionType))
@pytest.mark.parametrize('chunked', [True, False])
def test_foreign_mcap_files_are_read(messages, read, tmp_path, compression, chunked):
    path = tmp_path / 'a.mcap'
    with path.open('wb') as file:
        writer = Writer(file, compression=compression, use_chunking=chunked)
        writer.start()
        schema = writer.register_schema(IMAGE_TYPE, 'ros2msg', definition(IMAGE_TYPE).encode())
        channels = {name: writer.register_channel(name, 'cdr', schema) for name in (RGB, THERMAL)}
        for topic, cdr, log_ns in messages:
            writer.add_message(channels[topic], log_ns, cdr, log_ns)
        writer.finish()
    assert read(path) == (messages, None)
