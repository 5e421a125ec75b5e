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

"""Samples written and read back."""

from __future__ import annotations

from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.datasets import Boxes, open_dataset, Sample, write_dataset
from xspec_ros.errors import DataError

RNG = np.random.default_rng(5)


def sample(name='a', **changes) -> Sample:
    values = {
        'thermal': RNG.integers(0, 2**14, (6, 8)).astype(np.uint16),
        'rgb': RNG.integers(0, 255, (6, 8, 3), np.uint8),
        'label_map': RNG.choice([0, 5, 10, 255], (6, 8)).astype(np.uint8),
        'boxes_thermal': Boxes.of([[0, 1, 4.5, 5], [1, 1, 2, 2]], [2, -1], [False, True]),
        'boxes_rgb': Boxes.empty(),
    }
    return Sample(name=name, **(values | changes))


def same(first: Boxes | None, second: Boxes | None) -> bool:
    if first is None or second is None:
        return first is second
    return all(
        np.array_equal(getattr(first, key), getattr(second, key))
        for key in ('boxes_xyxy', 'class_ids', 'crowd')
    )


def assert_equal(read: Sample, written: Sample) -> None:
    np.testing.assert_array_equal(read.thermal, written.thermal)
    np.testing.assert_array_equal(read.rgb, written.rgb)
    np.testing.assert_array_equal(read.label_map, written.label_map)
    assert same(read.boxes_thermal, written.boxes_thermal)
    assert same(read.boxes_rgb, written.boxes_rgb)
    assert (read.name, read.day) == (written.name, written.day)


def test_everything_comes_back(tmp_path):
    written = [
        sample('a', day=True),
        sample('b', day=False, rgb=None, boxes_rgb=None),
        sample('c', label_map=None, boxes_thermal=None),
    ]
    assert write_dataset(written, tmp_path / 'out', DEFAULT_CLASSES) == 3
    for read, original in zip(open_dataset(tmp_path / 'out'), written, strict=True):
        assert_equal(read, original)
        assert read.fold == 'out'


def test_parts_and_folds_come_back(tmp_path):
    written = [sample('a', part='train', fold='x'), sample('a', part='val', fold='y')]
    write_dataset(written, tmp_path, DEFAULT_CLASSES)
    assert [(s.part, s.fold) for s in open_dataset(tmp_path)] == [('train', 'x'), ('val', 'y')]
    assert len(open_dataset(tmp_path, fold='y')) == 1


def test_pixels_of_no_class_are_stored_as_unlabelled(tmp_path):
    write_dataset(
        [sample(label_map=np.full((6, 8), 254, np.uint8))], tmp_path / 'o', DEFAULT_CLASSES
    )
    assert np.unique(open_dataset(tmp_path / 'o')[0].label_map).tolist() == [255]


def test_jpeg_is_a_choice(tmp_path):
    write_dataset([sample()], tmp_path / 'o', DEFAULT_CLASSES, rgb_format='jpg')
    assert (tmp_path / 'o' / 'rgb' / 'a.jpg').is_file()
    assert open_dataset(tmp_path / 'o')[0].boxes_rgb is not None


def test_what_was_written_before_a_failure_can_be_read(tmp_path):
    def failing():
        yield sample('a')
        message = 'torn'
        raise DataError(message)

    with pytest.raises(DataError, match='torn'):
        write_dataset(failing(), tmp_path / 'o', DEFAULT_CLASSES)
    assert len(open_dataset(tmp_path / 'o')[0].boxes_thermal) == 2


@pytest.mark.parametrize('name', ['', '../a', 'a/b', '.a', 'taken'])
def test_names_that_are_no_file_names_are_refused(tmp_path, name):
    with pytest.raises(DataError, match='file name'):
        write_dataset([sample('taken'), sample(name)], tmp_path / 'o', DEFAULT_CLASSES)


@pytest.mark.parametrize(
    ('samples', 'match'),
    [
        ([sample(part='..')], 'folder name'),
        ([sample('a'), sample('b', part='val')], 'name a part'),
        ([sample(rgb=None, thermal=None)], 'no picture'),
    ],
)
def test_samples_that_cannot_lie_in_a_folder_are_refused(tmp_path, samples, match):
    with pytest.raises(DataError, match=match):
        write_dataset(samples, tmp_path / 'o', DEFAULT_CLASSES)


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / 'mine.txt').write_text('keep')
    with pytest.raises(DataError, match='not empty'):
        write_dataset([sample()], tmp_path, DEFAULT_CLASSES)
    assert [path.name for path in tmp_path.iterdir()] == ['mine.txt']


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    thermal=arrays.arrays(np.uint16, (4, 5)),
    label_map=arrays.arrays(np.uint8, (4, 5), elements=st.sampled_from([0, 3, 10, 255])),
    box=st.lists(st.integers(0, 5), min_size=4, max_size=4),
)
def test_any_mask_and_any_counts_survive(tmp_path_factory, thermal, label_map, box):
    corners = [min(box[::2]), min(box[1::2]), max(box[::2]), max(box[1::2])]
    written = sample(thermal=thermal, label_map=label_map, boxes_thermal=Boxes.of([corners], [1]))
    out = tmp_path_factory.mktemp('set') / 'o'
    write_dataset([written], out, DEFAULT_CLASSES)
    assert_equal(open_dataset(out)[0], written)
