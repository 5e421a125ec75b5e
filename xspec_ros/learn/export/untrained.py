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

"""Weights of a network that has learnt nothing, fit to be exported all the same."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from xspec_ros.learn.models import build_network, graphs


def random_state(
    name: str, arguments: dict[str, int | float | str | bool], seed: int
) -> dict[str, torch.Tensor]:
    """Return random weights whose answers vary over the picture, boxes included.

    A network as it starts its training says 0.0001 for every box. Norms that have seen one batch
    of noise and wider output layers give tests boxes of any score.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(name, arguments)
        for key, layer in network.named_modules():
            if isinstance(layer, nn.Conv2d) and '_out' in key:
                nn.init.normal_(layer.weight, std=0.3)
                nn.init.zeros_(cast('torch.Tensor', layer.bias))
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None
        _meet_noise(network, int(arguments.get('in_channels', 1)))
    return network.state_dict()


@torch.no_grad()
def _meet_noise(network: nn.Module, channels: int) -> None:
    """Let the norms of every graph of a network see one batch of noise."""
    thermal, rgb = (
        nn.functional.interpolate(torch.rand(4, count, 4, 6), size=(128, 192), mode='bilinear')
        for count in (1, 3)
    )
    network.train()
    for mode, graph in graphs(network, 'rgb' if channels == 3 else 'thermal').items():
        inputs = {'thermal': (thermal,), 'fused': (thermal, rgb), 'rgb': (rgb,)}[mode]
        graph(*inputs)
