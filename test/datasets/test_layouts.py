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

"""Other layouts as they lie on disk, each on a tiny made-up tree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from xspec_ros.core.labels import ClassLabel
from xspec_ros.datasets import check, DATASETS, open_dataset
from xspec_ros.datasets.images import write_jpeg, write_png
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

RNG = np.random.default_rng(11)
SIZE = (10, 20)


def colour(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = RNG.integers(0, 255, (*SIZE, 3), np.uint8)
    write_jpeg(path, image) if path.suffix.startswith('.jp') else write_png(path, image)


def grey(path: Path, value: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = RNG.integers(0, 255, SIZE, np.uint8) if value is None else np.full(SIZE, value)
    write_png(path, image.astype(np.uint8))


def text(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(f'{line}\n' for line in lines))


def cityscapes(root: Path) -> None:
    for split, city in (('train', 'aachen'), ('val', 'ulm')):
        stem = f'{city}_000000_000019'
        colour(root / f'leftImg8bit/{split}/{city}/{stem}_leftImg8bit.png')
        grey(root / f'gtFine/{split}/{city}/{stem}_gtFine_labelIds.png', 20)


def kp(root: Path) -> None:
    for name in ('set00_V000_I00001', 'set03_V001_I00002'):
        group, video, number = name.split('_')
        colour(root / f'images/{group}/{video}/visible/{number}.jpg')
        folder = root / f'images/{group}/{video}/lwir'
        folder.mkdir(parents=True)
        grey_rgb = np.repeat(RNG.integers(0, 255, (*SIZE, 1), np.uint8), 3, axis=2)
        cv2.imwrite(str(folder / f'{number}.jpg'), grey_rgb)
        grey(root / f'labels/{name}.png', 7)
    text(root / 'train_day.txt', 'set00_V000_I00001.png')
    text(root / 'val_night.txt', 'set03_V001_I00002.png')


def mfnet(root: Path) -> None:
    (root / 'images').mkdir(parents=True)
    for name in ('00001D', '00002N', '00001D_flip'):
        four = RNG.integers(0, 255, (*SIZE, 4), np.uint8)
        cv2.imwrite(str(root / f'images/{name}.png'), four)
        grey(root / f'labels/{name}.png', 2)
    text(root / 'train.txt', '00001D', '00001D_flip')
    text(root / 'val.txt', '00002N')


def pst900(root: Path) -> None:
    for split in ('train', 'test'):
        colour(root / f'{split}/rgb/1_bag_{split}.png')
        grey(root / f'{split}/thermal/1_bag_{split}.png')
        grey(root / f'{split}/labels/1_bag_{split}.png', 4)


def flir_aligned(root: Path) -> None:
    for number in ('00002', '08864'):
        colour(root / f'align/JPEGImages/FLIR_{number}_RGB.jpg')
        grey(root / f'align/JPEGImages/FLIR_{number}_PreviewData.png')
        text(
            root / f'align/Annotations/FLIR_{number}_PreviewData.xml',
            '<annotation><size><width>20</width><height>10</height></size>',
            '<object><name>person</name><bndbox><xmin>1</xmin><ymin>2</ymin>',
            '<xmax>5</xmax><ymax>9</ymax></bndbox></object>',
            '<object><name>dog</name><bndbox><xmin>1</xmin><ymin>2</ymin>',
            '<xmax>5</xmax><ymax>9</ymax></bndbox></object></annotation>',
        )
    text(root / 'align/align_train.txt', 'FLIR_00002_PreviewData')
    text(root / 'align/align_validation.txt', 'FLIR_08864_PreviewData')


def yolo(root: Path) -> None:
    for split in ('train', 'val'):
        colour(root / f'images/{split}/{split}1.jpg')
        text(root / f'labels/{split}/{split}1.txt', '1 0.5 0.5 0.2 0.4', '0 0 0 0.5 0 0.5 0.5')
    text(root / 'data.yaml', 'train: images/train', 'names: {0: person, 1: car}')


def coco(root: Path) -> None:
    for split in ('train2017', 'val2017'):
        colour(root / split / f'{split}.jpg')
        content = {
            'images': [{'id': 5, 'file_name': f'{split}.jpg', 'width': 20, 'height': 10}],
            'categories': [{'id': 3, 'name': 'car'}],
            'annotations': [{'image_id': 5, 'category_id': 3, 'bbox': [1, 2, 3, 4]}],
        }
        text(root / f'annotations/instances_{split}.json', json.dumps(content))


def masks(root: Path) -> None:
    for split in ('train', 'val'):
        colour(root / f'images/{split}/{split}1.png')
        grey(root / f'masks/{split}/{split}1.png', 1)
    text(root / 'classes.txt', 'void', 'car')


TREES = {
    'cityscapes': (cityscapes, 5),  # id 20, traffic sign
    'kp': (kp, 5),  # train id 7, traffic sign
    'mfnet': (mfnet, 8),
    'pst900': (pst900, 8),
    'flir_aligned': (flir_aligned, None),
    'yolo': (yolo, None),
    'coco': (coco, None),
    'masks': (masks, 10),
}


@pytest.mark.parametrize('name', sorted(TREES))
def test_a_layout_is_recognised_and_read(name, tmp_path):
    build, label = TREES[name]
    build(tmp_path)
    assert next(key for key, layout in DATASETS.items() if layout.matches(tmp_path)) == name
    dataset = open_dataset(tmp_path)
    assert len(dataset) == 2
    assert check(dataset) == []
    assert len({entry.fold for entry in dataset.entries}) == 2
    for sample in dataset:
        found = None if sample.label_map is None else np.unique(sample.label_map).tolist()
        assert found == (None if label is None else [label])
        pair = name in {'kp', 'mfnet', 'pst900', 'flir_aligned'}
        assert (sample.thermal is not None) == pair
        assert sample.rgb.shape == (*SIZE, 3)


def test_folds_and_times_of_day_come_from_names_and_lists(tmp_path):
    for name in ('mfnet', 'kp', 'flir_aligned'):
        TREES[name][0](tmp_path / name)
    assert [s.day for s in open_dataset(tmp_path / 'mfnet')] == [True, False]
    assert open_dataset(tmp_path / 'mfnet', fold='val').names == ('00002N',)
    assert open_dataset(tmp_path / 'kp', fold='val')[0].day is False
    assert open_dataset(tmp_path / 'flir_aligned', fold='val').names == ('FLIR_08864',)


def test_boxes_come_in_pixels_of_their_picture(tmp_path):
    for name in ('yolo', 'coco', 'flir_aligned'):
        TREES[name][0](tmp_path / name)
    found = open_dataset(tmp_path / 'yolo')[0].boxes_rgb
    assert found.class_ids.tolist() == [2, 0]
    np.testing.assert_allclose(found.boxes_xyxy, [[8, 3, 12, 7], [0, 0, 10, 5]], atol=1e-5)
    assert open_dataset(tmp_path / 'coco')[0].boxes_rgb.boxes_xyxy.tolist() == [[1, 2, 4, 6]]
    voc = open_dataset(tmp_path / 'flir_aligned')[0]
    assert voc.boxes_thermal.boxes_xyxy.tolist() == [[1, 2, 5, 9]]
    assert voc.boxes_rgb is None


def test_a_folder_named_thermal_holds_thermal_pictures(tmp_path):
    root = tmp_path / 'images_thermal_val'
    content = {'images': [{'id': 1, 'file_name': 'data/a.png'}], 'categories': []}
    grey(root / 'data/a.png')
    text(root / 'coco.json', json.dumps(content))
    sample = open_dataset(tmp_path)[0]
    assert sample.thermal is not None
    assert (sample.rgb, len(sample.boxes_thermal)) == (None, 0)


def test_a_yolo_picture_without_a_label_file_is_unlabelled_and_an_empty_file_is_empty(tmp_path):
    yolo(tmp_path)
    colour(tmp_path / 'images/val/more.jpg')
    text(tmp_path / 'labels/train/train1.txt')
    samples = {sample.name: sample for sample in open_dataset(tmp_path)}
    assert samples['more'].boxes_rgb is None
    assert len(samples['train1'].boxes_rgb) == 0


def test_classes_of_the_caller_come_before_synonyms(tmp_path):
    cityscapes(tmp_path)
    classes = [ClassLabel(name='sign'), ClassLabel(name='traffic sign')]
    assert np.unique(open_dataset(tmp_path, classes=classes)[0].label_map).tolist() == [1]


@pytest.mark.parametrize(
    ('line', 'part'),
    [
        ('1 0.5 0.5 0.2', '3 values'),
        ('car 0.5 0.5 0.2 0.2', 'no box'),
        ('7 0.5 0.5 0.2 0.2', 'class 7 of 2'),
        ('1 nan 0.5 0.2 0.2', 'not finite'),
    ],
)
def test_a_wrong_yolo_line_is_named(tmp_path, line, part):
    yolo(tmp_path)
    text(tmp_path / 'labels/val/val1.txt', '1 0.5 0.5 0.2 0.2', line)
    with pytest.raises(DataError, match=f'line 2 of .*val1.txt.*{part}'):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ('name', 'spoil', 'part'),
    [
        ('yolo', lambda r: (r / 'data.yaml').unlink(), 'names no classes'),
        ('yolo', lambda r: text(r / 'labels/val/x.txt'), 'x'),
        ('coco', lambda r: (r / 'val2017/val2017.jpg').unlink(), 'val2017.jpg'),
        ('masks', lambda r: (r / 'classes.txt').unlink(), 'classes.txt'),
        ('masks', lambda r: grey(r / 'masks/val/x.png', 1), 'x'),
        ('kp', lambda r: text(r / 'test_day.txt', 'set09_V000_I1.png'), 'set09_V000_I1'),
        ('mfnet', lambda r: grey(r / 'labels/x.png', 1), 'x'),
        ('pst900', lambda r: grey(r / 'train/labels/x.png', 1), 'x'),
        (
            'flir_aligned',
            lambda r: text(r / 'align/Annotations/FLIR_00002_PreviewData.xml', '<a>'),
            'FLIR_00002_PreviewData.xml',
        ),
    ],
)
def test_what_does_not_belong_together_is_refused(tmp_path, name, spoil, part):
    TREES[name][0](tmp_path)
    spoil(tmp_path)
    with pytest.raises(DataError, match=part):
        open_dataset(tmp_path)
