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

"""Whose answers become labels, when."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
from xspec_ros.learn.methods.crossmatch.lesson import lesson_of, Moment
from xspec_ros.learn.models.student import StudentOutput

K = 4


def logits(*winners, sure=8.0):
    """Return (B, K, 4, 6) logits of pictures that show one class each."""
    made = torch.zeros(len(winners), K, 4, 6)
    for index, winner in enumerate(winners):
        made[index, winner] = sure
    return made


def lesson(source, *teachers, day=None, step=0, steps=11, inside=None, medians=None, **arguments):
    count = len(source)
    return lesson_of(
        source,
        [StudentOutput(each, []) for each in teachers],
        torch.ones(count, 16, 24, dtype=torch.bool) if inside is None else inside,
        reliability=torch.ones(count) if day is None else torch.tensor(day),
        medians=torch.full((K,), 0.9) if medians is None else medians,
        moment=Moment(step, steps),
        args=CrossmatchArgs(**arguments),
    )


def classes(found):
    """Return the one label of every picture."""
    labels = [set(label_map.flatten().tolist()) for label_map in found.label_map]
    assert all(len(each) == 1 for each in labels)
    return [each.pop() for each in labels]


def test_source_and_teachers_decide_together():
    agreed = lesson(logits(0, 0), logits(0, 1), logits(0, 1))
    assert classes(agreed)[0] == 0
    assert agreed.label_map.shape == (2, 8, 12)
    assert [tuple(each.shape) for each in agreed.log_teachers] == [(2, K, 8, 12)] * 2


def test_the_source_counts_ever_less():
    """At first its class stands against one teacher; at the end two teachers outvote it."""
    source, teacher = logits(0, sure=8.0), logits(1, sure=6.0)
    early = lesson(source, teacher, teacher, step=0, tau_max=0.5, medians=torch.zeros(K))
    late = lesson(source, teacher, teacher, step=10, tau_max=0.5, medians=torch.zeros(K))
    assert classes(early) == [0]
    assert classes(late) == [1]
    kept = lesson(source, teacher, teacher, step=10, gamma_end=1.0, medians=torch.zeros(K))
    assert classes(kept) == [0]


def test_an_rgb_source_says_nothing_of_the_night():
    source, teacher = logits(0, 0), logits(1, 1, sure=5.0)
    found = lesson(source, teacher, teacher, day=[1.0, 0.0])
    assert classes(found) == [0, 1]
    blind = lesson(logits(2, 2), teacher, teacher, day=[1.0, 0.0])
    assert torch.equal(found.label_map[1], blind.label_map[1])


def test_teachers_that_disagree_must_be_very_sure():
    source, sides = logits(0), (logits(0), logits(1, sure=7.0))
    assert classes(lesson(source, *sides, gamma_start=1.0)) == [0]  # above 0.95
    doubt = lesson(source, *sides, gamma_start=1.0, agree_confidence=1.0)
    assert classes(doubt) == [IGNORE]


def test_one_teacher_alone_cannot_disagree():
    found = lesson(logits(0), logits(0), agree_confidence=1.0)
    assert classes(found) == [0]
    same = lesson(logits(0), logits(0), logits(0), agree_confidence=1.0)
    assert torch.equal(found.label_map, same.label_map)
    assert torch.equal(found.counts, same.counts)


@pytest.mark.parametrize('how', [{'step': -1}, {'denoise': 'source'}])
def test_labels_can_be_the_sources_own_and_then_of_the_day_alone(how):
    found = lesson(logits(2, 2), day=[1.0, 0.2], **how)
    assert classes(found) == [2, IGNORE]
    assert found.labelled.tolist() == [True, False]
    assert int(found.counts.sum()) == 8 * 12  # guesses at a class move no threshold


def test_the_warm_up_has_a_confidence_of_its_own():
    sure = lesson(logits(1), step=-3, warmup_confidence=0.9, medians=torch.ones(K))
    unsure = lesson(logits(1, sure=1.0), step=-3, warmup_confidence=0.9, medians=torch.zeros(K))
    assert classes(sure) == [1]
    assert classes(unsure) == [IGNORE]


def test_a_threshold_is_never_above_its_limit():
    teacher = logits(0, sure=5.0)
    high = torch.ones(K)
    assert classes(lesson(teacher, teacher, teacher, medians=high, tau_max=0.9)) == [0]
    assert classes(lesson(teacher, teacher, teacher, medians=high, tau_max=1.0)) == [IGNORE]


def test_cells_outside_the_picture_have_no_label_and_move_no_threshold():
    inside = torch.ones(1, 16, 24, dtype=torch.bool)
    inside[:, :, 13:] = False
    found = lesson(logits(1), logits(1), logits(1), inside=inside)
    assert bool((found.label_map[:, :, 6:] == IGNORE).all())
    assert bool((found.label_map[:, :, :6] == 1).all())
    assert not found.cells[:, :, 6:].any()
    assert int(found.counts.sum()) == 8 * 6


def test_nothing_of_it_has_a_gradient():
    answers = [logits(0).requires_grad_() for _ in range(3)]
    found = lesson(*answers)
    assert not any(each.requires_grad for each in (*found.log_teachers, found.counts))
