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

"""Drives of one camera or both, as bags and folders, read twice."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xspec_ros.bag.writer import BagWriter
from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.datasets import Sample, write_dataset
from xspec_ros.errors import DataError
from xspec_ros.learn.adapt.drives import DriveOptions, open_drive, sample_of
from xspec_ros.messages.topics import IMAGE_TYPE, THERMAL

RGB = [np.full((24, 32, 3), 20 * number, np.uint8) for number in range(8)]


def look(drive):
    return [
        (s.index, None if s.image is None else s.image.copy(), s.time_s) for s in drive.shots()
    ]


@pytest.fixture
def thermal(scene):
    return [scene(number) for number in range(8)]


def test_a_bag_is_looked_at_and_fetched_with_its_partners(tmp_path, write_drive, thermal):
    drive = open_drive(write_drive(tmp_path / 'a.mcap', thermal, RGB), DriveOptions())
    seen = look(drive)
    assert len(drive) == 8
    assert [index for index, _, _ in seen] == list(range(8))
    assert all(
        np.array_equal(image, own) for (_, image, _), own in zip(seen, thermal, strict=True)
    )
    assert np.allclose(np.diff([time_s for _, _, time_s in seen]), 0.1)
    fetched = list(drive.fetch({1, 4, 7}, paired={1, 7}))
    assert [frame.index for frame in fetched] == [1, 4, 7]
    assert all(np.array_equal(frame.thermal, thermal[frame.index]) for frame in fetched)
    assert np.array_equal(fetched[0].rgb, RGB[1])
    assert fetched[1].rgb is None
    assert np.array_equal(fetched[2].rgb, RGB[7])
    assert not drive.registered
    assert drive.problems == []


def test_a_bag_without_rgb_is_enough(tmp_path, write_drive, thermal):
    drive = open_drive(write_drive(tmp_path / 'a.mcap', thermal), DriveOptions())
    assert len(look(drive)) == 8
    assert [frame.rgb for frame in drive.fetch({0, 3}, paired={0, 3})] == [None, None]


def test_a_frame_without_partner_is_fetched_alone(tmp_path, write_drive, thermal):
    rgb = [image if index != 2 else None for index, image in enumerate(RGB)]
    drive = open_drive(write_drive(tmp_path / 'a.mcap', thermal, rgb), DriveOptions())
    look(drive)
    fetched = {frame.index: frame.rgb is None for frame in drive.fetch({1, 2}, paired={1, 2})}
    assert fetched == {1: False, 2: True}


def test_messages_that_cannot_be_decoded_keep_their_place(tmp_path, write_drive, thermal):
    path = tmp_path / 'a.mcap'
    with BagWriter(path) as bag:
        bag.write(THERMAL, IMAGE_TYPE, b'\0\1\0\0torn', 5)
    drive = open_drive(path, DriveOptions())
    assert look(drive) == [(0, None, None)]


def test_a_folder_is_a_drive_of_pictures(tmp_path, thermal):
    samples = [
        Sample(
            name=f'{17 * 10**17 + number * 10**8:019d}',
            thermal=thermal[number],
            rgb=RGB[number] if number else None,
            day=True,
            label_map=np.zeros(thermal[0].shape, np.uint8),
        )
        for number in range(4)
    ]
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    drive = open_drive(tmp_path / 'set', DriveOptions())
    seen = look(drive)
    assert len(drive) == len(seen) == 4
    assert np.allclose(np.diff([time_s for _, _, time_s in seen]), 0.1)
    assert drive.registered
    fetched = list(drive.fetch({0, 2}, paired={0, 2}))
    assert [(frame.index, frame.day, frame.rgb is None) for frame in fetched] == [
        (0, True, True),
        (2, True, False),
    ]
    sample = sample_of(fetched[1], 'name', 'training')
    assert (sample.label_map, sample.boxes_thermal, sample.part) == (None, None, 'training')


def test_names_that_are_no_stamps_say_nothing_of_time(tmp_path, thermal):
    write_dataset([Sample(name='00012', thermal=thermal[0])], tmp_path / 'set', DEFAULT_CLASSES)
    assert look(open_drive(tmp_path / 'set', DriveOptions()))[0][2] is None


def test_a_damaged_picture_is_undecodable_and_named(tmp_path, thermal):
    samples = [Sample(name=str(number), thermal=thermal[number]) for number in range(2)]
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    torn = tmp_path / 'set' / 'thermal' / '1.png'
    torn.write_bytes(torn.read_bytes()[:40])
    drive = open_drive(tmp_path / 'set', DriveOptions())
    assert [image is None for _, image, _ in look(drive)] == [False, True]
    assert '1.png' in drive.problems[0]


def test_a_torn_bag_gives_what_it_has(tmp_path, write_drive, thermal):
    path = write_drive(tmp_path / 'a.mcap', thermal * 4, RGB * 4)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    drive = open_drive(path, DriveOptions())
    assert 0 < len(look(drive)) < 32
    assert drive.problems


def test_topics_are_named_where_they_are_others(tmp_path, write_drive, thermal):
    path = write_drive(tmp_path / 'a.mcap', thermal)
    with pytest.raises(DataError, match='no topic /boson'):
        open_drive(path, DriveOptions(thermal='/boson'))
    with pytest.raises(DataError, match='no topic /cam'):
        open_drive(path, DriveOptions(rgb='/cam'))


def test_what_has_no_thermal_picture_is_no_drive(tmp_path, write_drive):
    rgb_only = write_drive(tmp_path / 'rgb.mcap', [None] * 3, RGB[:3])
    with pytest.raises(DataError, match='thermal'):
        open_drive(rgb_only, DriveOptions())
    (tmp_path / 'set' / 'rgb').mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'set' / 'rgb' / '1.png'), RGB[0])
    with pytest.raises(DataError, match='no thermal pictures'):
        open_drive(tmp_path / 'set', DriveOptions())
    with pytest.raises(DataError, match='no bag at'):
        open_drive(tmp_path / 'absent.mcap', DriveOptions())
