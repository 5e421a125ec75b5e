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

import subprocess
import sys

from mcap.reader import make_reader
import pytest
from rosbags.highlevel import AnyReader

from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.errors import DataError
from xspec_ros.messages.topics import IMAGE_TYPE, RGB


def fill(path, count=20):
    with BagWriter(path) as bag:
        write(bag, count)


def write(bag, count):
    for index in range(count):
        bag.write(RGB, IMAGE_TYPE, bytes([index]) * 300_000, index)


def interrupted(path):
    with BagWriter(path) as bag:
        bag.write(RGB, IMAGE_TYPE, b'abcd', 7)
        raise KeyboardInterrupt


def test_full_disk_is_an_error_and_what_was_written_is_whole(tmp_path, small_disk):
    path = tmp_path / 'a.mcap'
    with small_disk(1_000_000), pytest.raises(DataError, match='cannot be written'):
        fill(path)
    with BagReader(path) as bag:
        assert [record.log_ns for record in bag] == [0, 1, 2]
        assert bag.tear is None
    with AnyReader([path]) as reader:
        assert len(list(reader.messages())) == 3


def test_a_device_that_takes_nothing_is_an_error(tmp_path):
    link = tmp_path / 'full.mcap'
    link.symlink_to('/dev/full')
    with pytest.raises(DataError, match='No space left'):
        fill(link)


def test_writing_after_a_failure_is_refused(tmp_path, small_disk):
    bag = BagWriter(tmp_path / 'a.mcap')
    with small_disk(1_000_000), pytest.raises(DataError, match='cannot be written'):
        write(bag, 20)
    with pytest.raises(DataError, match='is closed'):
        bag.write(RGB, IMAGE_TYPE, b'', 1)
    bag.close()


@pytest.mark.parametrize('name', ['a.mcap', 'folder'])
def test_ctrl_c_leaves_a_finished_bag(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    with BagReader(path) as reader:
        assert [bytes(record.cdr) for record in reader] == [b'abcd']
        assert reader.tear is None


class Interrupting(int):
    """A log time that brings Ctrl-C into the middle of the message's being written."""

    def __gt__(self, other):
        raise KeyboardInterrupt

    __lt__ = __gt__


def test_ctrl_c_in_the_middle_of_a_write_costs_that_message_only(tmp_path):
    path = tmp_path / 'a.mcap'
    bag = BagWriter(path)
    write(bag, 3)
    with pytest.raises(KeyboardInterrupt):
        bag.write(RGB, IMAGE_TYPE, b'abcd', Interrupting(9))
    bag.close()
    with BagReader(path) as reader:
        assert [record.log_ns for record in reader] == [0, 1, 2]
        assert reader.tear is None


def test_killed_process_leaves_its_frames(tmp_path):
    path = tmp_path / 'a.mcap'
    code = (
        'import os, sys\n'
        'from xspec_ros.bag.writer import BagWriter\n'
        'bag = BagWriter(sys.argv[1])\n'
        'for i in range(5):\n'
        '    bag.write("/rgb/image_raw", "sensor_msgs/msg/Image", bytes(300000), i)\n'
        'os._exit(9)\n'
    )
    subprocess.run([sys.executable, '-c', code, str(path)], check=False)
    with BagReader(path) as reader:
        assert len(list(reader)) == 5
        assert reader.tear is not None


def test_a_bag_that_is_there_is_not_overwritten_by_accident(tmp_path):
    for name in ('a.mcap', 'folder'):
        path = tmp_path / name
        fill(path, 1)
        with pytest.raises(DataError, match='--overwrite'):
            BagWriter(path)
        with BagWriter(path, overwrite=True) as bag:
            bag.write(RGB, IMAGE_TYPE, b'x', 3)
        with BagReader(path) as reader:
            assert [record.log_ns for record in reader] == [3]


def test_an_empty_file_or_folder_may_be_taken(tmp_path):
    (tmp_path / 'a.mcap').touch()
    (tmp_path / 'folder').mkdir()
    fill(tmp_path / 'a.mcap', 1)
    fill(tmp_path / 'folder', 1)


def test_foreign_folders_are_never_replaced(tmp_path):
    (tmp_path / 'notes.txt').write_text('mine')
    with pytest.raises(DataError, match='there already'):
        BagWriter(tmp_path, overwrite=True)
    assert (tmp_path / 'notes.txt').read_text() == 'mine'


def test_schema_and_hash_stand_in_the_file(tmp_path):
    path = tmp_path / 'a.mcap'
    fill(path, 1)
    with path.open('rb') as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    (schema,) = summary.schemas.values()
    assert (schema.name, schema.encoding) == (IMAGE_TYPE, 'ros2msg')
    (channel,) = summary.channels.values()
    assert channel.metadata['topic_type_hash'].startswith('RIHS01_')


def test_unknown_type_is_refused(tmp_path):
    with (
        BagWriter(tmp_path / 'a.mcap') as bag,
        pytest.raises(DataError, match='unknown message type'),
    ):
        bag.write('/x', 'no_msgs/msg/None', b'', 0)
