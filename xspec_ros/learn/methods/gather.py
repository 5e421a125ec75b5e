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

"""Rows of every process, for losses that compare all of them with one another."""

from __future__ import annotations

import torch
from torch import distributed


def gather_rows(rows: torch.Tensor) -> list[torch.Tensor]:
    """Return the rows of every process, in the order of the processes; every one has to ask.

    Args:
        rows: (N, ...), N as each process has it.

    Returns:
        One tensor a process; only this one's own has a gradient.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        return [rows]
    number = torch.tensor([len(rows)], device=rows.device)
    numbers = [torch.zeros_like(number) for _ in range(distributed.get_world_size())]
    distributed.all_gather(numbers, number)
    counts = [int(each) for each in numbers]
    padded = rows.new_zeros(max(1, *counts), *rows.shape[1:])
    padded[: len(rows)] = rows.detach()
    found = [torch.zeros_like(padded) for _ in counts]
    distributed.all_gather(found, padded)
    parts = [each[:count] for each, count in zip(found, counts, strict=True)]
    parts[distributed.get_rank()] = rows
    return parts


def gathered_loss(loss: torch.Tensor, processes: int) -> torch.Tensor:
    """Return a loss that every process has computed over the rows of all.

    Each has the gradient of its own rows alone, and training averages the gradients: they are
    scaled so that the average is that of one process which holds every row.

    Args:
        loss: () the same in every process.
        processes: How many.

    Returns:
        () the value of ``loss`` and ``processes`` times its gradient.
    """
    return loss + (processes - 1) * (loss - loss.detach())
