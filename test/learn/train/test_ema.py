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

import torch
from torch import nn

from xspec_ros.learn.train.ema import WeightAverage


def test_weights_are_averaged_and_buffers_copied():
    network = nn.BatchNorm2d(1)
    average = WeightAverage(network)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(5.0)
    average.update(network, 0.75)
    assert float(average.network.weight) == 0.75 * 1.0 + 0.25 * 3.0
    assert float(average.network.running_mean) == 5.0


def test_the_average_is_frozen_and_in_eval_mode():
    average = WeightAverage(nn.Linear(2, 2))
    assert not average.network.training
    assert not any(p.requires_grad for p in average.network.parameters())
