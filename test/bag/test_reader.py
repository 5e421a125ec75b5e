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

import shutil

from mcap.reader import make_reader
import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from xspec_ros.bag.reader import BagReader, choose_topic
from xspec_ros.bag.writer import BagWriter
from xspec_ros.errors import DataError
from xspec_ros.messages.topics import IMAGE_TYPE, RGB, THERMAL


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('a.mcap', {}),
        ('a.mcap', {'compress': True}),
        ('folder', {}),
        ('folder', {'storage': 'sqlite3'}),
    ],
)
def test_what_is_written_is_read_back(messages, write, read, tmp_path, name, options):
    path = write(tmp_path / name, **options)
    assert read(path) == (messages, None)


def test_mcap_package_and_rosbags_read_our_file(messages, write, tmp_path):
    path = write(tmp_path / 'a.mcap')
    with path.open('rb') as file:
        found = [
            message.data for _, _, message in make_reader(file, validate_crcs=True).iter_messages()
        ]
    assert found == [cdr for _, cdr, _ in messages]
    with AnyReader([path]) as reader:
        assert [raw for _, _, raw in reader.messages()] == found


def test_topics_have_type_count_and_hash(write, tmp_path):
    with BagReader(write(tmp_path / 'a.mcap')) as bag:
        topics = {topic.name: topic for topic in bag.topics()}
    assert set(topics) == {RGB, THERMAL}
    assert topics[RGB].type_name == IMAGE_TYPE
    assert topics[RGB].count == 6
    assert topics[RGB].digest.startswith('RIHS01_d31d41a9a4c4bc8e')


def test_no_wanted_topics_means_no_messages(messages, write, tmp_path):
    with BagReader(write(tmp_path / 'a.mcap')) as bag:
        assert list(bag.messages([])) == []
        assert list(bag.messages(['/nothing'])) == []


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_folder_without_metadata_is_read(messages, write, read, tmp_path, storage):
    path = write(tmp_path / 'bag', storage=storage)
    (path / 'metadata.yaml').unlink()
    assert read(path) == (messages, None)


def test_split_bag_is_one_bag_and_a_missing_part_is_reported(messages, write, read, tmp_path):
    parts = [write(tmp_path / 'one'), write(tmp_path / 'two')]
    split = tmp_path / 'split'
    split.mkdir()
    for index, part in enumerate(parts):
        shutil.copy(next(part.glob('*.mcap')), split / f'split_{index}.mcap')
    found, tear = read(split)
    assert len(found) == 2 * len(messages)
    assert [log_ns for _, _, log_ns in found] == sorted(log_ns for _, _, log_ns in found)
    assert tear is None
    text = (parts[0] / 'metadata.yaml').read_text().replace('one.mcap', 'split_0.mcap')
    (split / 'metadata.yaml').write_text(
        text.replace('- split_0.mcap', '- split_0.mcap\n  - split_9.mcap')
    )
    found, tear = read(split)
    assert len(found) == len(messages)
    assert 'split_9.mcap' in (tear or '')


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


def test_wrong_topic_names_the_candidates(write, tmp_path):
    with BagReader(write(tmp_path / 'a.mcap')) as bag:
        topics = bag.topics()
    with pytest.raises(DataError, match=f'candidates: .*{THERMAL}'):
        choose_topic(topics, ['/other'], {IMAGE_TYPE}, where=tmp_path)
    with pytest.raises(DataError, match='has type sensor_msgs/msg/Image'):
        choose_topic(topics, [RGB], {'std_msgs/msg/String'}, where=tmp_path)
    assert choose_topic(topics, ['/other', RGB], {IMAGE_TYPE}, where=tmp_path).name == RGB


@pytest.mark.parametrize('name', ['a.mcap', 'z.mcap', 'sqlite'])
def test_damage_anywhere_never_escapes_as_another_error(write, tmp_path, name):
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
