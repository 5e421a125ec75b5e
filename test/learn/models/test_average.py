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

"""Weights that follow those of another network."""

from __future__ import annotations

import torch
from torch import nn

from xspec_ros.learn.models.average import move_average


def norms():
    average, network = nn.BatchNorm2d(1), nn.BatchNorm2d(1)
    with torch.no_grad():
        network.weight.fill_(3.0)
        network.running_mean.fill_(5.0)
    return average, network


def test_weights_move_and_buffers_are_copied():
    average, network = norms()
    move_average(average, network, 0.75)
    assert average.weight.item() == 0.75 * 1.0 + 0.25 * 3.0
    assert float(average.running_mean) == 5.0
    assert network.weight.item() == 3.0


def test_a_decay_of_zero_copies_bit_by_bit():
    average, network = norms()
    nn.init.normal_(network.weight)
    move_average(average, network, 0.0)
    assert torch.equal(average.weight, network.weight)


def test_a_weight_that_two_layers_share_moves_once():
    networks = []
    for value in (1.0, 2.0):
        layers = nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1))
        layers[1].weight = layers[0].weight
        nn.init.constant_(layers[0].weight, value)
        networks.append(layers)
    move_average(*networks, 0.5)
    assert networks[0][0].weight.item() == networks[0][1].weight.item() == 1.5
