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

"""Figures of networks whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xspec_ros.learn.adapt.guard import Aside, Gauge
from xspec_ros.learn.adapt.tally import Contract
from xspec_ros.learn.data.picture import Picture
from xspec_ros.learn.data.sources import MemoryPictures
from xspec_ros.learn.train.networks import OpenedNetwork
from xspec_ros.learn.train.validate import Preparation

HW = (64, 96)
CONTRACT = Contract(
    preparation=Preparation(mode='thermal', network_hw=HW, percentiles=(0.0, 100.0)),
    class_names=('cold', 'warm', 'hot'),
    detection_class_names=('person', 'car'),
    score=0.3,
)


def picture(thermal, **more):
    nothing = {
        'name': 'one',
        'rgb': None,
        'label_map': None,
        'mask_classes': np.ones(3, bool),
        'boxes_xyxy': np.zeros((0, 4), np.float32),
        'box_classes': np.zeros(0, np.int64),
        'box_crowd': np.zeros(0, bool),
        'has_boxes': False,
        'day': None,
    }
    return Picture(thermal=thermal, **{**nothing, **more})


def by_level(small):
    return (small > 0.4).long() + (small > 0.7).long()


def by_side(small):
    return 2 * (torch.arange(small.shape[1]) >= small.shape[1] // 2).long().expand(small.shape)


def always_cold(small):
    return torch.zeros(small.shape, dtype=torch.int64)


def at_the_hottest(small):
    place = int(small.argmax())
    return place // small.shape[1], place % small.shape[1], 1


def in_the_corner(small):
    return 0, 0, 0


@pytest.fixture
def aside(scene):
    return [Aside(picture=picture(scene(number, HW))) for number in range(3)]


def test_an_answer_that_goes_with_the_picture_is_consistent_in_the_mirror(aside, network):
    figures = Gauge(aside, CONTRACT).measure(network(by_level, at_the_hottest))
    assert figures.consistency['flip'] == 1.0
    assert figures.consistency['boxes'] == 1.0
    assert 0.3 < figures.consistency['gain'] < 1.0
    assert 'temporal' not in figures.consistency
    assert figures.boxes == {'person': 0.0, 'car': 1.0}
    assert sum(figures.shares.values()) == pytest.approx(1.0)
    assert all(share > 0.02 for share in figures.shares.values())
    assert (figures.frames, figures.followed, figures.taught) == (3, 0, 0)


def test_an_answer_that_stays_on_its_side_is_not(aside, network):
    figures = Gauge(aside, CONTRACT).measure(network(by_side, in_the_corner))
    assert figures.consistency['flip'] == 0.0
    assert figures.consistency['boxes'] == 0.0
    assert figures.consistency['gain'] == 1.0


def test_a_collapsed_network_is_perfectly_consistent_and_shows_one_class(aside, network):
    figures = Gauge(aside, CONTRACT).measure(network(always_cold))
    assert figures.consistency == {'flip': 1.0, 'gain': 1.0}  # no boxes, no figure of boxes
    assert figures.shares == {'cold': 1.0, 'warm': 0.0, 'hot': 0.0}


def test_labels_follow_the_scene(scene, network):
    wide = scene(5, (HW[0], HW[1] + 8))
    pair = (np.ascontiguousarray(wide[:, start : start + HW[1]]) for start in (0, 6))
    first, then = (picture(image) for image in pair)
    gauge = Gauge([Aside(picture=first, follower=then)], CONTRACT)
    moving = gauge.measure(network(by_level))
    assert moving.consistency['temporal'] > 0.85
    assert moving.followed == 1
    standing = gauge.measure(network(by_side)).consistency['temporal']
    assert standing < 1.0  # the border between its sides stays while the scene moves


def test_agreement_is_with_the_network_that_was_remembered(aside, network):
    gauge = Gauge(aside, CONTRACT)
    assert gauge.measure(network(by_level)).agreement is None
    gauge.remember(network(by_level))
    assert gauge.answer_s > 0.0
    assert gauge.source_boxes == 0
    assert gauge.measure(network(by_level)).agreement == 1.0
    assert gauge.measure(network(by_level)).box_weight == 0.0  # the source shows no box
    gauge.remember(network(by_level, at_the_hottest))
    assert gauge.source_boxes == 3
    assert gauge.measure(network(by_level)).box_weight == pytest.approx(3 / 200)
    cold = gauge.measure(network(always_cold))
    assert cold.agreement == pytest.approx(gauge.measure(network(by_level)).shares['cold'])


@pytest.fixture
def teacher(network):
    def make(classes):
        return OpenedNetwork(
            network=network(classes),
            weights={},
            modality='rgb',
            network_hw=HW,
            percentiles=(1.0, 99.0),
            method='',
            state={},
            class_names=CONTRACT.class_names,
            detection_class_names=CONTRACT.detection_class_names,
        )

    return make


def test_a_teacher_is_asked_about_pairs_by_day(scene, network, teacher):
    rgb = np.zeros((*HW, 3), np.uint8)
    valid = np.zeros(HW, bool)
    valid[:, : HW[1] // 2] = True
    day = picture(scene(1, HW), rgb=rgb, day=True, rgb_valid=valid)
    night = picture(scene(2, HW), rgb=rgb, day=False)
    gauge = Gauge([Aside(picture=p) for p in (day, night, picture(scene(3, HW)))], CONTRACT)
    assert gauge.ask_teacher(teacher(always_cold)) == 1
    figures = gauge.measure(network(by_side))
    assert figures.teacher == 1.0  # it is cold on the side that RGB shows
    assert figures.taught == 1
    assert gauge.measure(network(lambda small: 2 - by_side(small))).teacher == 0.0


def labelled(level):
    truth = np.kron(level, np.ones((8, 8)))
    thermal = (7000 + 1000 * truth).astype(np.uint16)
    return picture(thermal, label_map=truth.astype(np.uint8))


def test_a_guard_set_gives_accuracy_and_decides_the_judge(aside, network):
    levels = np.random.default_rng(0).integers(0, 3, (4, 8, 12))
    levels[:, 0, :3] = [0, 1, 2]  # the whole range in every picture
    guard = MemoryPictures([labelled(level) for level in levels], {'name': 'guard'})
    gauge = Gauge(aside, CONTRACT, guard=guard, look_frames=2)
    right, wrong = network(by_level), network(always_cold)
    figures = gauge.measure(right)
    assert figures.miou > 0.95
    assert figures.map50 is None
    assert figures.consistency['flip'] == 1.0
    assert gauge.judge(right) > 0.95
    assert gauge.judge(wrong) < 0.2
    assert gauge.count_answers() == (3 * 3 + 4, 2)


def test_without_labels_the_judge_looks_at_some_frames(aside, network):
    gauge = Gauge(aside, CONTRACT, look_frames=2)
    assert gauge.count_answers() == (9, 6)
    assert gauge.judge(network(always_cold)) == 1.0
    steps = []
    gauge.measure(network(always_cold), lambda: steps.append(1))
    assert len(steps) == 3


def test_measuring_changes_nothing(aside, network):
    gauge = Gauge(aside, CONTRACT)
    known = network(by_level, at_the_hottest)
    assert gauge.measure(known) == gauge.measure(known)
