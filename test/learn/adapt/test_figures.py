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

"""The one number, and what is told."""

from __future__ import annotations

import pytest

from xspec_ros.learn.adapt.figures import Figures


def test_labels_decide_where_there_are_some():
    free = {'flip': 0.2, 'gain': 0.4}
    assert Figures(miou=0.5, map50=0.3, consistency=free, teacher=0.9).value() == 0.4
    assert Figures(miou=0.5, consistency=free).value() == 0.5
    assert Figures(consistency=free, teacher=0.9).value() == pytest.approx(0.6)
    assert Figures(consistency=free).value() == pytest.approx(0.3)
    assert Figures().value() is None


def test_the_mean_is_of_the_kinds_that_were_measured():
    figures = Figures(consistency={'flip': 0.2, 'temporal': 0.6})
    assert figures.mean_consistency() == pytest.approx(0.4)
    assert figures.mean_consistency(('flip', 'boxes')) == pytest.approx(0.2)
    assert figures.mean_consistency(('boxes',)) is None


def test_few_boxes_count_little():
    figures = Figures(consistency={'flip': 0.9, 'gain': 0.9, 'boxes': 0.4}, box_weight=0.5)
    assert figures.mean_consistency() == pytest.approx((0.9 + 0.9 + 0.5 * 0.4) / 2.5)
    assert figures.mean_consistency(('boxes',)) == pytest.approx(0.4)
    none = Figures(consistency={'boxes': 0.4}, box_weight=0.0)
    assert none.mean_consistency() is None


def test_what_was_not_measured_is_null():
    told = Figures(consistency={'flip': 0.2}).as_json()
    assert told['consistency'] == {
        'flip': 0.2,
        'gain': None,
        'temporal': None,
        'boxes': None,
        'mean': 0.2,
        'box_weight': 1.0,
    }
    assert told['miou'] is None
