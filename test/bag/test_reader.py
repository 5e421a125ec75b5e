from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING

from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
import numpy as np
import pytest
from rosbags.highlevel import AnyReader
import zstandard

from xspec_ros.bag.reader import BagReader, choose_topic
from xspec_ros.bag.writer import BagWriter
from xspec_ros.errors import DataError
from xspec_ros.messages.topics import IMAGE_TYPE, RGB, THERMAL
from xspec_ros.messages.typestore import definition

if TYPE_CHECKING:
    from pathlib import Path

PAYLOAD = 300_000


def messages(count: int = 12) -> list[tuple[str, bytes, int]]:
    """Return (topic, cdr, log time) of a small drive; the bytes are told apart by their number."""
    return [
        (RGB if index % 2 else THERMAL, bytes([index]) * PAYLOAD, 1000 + index)
        for index in range(count)
    ]


def write(path: Path, **options: object) -> Path:
    with BagWriter(path, **options) as bag:  # type: ignore[arg-type]
        for topic, cdr, log_ns in messages():
            bag.write(topic, IMAGE_TYPE, cdr, log_ns)
    return path


def read(path: Path) -> tuple[list[tuple[str, bytes, int]], str | None]:
    with BagReader(path) as bag:
        found = [(item.topic, bytes(item.cdr), item.log_ns) for item in bag]
        return found, bag.tear


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('a.mcap', {}),
        ('a.mcap', {'compress': True}),
        ('folder', {}),
        ('folder', {'storage': 'sqlite3'}),
    ],
)
def test_what_is_written_is_read_back(tmp_path, name, options):
    path = write(tmp_path / name, **options)
    assert read(path) == (messages(), None)


def test_mcap_package_and_rosbags_read_our_file(tmp_path):
    path = write(tmp_path / 'a.mcap')
    with path.open('rb') as file:
        found = [
            message.data for _, _, message in make_reader(file, validate_crcs=True).iter_messages()
        ]
    assert found == [cdr for _, cdr, _ in messages()]
    with AnyReader([path]) as reader:
        assert [raw for _, _, raw in reader.messages()] == found


def test_topics_have_type_count_and_hash(tmp_path):
    with BagReader(write(tmp_path / 'a.mcap')) as bag:
        topics = {topic.name: topic for topic in bag.topics()}
    assert set(topics) == {RGB, THERMAL}
    assert topics[RGB].type_name == IMAGE_TYPE
    assert topics[RGB].count == 6
    assert topics[RGB].digest.startswith('RIHS01_d31d41a9a4c4bc8e')


def test_no_wanted_topics_means_no_messages(tmp_path):
    with BagReader(write(tmp_path / 'a.mcap')) as bag:
        assert list(bag.messages([])) == []
        assert list(bag.messages(['/nothing'])) == []


@pytest.mark.parametrize('share', [0.05, 0.33, 0.6, 0.95])
def test_torn_mcap_gives_everything_before_the_tear(tmp_path, share):
    path = write(tmp_path / 'a.mcap')
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    found, tear = read(path)
    assert found == messages()[: len(found)]
    assert len(found) == int(len(whole) * share) // (PAYLOAD + 200)
    assert tear is not None
    assert 'torn at byte' in tear


def test_mcap_without_its_last_bytes_keeps_all_messages(tmp_path):
    path = write(tmp_path / 'a.mcap')
    path.write_bytes(path.read_bytes()[:-10])
    found, tear = read(path)
    assert found == messages()
    assert tear is not None


