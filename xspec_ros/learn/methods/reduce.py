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

"""What training in several processes asks of a loss: counts over all of them, no idle weight."""

from __future__ import annotations

import torch
from torch import distributed, nn


def global_count(count: torch.Tensor, *, least: float = 1.0) -> torch.Tensor:
    """Return what this process divides its sum by so that averaged gradients are exact.

    Distributed training averages gradients over processes. A sum divided by the mean count of
    all processes then gives the gradient of one process that holds the whole batch.

    Args:
        count: () local count.
        least: Smallest total, so that a mean over nothing is 0.

    Returns:
        () float32 mean count over processes.
    """
    total = count.detach().float().clone()
    processes = 1
    if distributed.is_available() and distributed.is_initialized():
        processes = distributed.get_world_size()
        distributed.all_reduce(total)
    return total.clamp(min=least) / processes


def global_sum(values: torch.Tensor) -> torch.Tensor:
    """Return values added up over the processes; every one has to ask.

    Args:
        values: Any shape, the same in each.
    """
    total = values.detach().clone()
    if distributed.is_available() and distributed.is_initialized():
        distributed.all_reduce(total)
    return total


def mean_over(values: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Average over the valid entries of every process.

    Args:
        values: Any shape.
        valid: The same shape, bool.

    Returns:
        () float32; 0 with zero gradient when no entry is valid.
    """
    chosen = torch.where(valid, values, 0.0)  # also keeps infinities elsewhere out
    return chosen.sum() / global_count(valid.sum())


def idle(network: nn.Module) -> torch.Tensor:
    """Return 0 that depends on every parameter: distributed training waits for all of them.

    Args:
        network: What a batch has no use for.

    Returns:
        () float32 with zero gradient.
    """
    return 0.0 * torch.stack([parameter.sum() for parameter in network.parameters()]).sum()
