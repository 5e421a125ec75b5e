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

import cv2
from msgspec import structs
import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.rig import Rig, save_rig
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.data.check import check_source
from xspec_ros.learn.data.sources import open_source, Source, SourceContext
from xspec_ros.learn.data.synthetic import SynthSource


@pytest.fixture
def context(toy_dataset):
    return SourceContext(
        data_root=toy_dataset.parent,
        cache=toy_dataset.parent / 'cache',
        classes=DEFAULT_CLASSES,
        detection_classes=DEFAULT_DETECTION_CLASSES,
    )


def test_a_folder_gives_pictures_with_mapped_labels(context):
    pictures = open_source(Source(dataset='toy', other='complement'), context)
    assert len(pictures) == 4
    first, second = pictures[0], pictures[1]
    assert set(np.unique(first.label_map)) == {8, 254}
    assert set(np.unique(second.label_map)) == {10, 254}
    assert (first.box_classes.tolist(), second.box_classes.tolist()) == ([0], [2])
    assert np.flatnonzero(first.mask_classes).tolist() == [8, 10]
    assert pictures.facts['pictures'] == 4


def test_folds_choose(context):
    assert len(open_source(Source(dataset='toy', folds=('val',)), context)) == 1
    assert len(open_source(Source(dataset='toy', folds=('train', 'val')), context)) == 4


def test_labels_can_be_left_out(context):
    picture = open_source(Source(dataset='toy', masks=False, boxes=False), context)[0]
    assert picture.label_map is None
    assert not picture.has_boxes


def test_complement_can_speak_about_fewer_classes(context):
    source = Source(dataset='toy', other='complement', complement_classes=('car',))
    assert np.flatnonzero(open_source(source, context)[0].mask_classes).tolist() == [10]


def test_an_unknown_complement_class_is_refused(context):
    with pytest.raises(ConfigError, match='lorry'):
        open_source(Source(dataset='toy', complement_classes=('lorry',)), context)


def test_an_absent_folder_says_how_to_point_to_it(context):
    with pytest.raises(DataError, match='data_root'):
        open_source(Source(dataset='elsewhere'), context)


def test_a_source_is_one_thing(context):
    for source in (Source(), Source(dataset='toy', synth=SynthSource())):
        with pytest.raises(ConfigError, match='dataset, synth and bag'):
            open_source(source, context)


def test_a_modality_that_is_not_there_is_an_error(context):
    with pytest.raises(DataError, match='rgb'):
        open_source(Source(dataset='toy', modality='rgb'), context)


def test_checking_lists_every_bad_file_and_goes_on(context):
    thermal = context.data_root / 'toy' / 'pool' / 'thermal'
    (thermal / 'picture_00.png').write_bytes(b'no picture')
    (thermal / 'picture_02.png').write_bytes(b'')
    found = check_source(Source(dataset='toy'), context)
    assert (found.pictures, len(found.problems)) == (4, 2)
    assert 'picture_00' in found.problems[0]
    assert (found.masks, found.boxes) == (4, 4)


def test_checking_an_absent_folder_reports_it(context):
    assert len(check_source(Source(dataset='elsewhere'), context).problems) == 1


def with_rgb(context, sizes):
    folder = context.data_root / 'toy' / 'pool' / 'rgb'
    folder.mkdir()
    for number, size in enumerate(sizes):
        cv2.imwrite(str(folder / f'picture_{number:02d}.png'), np.zeros((*size, 3), np.uint8))


def test_checking_pairs_lists_what_lies_on_no_common_grid(context):
    with_rgb(context, [(96, 128), (96, 128), (96, 128), (50, 50)])
    (problem,) = check_source(Source(dataset='toy', modality='both'), context).problems
    assert problem == 'rgb and thermal of picture_03 differ in size'


def test_checking_pairs_of_cameras_that_nobody_registered_asks_for_a_rig(context):
    with_rgb(context, [(192, 256)] * 4)
    source = Source(dataset='toy', modality='both')
    (problem,) = check_source(source, context).problems
    assert problem == '4 of 4 pairs of toy differ in size and no rig is named'
    assert check_source(Source(dataset='toy'), context).problems == ()
    half = ((0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 1.0))
    rig = Rig(homography=half, rgb_hw=(192, 256), thermal_hw=(96, 128))
    save_rig(rig, context.data_root / 'rig.yaml')
    named = Source(dataset='toy', modality='both', rig='rig.yaml')
    assert check_source(named, context).problems == ()
    save_rig(structs.replace(rig, thermal_hw=(48, 64)), context.data_root / 'rig.yaml')
    (problem,) = check_source(named, context).problems
    assert problem == '4 of 4 pairs of toy do not fit the rig'
    absent = Source(dataset='toy', modality='both', rig='none.yaml')
    assert any('none.yaml' in problem for problem in check_source(absent, context).problems)


def test_a_bad_fold_or_class_list_does_not_hide_the_rest(context):
    (context.data_root / 'toy' / 'pool' / 'thermal' / 'picture_00.png').write_bytes(b'no picture')
    found = check_source(Source(dataset='toy', folds=('nowhere', 'train')), context)
    assert found.pictures == 3
    absent, damaged = found.problems
    assert 'nowhere' in absent
    assert 'picture_00' in damaged
    (context.data_root / 'toy' / 'classes.txt').write_text('')
    assert 'classes.txt' in check_source(Source(dataset='toy'), context).problems[0]