def test_torn_mcap_still_names_its_topics(tmp_path):
    path = write(tmp_path / 'a.mcap', compress=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with BagReader(path) as bag:
        assert {topic.name for topic in bag.topics()} == {RGB, THERMAL}


def test_flipped_byte_is_noticed_and_costs_one_chunk(tmp_path):
    path = write(tmp_path / 'a.mcap')
    data = bytearray(path.read_bytes())
    data[5 * PAYLOAD + PAYLOAD // 2] ^= 1
    path.write_bytes(data)
    found, tear = read(path)
    assert len(found) == len(messages()) - 1
    assert tear is not None
    assert 'checksum' in tear


def test_zeroed_tail_is_a_tear(tmp_path):
    path = write(tmp_path / 'a.mcap')
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(100_000))
    found, tear = read(path)
    assert 4 <= len(found) <= 6
    assert tear is not None


def test_unordered_messages_come_in_time_order(tmp_path):
    with BagWriter(tmp_path / 'a.mcap') as bag:
        for topic, cdr, log_ns in reversed(messages()):
            bag.write(topic, IMAGE_TYPE, cdr, log_ns)
    assert read(tmp_path / 'a.mcap') == (messages(), None)


@pytest.mark.parametrize('compression', list(CompressionType))
@pytest.mark.parametrize('chunked', [True, False])
def test_foreign_mcap_files_are_read(tmp_path, compression, chunked):
    path = tmp_path / 'a.mcap'
    with path.open('wb') as file:
        writer = Writer(file, compression=compression, use_chunking=chunked)
        writer.start()
        schema = writer.register_schema(IMAGE_TYPE, 'ros2msg', definition(IMAGE_TYPE).encode())
        channels = {name: writer.register_channel(name, 'cdr', schema) for name in (RGB, THERMAL)}
        for topic, cdr, log_ns in messages():
            writer.add_message(channels[topic], log_ns, cdr, log_ns)
        writer.finish()
    assert read(path) == (messages(), None)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_folder_without_metadata_is_read(tmp_path, storage):
    path = write(tmp_path / 'bag', storage=storage)
    (path / 'metadata.yaml').unlink()
    assert read(path) == (messages(), None)


def test_split_bag_is_one_bag_and_a_missing_part_is_reported(tmp_path):
    parts = [write(tmp_path / 'one'), write(tmp_path / 'two')]
    split = tmp_path / 'split'
    split.mkdir()
    for index, part in enumerate(parts):
        shutil.copy(next(part.glob('*.mcap')), split / f'split_{index}.mcap')
    found, tear = read(split)
    assert len(found) == 2 * len(messages())
    assert [log_ns for _, _, log_ns in found] == sorted(log_ns for _, _, log_ns in found)
    assert tear is None
    text = (parts[0] / 'metadata.yaml').read_text().replace('one.mcap', 'split_0.mcap')
    (split / 'metadata.yaml').write_text(
        text.replace('- split_0.mcap', '- split_0.mcap\n  - split_9.mcap')
    )
    found, tear = read(split)
    assert len(found) == len(messages())
    assert 'split_9.mcap' in (tear or '')


def test_zstd_compressed_sqlite_file_is_read(tmp_path):
    path = write(tmp_path / 'bag', storage='sqlite3')
    database = path / 'bag.db3'
    (path / 'bag.db3.zstd').write_bytes(zstandard.compress(database.read_bytes()))
    database.unlink()
    text = (path / 'metadata.yaml').read_text()
    (path / 'metadata.yaml').write_text(text.replace('bag.db3', 'bag.db3.zstd'))
    assert read(path) == (messages(), None)


def test_sqlite_with_messages_compressed_singly_is_read(tmp_path):
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
    assert read(path) == (messages(), None)


def test_torn_sqlite_gives_what_can_be_read(tmp_path):
    path = next(write(tmp_path / 'bag', storage='sqlite3').glob('*.db3'))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    found, tear = read(path)
    assert found
    assert all(item in messages() for item in found)
    assert tear is not None


@pytest.mark.parametrize(
    ('content', 'word'),
    [(b'', 'empty'), (b'#ROSBAG V2.0\n', 'ROS 1'), (b'hello world, no bag', 'no ROS 2 bag')],
)
def test_what_is_no_bag_is_named(tmp_path, content, word):
    path = tmp_path / 'a.mcap'
    path.write_bytes(content)
    with pytest.raises(DataError, match=word):
        BagReader(path)


def test_missing_path_and_empty_folder_are_named(tmp_path):
    with pytest.raises(DataError, match='no bag at'):
        BagReader(tmp_path / 'nothing')
    with pytest.raises(DataError, match='no bag files'):
        BagReader(tmp_path)


def test_wrong_topic_names_the_candidates(tmp_path):
    with BagReader(write(tmp_path / 'a.mcap')) as bag:
        topics = bag.topics()
    with pytest.raises(DataError, match=f'candidates: .*{THERMAL}'):
        choose_topic(topics, ['/other'], {IMAGE_TYPE}, where=tmp_path)
    with pytest.raises(DataError, match='has type sensor_msgs/msg/Image'):
        choose_topic(topics, [RGB], {'std_msgs/msg/String'}, where=tmp_path)
    assert choose_topic(topics, ['/other', RGB], {IMAGE_TYPE}, where=tmp_path).name == RGB


@pytest.mark.parametrize('name', ['a.mcap', 'z.mcap', 'sqlite'])
def test_damage_anywhere_never_escapes_as_another_error(tmp_path, name):
    options = {'a.mcap': {}, 'z.mcap': {'compress': True}, 'sqlite': {'storage': 'sqlite3'}}
    path = tmp_path / name
    with BagWriter(path, **options[name]) as bag:
        for index in range(20):
            bag.write(f'/topic{index % 3}', IMAGE_TYPE, bytes([index]) * 400, index)
    source = path if path.is_file() else path / 'sqlite.db3'
    whole = source.read_bytes()
    rng = np.random.default_rng(1)
    hurt = tmp_path / f'hurt{source.suffix}'
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 3):
            data[place : place + 4] = rng.bytes(4)
        hurt.write_bytes(data[: rng.integers(len(data) // 2, len(data) + 1)])
        try:
            with BagReader(hurt) as bag:
                bag.topics()
                assert len(list(bag)) <= 20 + 3
        except DataError:
            continue
