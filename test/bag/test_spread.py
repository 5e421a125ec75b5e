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

"""Pairs spread over a drive."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.bag.pack import pack
from xspec_ros.bag.spread import DriveChoice, is_bag, spread_pairs
from xspec_ros.bag.writer import BagWriter
from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.core.sync import SyncSettings
from xspec_ros.datasets import Sample, write_dataset
from xspec_ros.errors import DataError


def samples(*, rgb=True):
    return [
        Sample(
            name=f'{index:02d}',
            rgb=np.full((32, 40, 3), index, np.uint8) if rgb else None,
            thermal=np.full((32, 40), 10 + index, np.uint8),
        )
        for index in range(12)
    ]


@pytest.fixture(params=['bag folder', 'bag file', 'data set'])
def drive(request, tmp_path):
    if request.param == 'data set':
        write_dataset(iter(samples()), tmp_path / 'set', DEFAULT_CLASSES)
        return tmp_path / 'set'
    path = tmp_path / ('bag' if request.param == 'bag folder' else 'bag.mcap')
    with BagWriter(path) as writer:
        pack(iter(samples()), writer)
    return path


@pytest.mark.parametrize(('most', 'count'), [(100, 12), (12, 12), (4, 4), (1, 1)])
def test_pairs_are_spread_over_the_drive(drive, most, count):
    found = list(spread_pairs(drive, DriveChoice(most=most), SyncSettings()))
    assert len(found) == count
    first = [int(sample.rgb[0, 0, 0]) for sample in found]
    assert first == sorted(first)
    assert first[-1] - first[0] >= 8 or most == 1
    assert all(sample.thermal.shape == (32, 40) for sample in found)


def test_a_bag_is_told_from_a_data_set(drive):
    assert is_bag(drive) == drive.name.startswith('bag')


def test_a_drive_without_pairs_is_an_error(tmp_path):
    write_dataset(iter(samples(rgb=False)), tmp_path / 'set', DEFAULT_CLASSES)
    with pytest.raises(DataError, match='no pairs in'):
        list(spread_pairs(tmp_path / 'set', DriveChoice(most=4), SyncSettings()))
    with BagWriter(tmp_path / 'bag.mcap') as writer:
        pack(iter(samples(rgb=False)), writer)
    with pytest.raises(DataError, match='rgb'):
        list(spread_pairs(tmp_path / 'bag.mcap', DriveChoice(most=4), SyncSettings()))
