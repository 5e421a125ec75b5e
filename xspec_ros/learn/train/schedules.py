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

"""What changes over a run, as arrays indexed by step, built before the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.learn.train.recipe import TrainArgs


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """One value a step.

    Attributes:
        lr: (steps,) float64 learning rate.
        ema: (steps,) float64 decay of the averaged weights.
    """

    lr: NDArray[np.float64]
    ema: NDArray[np.float64]


def build_schedules(args: TrainArgs) -> Schedules:
    """Build linear warm-up and cosine decay, and an average that starts short."""
    step = np.arange(args.steps, dtype=np.float64)
    warmup = min(args.warmup, args.steps)
    progress = np.clip((step - warmup) / max(args.steps - warmup, 1), 0.0, 1.0)
    cosine = args.lr_end + (1.0 - args.lr_end) * 0.5 * (1.0 + np.cos(np.pi * progress))
    rising = (step + 1.0) / max(warmup, 1)
    lr = args.lr * np.where(step < warmup, rising, cosine)
    # A young average must forget its random start: at most step / 10 steps of memory.
    ema = np.minimum(args.ema_decay, (1.0 + step) / (10.0 + step))
    return Schedules(lr=lr, ema=ema)


def set_schedules(optimizer: torch.optim.Optimizer, schedules: Schedules, step: int) -> None:
    """Put this step's learning rate into every parameter group."""
    for group in optimizer.param_groups:
        group['lr'] = float(schedules.lr[step])


def build_optimizer(module: torch.nn.Module, args: TrainArgs) -> torch.optim.Optimizer:
    """Build AdamW; norms and biases go without weight decay."""
    trained = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {'params': [p for p in trained if p.ndim > 1], 'weight_decay': args.weight_decay},
        {'params': [p for p in trained if p.ndim <= 1], 'weight_decay': 0.0},
    ]
    return torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.99))
