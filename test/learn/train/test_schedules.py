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

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
import torch
from torch import nn

from xspec_ros.learn.train.recipe import TrainArgs
from xspec_ros.learn.train.schedules import build_optimizer, build_schedules, set_schedules

ARGS = TrainArgs(steps=100, warmup=10, lr=0.1, lr_end=0.01, ema_decay=0.9)


def test_the_rate_rises_then_falls_to_its_end():
    lr = build_schedules(ARGS).lr
    assert len(lr) == 101
    assert lr[0] == pytest.approx(0.01)
    assert lr[9] == lr.max() == pytest.approx(0.1)
    assert (np.diff(lr[:10]) > 0).all()
    assert (np.diff(lr[11:]) < 0).all()
    assert lr[-1] == pytest.approx(0.001)


def test_the_average_forgets_a_young_network():
    ema = build_schedules(ARGS).ema
    assert ema[0] == pytest.approx(0.1)
    assert ema[-1] == 0.9
    assert (np.diff(ema) >= 0).all()


@pytest.mark.parametrize('schedule', ['cosine', 'poly'])
@pytest.mark.parametrize('warmup', [0, 500])
def test_odd_warm_ups_stay_finite(warmup, schedule):
    lr = build_schedules(TrainArgs(steps=20, warmup=warmup, schedule=schedule)).lr
    assert np.isfinite(lr).all()
    assert (lr[:-1] > 0).all()


@pytest.mark.parametrize(('warmup', 'steps'), [(0, 7), (10, 100), (1, 2), (0, 1)])
def test_the_poly_rate_ends_at_nothing(warmup, steps):
    args = TrainArgs(steps=steps, warmup=warmup, lr=0.1, schedule='poly')
    lr = build_schedules(args).lr
    assert lr[warmup] == pytest.approx(0.1)
    assert abs(lr[steps]) < 1e-9
    for step in range(warmup, steps):
        share = 1 - (step - warmup) / (steps - warmup)
        assert lr[step] == pytest.approx(0.1 * share**0.9)


@given(
    steps=st.integers(1, 300),
    warmup=st.integers(0, 300),
    schedule=st.sampled_from(['cosine', 'poly']),
    lr_end=st.one_of(st.none(), st.floats(0, 1)),
)
def test_a_rate_rises_once_and_falls_once(steps, warmup, schedule, lr_end):
    args = TrainArgs(steps=steps, warmup=warmup, lr=1.0, schedule=schedule, lr_end=lr_end)
    lr = build_schedules(args).lr
    assert len(lr) == steps + 1
    assert lr.min() >= 0
    assert lr.max() <= 1
    turn = min(warmup, steps)
    assert (np.diff(lr[:turn]) > 0).all()
    assert (np.diff(lr[turn:]) <= 0).all()


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 2))
        self.head = nn.Sequential(nn.Conv2d(2, 2, 1), nn.LayerNorm([2, 2]))
        self.mask_token = nn.Parameter(torch.zeros(1, 2, 1, 1))
        self.frozen = nn.Linear(2, 2).requires_grad_(requires_grad=False)


def by_parameter(optimizer, module):
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    return {
        names[id(parameter)]: group
        for group in optimizer.param_groups
        for parameter in group['params']
    }


def test_only_kernels_and_matrices_decay():
    module = Tokens()
    groups = by_parameter(build_optimizer(module, ARGS), module)
    decayed = {name for name, group in groups.items() if group['weight_decay']}
    assert decayed == {'backbone.0.weight', 'backbone.2.weight', 'head.0.weight'}
    assert len(groups) == 11  # every parameter that is trained, once


def test_a_backbone_may_learn_at_a_rate_of_its_own():
    module = Tokens()
    args = TrainArgs(steps=10, warmup=2, lr=0.1, backbone_lr=0.3)
    optimizer, schedules = build_optimizer(module, args), build_schedules(args)
    groups = by_parameter(optimizer, module)
    for step in range(11):
        set_schedules(optimizer, schedules, step)
        for name, group in groups.items():
            share = 0.3 if name.startswith('backbone') else 1.0
            assert group['lr'] == pytest.approx(share * schedules.lr[step])


def test_a_step_uses_the_rate_that_was_set():
    module = nn.Linear(1, 1)
    optimizer = build_optimizer(module, ARGS)
    schedules = build_schedules(ARGS)
    set_schedules(optimizer, schedules, 42)
    assert {group['lr'] for group in optimizer.param_groups} == {schedules.lr[42]}
