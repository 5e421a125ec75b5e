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

"""Teachers that follow their students."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from xspec_ros.learn.methods.crossmatch.auxiliary import AuxiliaryNetwork
from xspec_ros.learn.methods.crossmatch.sights import Sight
from xspec_ros.learn.methods.crossmatch.streams import answers, Teachers


def students():
    return nn.ModuleDict({'thermal': nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))})


def weight(streams):
    return streams['thermal'][0].weight


def test_teachers_follow_by_the_formula_and_start_as_copies():
    torch.manual_seed(0)
    streams, values = students(), (3.0, 5.0, -1.0)
    teachers = Teachers(streams)
    expected = None
    for t, value in enumerate(values):
        with torch.no_grad():
            weight(streams).fill_(value)
        teachers.follow(streams, 0.6)
        decay = min(0.6, 1 - 1 / (t + 1))
        assert decay == (0.0, 0.5, 0.6)[t]
        expected = value if t == 0 else decay * expected + (1 - decay) * value
        assert weight(teachers.networks).item() == pytest.approx(expected, rel=1e-6)
    assert int(teachers.moves) == 3


def test_norms_are_moved_by_what_teachers_see_and_lent_to_students():
    torch.manual_seed(0)
    streams = nn.ModuleDict({'thermal': nn.Sequential(nn.BatchNorm2d(2, momentum=0.25))})
    teachers = Teachers(streams)
    norm = teachers.networks['thermal'][0]
    seen = 3.0 + torch.randn(4, norm.num_features, 6, 6)
    teachers.eval()
    norm(seen)
    assert not norm.running_mean.any()  # nothing moves outside training
    teachers.train()
    after = norm(seen)
    var, mean = torch.var_mean(seen, dim=(0, 2, 3))
    torch.testing.assert_close(norm.running_mean, 0.25 * mean)
    torch.testing.assert_close(norm.running_var, 0.75 + 0.25 * var)
    assert float(after.mean()) > 1  # and it normalises by them, not by the batch
    streams['thermal'][0].running_mean.fill_(99.0)
    teachers.follow(streams, 0.9)
    torch.testing.assert_close(streams['thermal'][0].running_mean, norm.running_mean)


def test_the_first_move_is_a_copy_bit_by_bit():
    torch.manual_seed(0)
    streams = students()
    teachers = Teachers(streams)
    with torch.no_grad():
        weight(streams).normal_()
    teachers.follow(streams, 0.999)
    assert torch.equal(weight(teachers.networks), weight(streams))


def test_teachers_stay_in_evaluation_mode_and_out_of_the_optimiser():
    method = nn.ModuleDict({'students': students()})
    method['teachers'] = Teachers(method['students'])
    method.train()
    assert not any(layer.training for layer in method['teachers'].networks.modules())
    assert all(layer.training for layer in method['students'].modules())
    assert not any(p.requires_grad for p in method['teachers'].parameters())


def test_a_restart_makes_copies_and_forgets_the_age():
    streams = students()
    teachers = Teachers(streams)
    teachers.follow(streams, 0.9)
    with torch.no_grad():
        weight(streams).add_(1.0)
    teachers.restart(streams)
    assert torch.equal(weight(teachers.networks), weight(streams))
    assert int(teachers.moves) == 0


def test_answers_of_both_streams_with_and_without_boxes(context, pairs):
    made = context('student')
    auxiliary = AuxiliaryNetwork(made.sibling('thermal'), made.sibling('rgb'))
    streams = nn.ModuleDict({'thermal': made.student, 'auxiliary': auxiliary}).eval()
    sight = Sight(pairs.thermal, pairs.rgb, torch.ones(4))
    found = answers(streams, sight, boxes=True)
    assert [len(each.det) for each in found] == [3, 3]
    alone = made.student(pairs.thermal)
    assert torch.equal(found[0].seg_logits, alone.seg_logits)
    assert torch.equal(found[0].det[0].cls, alone.det[0].cls)
    plain = answers(streams, sight, boxes=False)
    assert [each.det for each in plain] == [[], []]
    assert torch.equal(plain[1].seg_logits, found[1].seg_logits)
    single = nn.ModuleDict({'thermal': made.student}).eval()
    assert len(answers(single, sight, boxes=False)) == 1
