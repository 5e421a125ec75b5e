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

"""The rule, as a table."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
import pytest

from xspec_ros.learn.adapt.decide import decide, Evidence
from xspec_ros.learn.adapt.figures import Figures
from xspec_ros.learn.adapt.settings import AdaptSettings, settings_with

SHARES = {f'class{number}': 0.1 for number in range(9)} | {'rare': 0.0005, 'absent': 0.0}
FREE = Figures(
    consistency={'flip': 0.8, 'gain': 0.9, 'temporal': 0.7, 'boxes': 0.6},
    teacher=0.5,
    agreement=1.0,
    shares=SHARES,
    boxes={'person': 1.0, 'car': 2.0, 'bicycle': 0.01},
)
LABELLED = replace(FREE, miou=0.40, map50=0.30)


def less(figures, kind, points):
    return replace(
        figures,
        consistency={**figures.consistency, kind: figures.consistency[kind] - points / 100},
    )


def without(figures, *names):
    return replace(figures, shares={**figures.shares, **dict.fromkeys(names, 0.0)})


@pytest.mark.parametrize(
    ('before', 'after', 'accepted', 'words'),
    [
        (FREE, FREE, True, 'mean consistency 75.00 -> 75.00'),
        (LABELLED, LABELLED, True, 'mIoU 40.00 -> 40.00 (+0.00 points)'),
        (LABELLED, replace(LABELLED, miou=0.396), True, 'mIoU 40.00 -> 39.60 (-0.40 points)'),
        (LABELLED, replace(LABELLED, miou=0.394), False, '-0.60 points, at most 0.5 may be lost'),
        (LABELLED, replace(LABELLED, miou=0.9, map50=0.29), False, 'mAP50 30.00 -> 29.00'),
        (LABELLED, less(LABELLED, 'flip', 40), True, 'mIoU'),
        (LABELLED, replace(LABELLED, teacher=0.1), True, 'mIoU'),
        (FREE, replace(FREE, teacher=0.501), True, 'teacher'),
        (FREE, replace(FREE, teacher=0.499), False, 'agreement with the teacher 50.00 -> 49.90'),
        (FREE, less(FREE, 'flip', -0.1), True, 'mean consistency'),
        (FREE, less(FREE, 'flip', 0.2), False, 'mean consistency 75.00 -> 74.95'),
        (FREE, without(FREE, 'class0'), False, '1 of 9 classes vanished: class0 (at most 10 %'),
        (LABELLED, without(LABELLED, 'class0', 'class1'), False, 'class0, class1'),
        (FREE, without(FREE, 'rare', 'absent'), True, '0 of 9 classes vanished'),
        (FREE, replace(FREE, agreement=0.41), True, 'agreement with the source model 0.410'),
        (FREE, replace(FREE, agreement=0.39), False, 'at least 0.4 is needed'),
        (LABELLED, replace(LABELLED, agreement=0.39), False, 'at least 0.4 is needed'),
        (FREE, replace(FREE, boxes={}), False, 'detection classes vanished: person, car'),
        (LABELLED, replace(LABELLED, boxes={}), True, 'mAP50'),
        (FREE, replace(FREE, boxes={'person': 1.0, 'car': 2.0}), True, '0 of 2 detection classes'),
        (
            replace(LABELLED, map50=None),
            replace(LABELLED, map50=None, boxes={}),
            False,
            'detection classes',
        ),
        (FREE, less(FREE, 'flip', float('nan')), False, 'mean consistency'),
        (LABELLED, replace(LABELLED, miou=float('nan')), False, 'mIoU'),
        (FREE, replace(FREE, agreement=float('nan')), False, 'agreement'),
        (FREE, replace(FREE, consistency={}), False, 'nothing could be measured'),
    ],
)
def test_the_rule(before, after, accepted, words):
    decision = decide(Evidence(before=before, after=after), AdaptSettings())
    assert decision.accepted is accepted
    assert words in decision.reason


def test_what_may_be_lost_is_a_setting():
    evidence = Evidence(before=FREE, after=less(FREE, 'flip', 1.9))
    assert decide(evidence, settings_with(['unlabelled_points_lost=0.5'])).accepted
    assert not decide(evidence, settings_with(['points_lost=5'])).accepted


def test_one_class_of_ten_may_vanish():
    shares = {f'class{number}': 0.1 for number in range(10)}
    before = replace(FREE, shares=shares)
    assert decide(
        Evidence(before=before, after=without(before, 'class3')), AdaptSettings()
    ).accepted


def test_only_what_both_have_is_compared():
    later = {kind: value for kind, value in FREE.consistency.items() if kind != 'boxes'}
    decision = decide(
        Evidence(before=FREE, after=replace(FREE, consistency=later)), AdaptSettings()
    )
    assert 'mean consistency 80.00 -> 80.00' in decision.reason


def test_every_refusal_is_named():
    after = replace(without(FREE, 'class0'), agreement=0.1, teacher=0.0)
    reason = decide(Evidence(before=FREE, after=after), AdaptSettings()).reason
    for words in ('agreement with the source', 'vanished', 'teacher'):
        assert words in reason


@given(
    miou=st.floats(0, 1), map50=st.floats(0, 1), more=st.floats(0, 0.5), share=st.floats(0.4, 1)
)
def test_what_is_better_in_everything_is_accepted(miou, map50, more, share):
    before = replace(LABELLED, miou=miou, map50=map50)
    after = replace(before, miou=miou + more, map50=map50 + more, agreement=share)
    assert decide(Evidence(before=before, after=after), AdaptSettings()).accepted
