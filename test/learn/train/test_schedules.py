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

import numpy as np
import pytest
from torch import nn

from xspec_ros.learn.train.recipe import TrainArgs
from xspec_ros.learn.train.schedules import build_optimizer, build_schedules, set_schedules

ARGS = TrainArgs(steps=100, warmup=10, lr=0.1, lr_end=0.01, ema_decay=0.9)


def test_the_rate_rises_then_falls_to_its_end():
    lr = build_schedules(ARGS).lr
    assert len(lr) == 100
    assert lr[0] == pytest.approx(0.01)
    assert lr[9] == lr.max() == pytest.approx(0.1)
    assert (np.diff(lr[:10]) > 0).all()
    assert (np.diff(lr[11:]) < 0).all()
    assert lr[-1] == pytest.approx(0.001, rel=0.1)


def test_the_average_forgets_a_young_network():
    ema = build_schedules(ARGS).ema
    assert ema[0] == pytest.approx(0.1)
    assert ema[-1] == 0.9
    assert (np.diff(ema) >= 0).all()


@pytest.mark.parametrize('warmup', [0, 500])
def test_odd_warm_ups_stay_finite(warmup):
    lr = build_schedules(TrainArgs(steps=20, warmup=warmup)).lr
    assert np.isfinite(lr).all()
    assert (lr > 0).all()


def test_norms_and_biases_are_not_decayed():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    optimizer = build_optimizer(module, ARGS)
    decayed, plain = optimizer.param_groups
    assert [p.ndim for p in decayed['params']] == [4]
    assert len(plain['params']) == 3
    assert plain['weight_decay'] == 0
    set_schedules(optimizer, build_schedules(ARGS), 9)
    assert all(group['lr'] == pytest.approx(0.1) for group in optimizer.param_groups)
