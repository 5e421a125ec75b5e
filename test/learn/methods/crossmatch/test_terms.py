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

"""Named terms and their weights."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.batch import IGNORE, NO_BOX
from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
from xspec_ros.learn.methods.crossmatch.lesson import Lesson, Moment
from xspec_ros.learn.methods.crossmatch.loss import consistency_loss, diversity_loss
from xspec_ros.learn.methods.crossmatch.terms import box_terms, pixel_terms
from xspec_ros.learn.methods.supervised.detection_loss import BoxTruth, detection_loss


@pytest.fixture
def said(context, pairs):
    """Return two students' answers and what they are to learn."""
    network = context('student').student
    answers = [network(picture) for picture in (pairs.thermal, 1 - pairs.thermal)]
    generator = torch.Generator().manual_seed(0)
    label_map = torch.randint(0, 5, (4, 32, 32), generator=generator)
    label_map[:, :8] = IGNORE
    logs = [torch.randn(4, 5, 32, 32, generator=generator).log_softmax(dim=1) for _ in range(2)]
    cells = torch.ones(4, 32, 32, dtype=torch.bool)
    lesson = Lesson(label_map, cells, torch.ones(4, dtype=torch.bool), logs, torch.zeros(5, 1000))
    return answers, lesson


def terms(said, *, step=50, streams=2, **arguments):
    answers, lesson = said
    return pixel_terms(
        answers[:streams], lesson, moment=Moment(step, 100), args=CrossmatchArgs(**arguments)
    )


def test_weights_multiply_their_terms(said):
    whole = terms(said, diversity=1.0)
    other = terms(
        said, diversity=0.5, self_training=3.0, auxiliary_weight=1.0, consistency=2.0, asymmetry=2
    )
    ratios = {name: (other[name] / whole[name]).item() for name in whole}
    assert ratios == pytest.approx(
        {
            'seg': 3.0,
            'seg_auxiliary': 2.0,
            'consistency': 2.0,
            'consistency_auxiliary': 8.0,
            'diversity': 0.5,
        }
    )


def test_each_network_is_compared_with_the_teacher_of_the_other(said):
    answers, lesson = said
    found = terms(said, asymmetry=1.0)
    fine = [
        torch.nn.functional.interpolate(
            each.seg_logits, size=(32, 32), mode='bilinear', align_corners=False
        ).log_softmax(dim=1)
        for each in answers
    ]
    here = consistency_loss(fine[0], lesson.log_teachers[1], lesson.cells)
    there = consistency_loss(fine[1], lesson.log_teachers[0], lesson.cells)
    torch.testing.assert_close(found['consistency'], here)
    torch.testing.assert_close(found['consistency_auxiliary'], there)
    guard = terms(said, diversity=1.0)['diversity']
    torch.testing.assert_close(guard, diversity_loss(fine[0], lesson.cells))


def test_the_consistency_grows_to_its_weight(said):
    values = [terms(said, step=step)['consistency'].item() for step in (0, 5, 10, 90)]
    assert values[0] == 0
    assert values[1] == pytest.approx(values[2] / 2)
    assert values[2] == values[3] > 0


def test_the_warm_up_has_labels_alone(said):
    assert set(terms(said, step=-1, diversity=1.0)) == {'seg', 'seg_auxiliary'}


def test_terms_of_weight_zero_and_of_a_missing_network_are_left_out(said):
    assert set(terms(said, consistency=0.0)) == {'seg', 'seg_auxiliary'}
    assert set(terms(said, streams=1, diversity=1.0)) == {'seg', 'diversity'}


def test_boxes_are_weighed_for_both_networks(said):
    answers, _ = said

    def compare(det):
        return detection_loss(det, truth)[:3]

    truth = BoxTruth(
        torch.tensor([[[16.0, 16, 48, 48]]] * 4),
        torch.tensor([[1], [NO_BOX], [2], [0]]),
        torch.tensor([[False], [False], [False], [True]]),
        torch.tensor([True, True, False, True]),
    )
    args = CrossmatchArgs(detection=2.0, auxiliary_weight=0.25)
    found = box_terms(answers, compare, args=args)
    own, other = (detection_loss(each.det, truth) for each in answers)
    expected = {
        'box': 6 * own.box,
        'obj': 2 * own.obj,
        'cls': 2 * own.cls,
        'det_auxiliary': 0.5 * (3 * other.box + other.obj + other.cls),
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)
    assert set(box_terms(answers[:1], compare, args=args)) == {'box', 'obj', 'cls'}
