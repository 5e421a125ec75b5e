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

"""Weights that follow those of another network slowly."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move towards a network; buffers, such as the statistics of norms, become copies.

    Args:
        average: Network of the same structure, changed in place.
        network: Where to.
        decay: Share of the old weights that stays; 0 makes a copy.
    """
    move_weights(average, network, decay)
    copy_buffers(average, network)


@torch.no_grad()
def move_weights(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move weights alone: ``average = decay * average + (1 - decay) * weight``, in place."""
    averages = [value.detach() for value in average.parameters()]
    weights = [weight.detach() for weight in network.parameters()]
    torch._foreach_lerp_(averages, weights, 1.0 - decay)


@torch.no_grad()
def copy_buffers(target: nn.Module, source: nn.Module) -> None:
    """Make the buffers of a network those of another one of the same structure."""
    mine, theirs = list(target.buffers()), list(source.buffers())
    if mine:
        torch._foreach_copy_(mine, theirs)
