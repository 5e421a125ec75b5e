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

import dataclasses
import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from xspec_ros.errors import DataError  # noqa: E402
from xspec_ros.learn.data.sources import MemoryPictures  # noqa: E402
from xspec_ros.learn.models import build_network  # noqa: E402
from xspec_ros.learn.train.networks import OpenedNetwork  # noqa: E402
from xspec_ros.learn.train.pseudo import teach  # noqa: E402
from xspec_ros.learn.train.recipe import TeacherSpec  # noqa: E402

NAMES = tuple(f'class {index}' for index in range(11))


@pytest.fixture
def teacher():
    """Return an RGB network that answers class 3 left and class 7 right of the middle."""
    torch.manual_seed(0)
    arguments = {'num_classes': 11, 'num_detection_classes': 3, 'width': 0.25, 'in_channels': 3}
    network = build_network('student', arguments).eval()
    classifier = network.segmentation.classifier

    def halves(_, __, logits):
        answer = torch.zeros_like(logits)
        middle = logits.shape[-1] // 2
        answer[:, 3, :, :middle] = 8.0
        answer[:, 7, :, middle:] = 8.0
        return answer

    classifier.register_forward_hook(halves)
    return OpenedNetwork(
        network=network,
        weights=network.state_dict(),
        modality='rgb',
        network_hw=(64, 96),
        percentiles=(1.0, 99.0),
        method='supervised',
        state={},
        class_names=NAMES,
        detection_class_names=('person', 'bicycle', 'car'),
    )


@pytest.fixture
def pair(picture):
    rgb = np.full((60, 80, 3), 120, np.uint8)
    return dataclasses.replace(picture, rgb=rgb)


def taught(pictures, teacher, folder, **spec):
    return teach(
        MemoryPictures(pictures, {'name': 'pairs'}),
        teacher,
        TeacherSpec(model='stage', **spec),
        folder,
    )


def test_the_teachers_labels_take_the_place_of_the_own(pair, teacher, tmp_path):
    label_map = taught([pair], teacher, tmp_path / 'labels')[0].label_map
    assert set(np.unique(label_map[:, :30])) == {3}
    assert set(np.unique(label_map[:, 50:])) == {7}


def test_what_the_teacher_is_unsure_of_stays_unlabelled(pair, teacher, tmp_path):
    sure = taught([pair], teacher, tmp_path / 'a', confidence=0.99)[0].label_map
    middle = sure[:, 36:44]
    assert (middle == 255).any()
    assert (sure[:, :20] == 3).all()


def test_borders_are_left_out_where_pairs_are_not_registered(pair, teacher, tmp_path):
    plain = taught([pair], teacher, tmp_path / 'a', confidence=0.0)[0].label_map
    eroded = taught([pair], teacher, tmp_path / 'b', confidence=0.0, erode_px=3)[0].label_map
    assert (plain != 255).all()
    border = np.flatnonzero(np.diff(plain[30]))[0]
    assert (eroded[30, border - 2 : border + 4] == 255).all()
    assert (eroded[30] == 255).sum() == 6


def test_an_rgb_teacher_says_nothing_of_the_night(pair, teacher, tmp_path):
    night = dataclasses.replace(pair, day=False)
    view = taught([night, pair], teacher, tmp_path / 'labels')
    assert view[0].label_map is None
    assert not view[0].has_boxes
    assert view[1].label_map is not None
    assert view[1].has_boxes


def test_boxes_come_above_the_score(pair, teacher, tmp_path):
    everything = taught([pair], teacher, tmp_path / 'a', box_score=0.0)[0]
    nothing = taught([pair], teacher, tmp_path / 'b', box_score=1.0)[0]
    assert len(everything.boxes_xyxy) == len(everything.box_crowd) > 0
    assert len(nothing.boxes_xyxy) == 0
    assert nothing.has_boxes


def test_labels_are_written_once(pair, teacher, tmp_path):
    first = taught([pair], teacher, tmp_path / 'labels')[0].label_map
    stamp = (tmp_path / 'labels' / 'index.json').stat().st_mtime_ns
    again = taught([pair], teacher, tmp_path / 'labels', confidence=0.999)[0].label_map
    assert np.array_equal(first, again)
    assert (tmp_path / 'labels' / 'index.json').stat().st_mtime_ns == stamp


def test_a_missing_file_of_labels_is_told(pair, teacher, tmp_path):
    view = taught([pair], teacher, tmp_path / 'labels')
    (tmp_path / 'labels' / '000000.png').unlink()
    with pytest.raises(DataError, match='cannot be read'):
        view[0]


def test_scores_are_kept_and_the_unsure_ignored(pair, teacher, tmp_path):
    every = taught([pair], teacher, tmp_path / 'a', box_score=0.0)[0]
    middle = float(np.median(every.box_scores))
    sure = taught([pair], teacher, tmp_path / 'b', box_score=middle)[0]
    assert len(sure.box_scores) < len(every.box_scores)
    assert sure.box_scores.min() >= middle
    assert not sure.box_crowd.any()
    both = taught([pair], teacher, tmp_path / 'c', box_score=middle, box_ignore=0.0)[0]
    assert np.array_equal(both.boxes_xyxy, every.boxes_xyxy)
    assert np.array_equal(both.box_crowd, every.box_scores < middle)


def test_labels_written_before_there_were_scores_are_read(pair, teacher, tmp_path):
    taught([pair], teacher, tmp_path / 'labels', box_score=0.0)
    index = tmp_path / 'labels' / 'index.json'
    old = [{k: e[k] for k in ('file', 'boxes', 'classes')} for e in json.loads(index.read_text())]
    index.write_text(json.dumps(old))
    picture = taught([pair], teacher, tmp_path / 'labels')[0]
    assert picture.box_scores is None
    assert len(picture.boxes_xyxy) == len(picture.box_crowd) > 0
    assert not picture.box_crowd.any()
