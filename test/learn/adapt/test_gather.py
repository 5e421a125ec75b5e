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

"""Drives to a work folder: parts, facts, and what is used again."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.datasets import open_dataset, Sample, write_dataset
from xspec_ros.errors import DataError
from xspec_ros.learn.adapt.drives import DriveOptions
from xspec_ros.learn.adapt.gather import frames_folder, gather, Reading


@pytest.fixture
def reading(settings):
    def make(*, late=False, **changes):
        return Reading(
            settings=settings(**{'least_frames': 12, **changes}),
            options=DriveOptions(),
            classes=DEFAULT_CLASSES,
            deadline_s=time.monotonic() + (-1.0 if late else 1000.0),
        )

    return make


@pytest.fixture
def thermal(scene):
    return [scene(number) for number in range(30)]


@pytest.fixture
def drive(tmp_path, write_drive, thermal):
    rgb = [np.full((24, 32, 3), 8 * number, np.uint8) for number in range(30)]
    return write_drive(tmp_path / 'drive.mcap', thermal, rgb)


def names(work, part):
    return open_dataset(frames_folder(work), part=part).names


def test_chosen_frames_are_a_data_set_of_three_parts(tmp_path, drive, thermal, reading, show):
    work = tmp_path / 'work'
    found = gather([drive], work, reading(apart_s=0.0), show)
    assert (found.read, found.training, found.aside, found.followed) == (30, 22, 8, 8)
    assert found.chosen + sum(found.rejected_by.values()) == found.read
    assert (found.pairs, found.training_pairs, found.pair_sizes) == (30, 22, [(24, 32, 48, 64)])
    assert len(names(work, 'training')) == 22
    assert names(work, 'next') == names(work, 'aside')
    for part, offset in (('aside', 0), ('next', 1)):
        for sample in open_dataset(frames_folder(work), part=part):
            place = int(sample.name.split('-')[1])
            assert np.array_equal(sample.thermal, thermal[place + offset])
            assert (sample.rgb is None) == (part == 'next')
            assert sample.label_map is None
    assert found.drives[0]['name'] == 'drive.mcap'
    assert found.drives[0]['pictures'] == 22
    assert str(tmp_path) not in json.dumps(found.drives)


def test_bags_and_folders_can_be_mixed(tmp_path, drive, scene, reading, show):
    samples = [Sample(name=f'p{n:02d}', thermal=scene(100 + n, bits=8)) for n in range(10)]
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    found = gather([drive, tmp_path / 'set'], tmp_path / 'work', reading(), show)
    assert found.read == 40
    assert [one['name'] for one in found.drives] == ['drive.mcap', 'set']
    assert not found.registered
    folder = gather([tmp_path / 'set'] * 2, tmp_path / 'other', reading(least_frames=10), show)
    assert folder.rejected_by == {'beside': 2, 'duplicate': 10}
    assert folder.registered


def test_the_same_drives_are_not_read_again(tmp_path, drive, reading, show):
    work = tmp_path / 'work'
    found = gather([drive], work, reading(), show)
    stamp = frames_folder(work).stat().st_mtime_ns
    assert gather([drive], work, reading(lr=1e-3), show) == found  # chooses nothing
    assert frames_folder(work).stat().st_mtime_ns == stamp
    fewer = gather([drive], work, reading(frames=20), show)
    assert fewer.chosen <= 20
    assert len(names(work, 'training')) == fewer.training
    drive.touch()
    assert gather([drive], work, reading(frames=20), show).key != fewer.key


def test_the_fingerprint_is_of_what_is_learned_from(
    tmp_path, drive, write_drive, thermal, reading, show
):
    one = gather([drive], tmp_path / 'one', reading(), show)
    again = gather([drive], tmp_path / 'two', reading(), show)
    assert one.drives == again.drives
    thermal[0] = thermal[0] + np.uint16(1)
    other = write_drive(tmp_path / 'other.mcap', thermal)
    changed = gather([other], tmp_path / 'three', reading(), show)
    assert changed.drives[0]['fingerprint'] != one.drives[0]['fingerprint']


def test_too_few_frames_write_nothing(tmp_path, write_drive, scene, reading, show):
    path = write_drive(tmp_path / 'frozen.mcap', [scene(1)] * 40)
    found = gather([path], tmp_path / 'work', reading(), show)
    assert (found.chosen, found.rejected_by) == (1, {'duplicate': 39})
    assert not (tmp_path / 'work').exists()


def test_reading_ends_when_the_time_is_over(tmp_path, drive, reading, show):
    found = gather([drive], tmp_path / 'work', reading(late=True), show)
    assert (found.read, found.whole) == (1, False)
    assert 'want of time' in found.problems[0]


def test_what_was_cut_short_is_read_again(tmp_path, drive, reading, show):
    work = tmp_path / 'work'
    found = gather([drive], work, reading(), show)
    told = frames_folder(work).parent / 'found.json'
    told.write_text(told.read_text().replace('"whole":true', '"whole":false'))
    stamp = told.stat().st_mtime_ns
    assert gather([drive], work, reading(), show) == found
    assert told.stat().st_mtime_ns != stamp


def test_a_drive_that_is_not_there_is_an_error(tmp_path, reading, show):
    with pytest.raises(DataError, match='cannot read'):
        gather([tmp_path / 'absent'], tmp_path / 'work', reading(), show)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, drive, reading, show):
    (tmp_path / 'work').write_text('a file')
    with pytest.raises(DataError, match='cannot write'):
        gather([drive], tmp_path / 'work', reading(), show)
