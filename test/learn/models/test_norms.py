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

import copy

import torch
from torch import nn

from xspec_ros.learn.models.norms import frozen_statistics, tie_convolutions


def layers():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Conv2d(3, 2, 1))


def test_frozen_statistics_stay_and_the_batch_still_normalises():
    net, x = layers().train(), torch.randn(4, 2, 8, 8)
    before = copy.deepcopy(net.state_dict())
    with frozen_statistics(net):
        frozen = net(x)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(frozen, net(x))  # as in training
    assert not torch.equal(net[1].running_mean, before['1.running_mean'])


def test_tied_networks_share_convolutions_and_keep_their_norms():
    source, target = layers(), layers()
    tie_convolutions(source, target)
    assert target[0].weight is source[0].weight
    assert target[2].bias is source[2].bias
    assert target[1].weight is not source[1].weight
    both = nn.ModuleList((source, target))
    own = sum(1 for _ in source.parameters())
    assert sum(1 for _ in both.parameters()) == own + 2  # the second norm
