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

"""Counts to figures."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.result import Detections
from xspec_ros.learn.adapt.tally import Answer, Contract, Ratio, Tally
from xspec_ros.learn.train.validate import Preparation

CONTRACT = Contract(
    preparation=Preparation(mode='thermal', network_hw=(64, 96), percentiles=(1.0, 99.0)),
    class_names=('road', 'sky'),
    detection_class_names=('person', 'car'),
    score=0.3,
)


def test_a_share_of_nothing_is_none():
    ratio = Ratio()
    assert ratio.value is None
    ratio.add((1, 4))
    ratio.add((2, 2))
    assert ratio.value == 0.5


def test_pixels_and_boxes_are_shares_and_counts_a_frame():
    tally = Tally(classes=2)
    found = Detections(
        boxes_xyxy=np.zeros((3, 4), np.float32),
        scores=np.ones(3, np.float32),
        class_ids=np.array([1, 1, 0], np.int32),
    )
    tally.count(Answer(label_map=np.array([[0, 0], [0, 1]], np.uint8), boxes=found))
    tally.count(Answer(label_map=np.zeros((2, 2), np.uint8), boxes=Detections.empty()))
    tally.flip.add((1, 2))
    figures = tally.figures(CONTRACT, {'miou': 0.25, 'map50': None, 'per_class': {}})
    assert figures.shares == {'road': 0.875, 'sky': 0.125}
    assert figures.boxes == {'person': 0.5, 'car': 1.0}
    assert figures.consistency == {'flip': 0.5}
    assert (figures.frames, figures.miou, figures.map50) == (2, 0.25, None)
    assert figures.agreement is None


def test_nothing_counted_gives_no_figure():
    figures = Tally(classes=2).figures(CONTRACT, {})
    assert figures.value() is None
    assert sum(figures.shares.values()) == pytest.approx(0.0)
