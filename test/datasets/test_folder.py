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

"""The project's own layout: what belongs together, and what is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.datasets import open_dataset
from xspec_ros.errors import ConfigError, DataError

DATA = Path(__file__).parents[3] / 'shared' / 'data'


def refusal(path, **options) -> str:
    with pytest.raises(DataError) as caught:
        open_dataset(path, **options)
    return str(caught.value)


def test_a_pair_comes_back_as_stored(tree):
    thermal = tree.pair('b')
    tree.pair('a')
    dataset = open_dataset(tree.part)
    assert dataset.names == ('a', 'b')
    sample = dataset[1]
    np.testing.assert_array_equal(sample.thermal, thermal)
    assert sample.rgb.shape == (6, 8, 3)
    assert (sample.part, sample.fold, sample.day) == ('pool', 'pool', None)
    assert (sample.label_map, sample.boxes_thermal, sample.boxes_rgb) == (None, None, None)


def test_sixteen_bit_thermal_keeps_its_depth(tree):
    thermal = tree.pair('a', dtype=np.uint16) + np.uint16(0)
    assert open_dataset(tree.part)[0].thermal.dtype == np.uint16
    np.testing.assert_array_equal(open_dataset(tree.part)[0].thermal, thermal)


def test_pictures_may_differ_in_size_from_sample_to_sample(tree):
    tree.pair('a', size_hw=(6, 8))
    tree.pair('b', size_hw=(5, 9))
    assert [sample.thermal.shape for sample in open_dataset(tree.part)] == [(6, 8), (5, 9)]


def test_the_parent_opens_all_parts_and_part_and_fold_choose(tree):
    tree.pair('a')
    tree.pair('b')
    other = type(tree)(tree.part.parent / 'extra')
    other.pair('c')
    tree.text(
        'split.csv',
        'name,day_or_night,fold\na,day,train_a\nb,night,val\nc,dusk,val\n',
        parent=True,
    )
    root = tree.part.parent
    assert [(s.name, s.part) for s in open_dataset(root)] == [
        ('c', 'extra'),
        ('a', 'pool'),
        ('b', 'pool'),
    ]
    assert open_dataset(root, fold='val').names == ('c', 'b')
    assert open_dataset(root, fold='val', part='pool').names == ('b',)
    assert [sample.day for sample in open_dataset(root)] == [True, True, False]
    assert 'train_a, val' in refusal(root, fold='test')
    assert 'extra, pool' in refusal(root, part='train')


def test_a_part_finds_split_and_classes_one_level_up(tree):
    tree.pair('a')
    tree.mask('a', np.ones((6, 8)))
    tree.text('classes.txt', 'unlabelled\ncar\n', parent=True)
    tree.text('split.csv', 'name,day_or_night\na,night\n', parent=True)
    sample = open_dataset(tree.part)[0]
    assert sample.day is False
    assert np.unique(sample.label_map).tolist() == [10]


def test_without_a_fold_column_the_part_is_the_fold(tree):
    tree.pair('a')
    tree.text('split.csv', 'name,day_or_night\na,day\n')
    assert open_dataset(tree.part, fold='pool').names == ('a',)


def test_a_picture_without_a_fold_is_named_when_a_fold_is_asked_for(tree):
    tree.pair('a')
    tree.pair('b')
    tree.text('split.csv', 'name,fold\na,val\n')
    assert len(open_dataset(tree.part)) == 2
    assert 'b' in refusal(tree.part, fold='val')


def test_no_entry_is_unlabelled_and_an_entry_without_boxes_is_empty(tree):
    for name in ('a', 'b', 'c'):
        tree.pair(name)
    tree.boxes({'a.png': [(1, 2, 3, 4, 'person')], 'b.png': []})
    tree.boxes({'sub/c.jpg': [(0, 0, 1, 1, 'car')]}, which='rgb')
    a, b, c = open_dataset(tree.part)
    assert a.boxes_thermal.boxes_xyxy.tolist() == [[1, 2, 4, 6]]
    assert len(b.boxes_thermal) == 0
    assert c.boxes_thermal is None
    assert (a.boxes_rgb, c.boxes_rgb.class_ids.tolist()) == (None, [2])


def test_categories_map_by_name_and_alias_and_regions_to_ignore_stay(tree):
    tree.pair('a')
    tree.boxes(
        {
            'a.png': [
                (0, 0, 1, 1, 'bike'),
                (0, 0, 2, 2, 'other_vehicle'),
                (0, 0, 3, 3, 'dont_care', 1),
                (0, 0, 4, 4, 'car', 1),
            ]
        }
    )
    boxes = open_dataset(tree.part)[0].boxes_thermal
    assert boxes.class_ids.tolist() == [1, -1, 2]
    assert boxes.crowd.tolist() == [False, True, True]
    assert boxes.boxes_xyxy[:, 2].tolist() == [1, 3, 4]


def test_masks_map_by_name_and_alias(tree):
    tree.pair('a')
    tree.text('classes.txt', 'unlabelled\nPedestrian\ntree\ncurve\nvoid\n', parent=True)
    tree.mask('a', [[0, 1, 2, 3, 4, 255, 1, 1]] * 6)
    dataset = open_dataset(tree.part)
    assert dataset.mask_classes == {6, 8}
    assert dataset[0].label_map[0].tolist() == [255, 8, 6, 255, 255, 255, 8, 8]


def test_complement_tells_none_of_these_from_unknown(tree):
    tree.pair('a')
    tree.text('classes.txt', 'unlabelled\nperson\ncurve\nvoid\n', parent=True)
    tree.mask('a', [[0, 1, 2, 3, 255, 0, 0, 0]] * 6)
    dataset = open_dataset(tree.part, other='complement')
    assert dataset[0].label_map[0].tolist() == [254, 8, 254, 255, 255, 254, 254, 254]


def test_complement_is_unknown_in_boxes_that_the_masks_missed(tree):
    tree.pair('a')
    tree.text('classes.txt', 'unlabelled\nperson\n', parent=True)
    tree.mask('a', [[0, 1, 1, 0, 0, 0, 0, 0]] * 6)
    tree.boxes({'a.png': [(0, 0, 3, 6, 'person'), (5, 0, 2, 6, 'person')]})
    label_map = open_dataset(tree.part, other='complement')[0].label_map
    assert label_map[0].tolist() == [254, 8, 8, 254, 254, 255, 255, 254]


def test_a_set_that_annotates_every_class_has_no_complement(tree):
    tree.pair('a')
    names = ''.join(f'{label.name}\n' for label in DEFAULT_CLASSES)
    tree.text('classes.txt', names + 'unlabelled\n')
    tree.mask('a', np.full((6, 8), 11))
    label_map = open_dataset(tree.part, other='complement')[0].label_map
    assert np.unique(label_map).tolist() == [255]


def test_thermal_alone_and_rgb_alone_are_data_sets(tree):
    tree.pair('a')
    (tree.part / 'rgb' / 'a.jpg').rename(tree.part / 'a.jpg')
    (tree.part / 'rgb').rmdir()
    assert open_dataset(tree.part)[0].rgb is None


@pytest.mark.parametrize(
    ('spoil', 'parts'),
    [
        (lambda t: t.mask('x', [[0]]), ['masks', '1 pictures', 'x']),
        (lambda t: t.boxes({'x.png': []}), ['boxes_thermal.json', 'x']),
        (lambda t: t.boxes({'a.png': [], 'b/a.png': []}), ['a', 'twice']),
        (lambda t: t.text('boxes_thermal.json', '{'), ['boxes_thermal.json']),
        (lambda t: t.text('boxes_thermal.json', '{"images": [{"id": 1}]}'), ['file_name']),
        (lambda t: t.boxes({'a.png': [(0, 0, -1, 2, 'car')]}), ['annotation 0', '-1']),
        (lambda t: t.mask('a', np.zeros((6, 8))), ['classes.txt']),
        (lambda t: t.text('split.csv', 'nom\na\n'), ['split.csv', 'name']),
        (lambda t: t.pair('a').tofile(t.part / 'thermal' / 'a.bmp'), ['a.bmp', 'a.png']),
        (lambda t: (t.part / 'rgb/a.jpg').rename(t.part / 'rgb/z.jpg'), ['no name in common']),
    ],
)
def test_what_does_not_belong_together_is_refused(tree, spoil, parts):
    tree.pair('a')
    spoil(tree)
    message = refusal(tree.part)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ('entry', 'part'),
    [
        ({'image_id': 9, 'category_id': 1, 'bbox': [0, 0, 1, 1]}, 'image_id 9'),
        ({'image_id': 1, 'category_id': 9, 'bbox': [0, 0, 1, 1]}, 'category_id 9'),
        ({'image_id': 1, 'category_id': 1, 'bbox': [0, 0, 1]}, 'length 4'),
        ({'image_id': 1, 'category_id': 1, 'bbox': [0, 0, 1, None]}, 'bbox'),
    ],
)
def test_an_annotation_that_points_nowhere_is_named(tree, entry, part):
    tree.pair('a')
    content = {
        'images': [{'id': 1, 'file_name': 'a.png'}],
        'categories': [{'id': 1, 'name': 'car'}],
        'annotations': [entry],
    }
    tree.text('boxes_thermal.json', json.dumps(content))
    assert part in refusal(tree.part)


def test_sizes_that_do_not_fit_are_named_when_the_sample_is_read(tree):
    tree.pair('a')
    tree.pair('b')
    tree.text('classes.txt', 'car\n')
    tree.mask('a', np.zeros((5, 8)))
    tree.boxes({'b.png': []}, size_wh=(8, 7))
    dataset = open_dataset(tree.part)
    with pytest.raises(DataError, match=r'masks/a\.png is 8x5, its picture 8x6'):
        dataset[0]
    with pytest.raises(DataError, match=r'b\.png are for 8x7, b is 8x6'):
        dataset[1]


def test_an_id_without_a_name_is_refused(tree):
    tree.pair('a')
    tree.text('classes.txt', 'car\n')
    tree.mask('a', np.full((6, 8), 3))
    with pytest.raises(DataError, match='holds id 3, 1 are named'):
        open_dataset(tree.part)[0]


def test_class_names_given_twice_are_refused(tree):
    tree.pair('a')
    tree.text('classes.txt', 'car\ncar\n')
    with pytest.raises(ConfigError, match='duplicate'):
        open_dataset(tree.part)


def test_no_folder_an_empty_one_and_a_folder_of_sets_each_say_what_to_do(tree, tmp_path):
    assert 'no folder' in refusal(tmp_path / 'none')
    (tree.part / 'rgb').mkdir(parents=True)
    assert 'no pictures' in refusal(tree.part)
    assert 'set' in refusal(tmp_path)
    with pytest.raises(ConfigError, match='folder'):
        open_dataset(tree.part, layout='fodler')


@pytest.mark.skipif(not DATA.is_dir(), reason='the shared data are not here')
@pytest.mark.parametrize(
    ('name', 'count', 'fold', 'in_fold'),
    [
        ('msrs', 241, 'val', 54),
        ('mfnet', 146, 'train_b', 35),
        ('roadscene', 148, 'val', 28),
        ('camvid', 468, 'val', 101),
        ('hit_uav', 61, 'val', 15),
        ('superfusion_warp', 26, 'pool', 26),
    ],
)
def test_real_sets_have_the_counts_that_their_pages_state(name, count, fold, in_fold):
    assert len(open_dataset(DATA / name)) == count
    dataset = open_dataset(DATA / name, fold=fold)
    assert len(dataset) == in_fold
    assert dataset[0].name == dataset.names[0]
