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


POLY_POWER = 0.9
NORMS = (torch.nn.LayerNorm, torch.nn.GroupNorm, torch.nn.modules.batchnorm._NormBase)
END = {'cosine': 0.01, 'poly': 0.0}  # where a schedule ends when the recipe does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """Entry n is in force at step n; the last one is where the run arrives.

    Attributes:
        lr: (steps + 1,) float64 learning rate.
        ema: (steps + 1,) float64 decay of the averaged weights.
    """

    lr: NDArray[np.float64]
    ema: NDArray[np.float64]


def build_schedules(args: TrainArgs) -> Schedules:
    """Build linear warm-up and the decay of the recipe, and an average that starts short.

    ``cosine``: Loshchilov and Hutter, https://arxiv.org/abs/1608.03983, equation 5, one period.
    ``poly``: (1 - step / steps) ** 0.9, Chen et al., https://arxiv.org/abs/1606.00915, section
    4.1; steps are counted after the warm-up.
    """
    step = np.arange(args.steps + 1, dtype=np.float64)
    warmup = min(args.warmup, args.steps)
    progress = np.clip((step - warmup) / max(args.steps - warmup, 1), 0.0, 1.0)
    if args.schedule == 'poly':
        falling = (1.0 - progress) ** POLY_POWER
    else:
        falling = 0.5 * (1.0 + np.cos(np.pi * progress))
    end = END[args.schedule] if args.lr_end is None else args.lr_end
    rising = (step + 1.0) / max(warmup, 1)
    lr = args.lr * np.where(step < warmup, rising, end + (1.0 - end) * falling)
    # A young average must forget its random start: at most step / 10 steps of memory.
    ema = np.minimum(args.ema_decay, (1.0 + step) / (10.0 + step))
    return Schedules(lr=lr, ema=ema)


def set_schedules(optimizer: torch.optim.Optimizer, schedules: Schedules, step: int) -> None:
    """Put this step's learning rate into every parameter group, times the group's share."""
    for group in optimizer.param_groups:
        group['lr'] = float(schedules.lr[step]) * group['share']


def build_optimizer(module: torch.nn.Module, args: TrainArgs) -> torch.optim.Optimizer:
    """Build AdamW in four groups: inside a ``backbone`` or not, with weight decay or without.

    Only matrices and kernels called ``weight`` decay: no norm, bias, token or position table.
    """
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            *path, kind = name.split('.')
            is_norm = isinstance(module.get_submodule('.'.join(path)), NORMS)
            decays = kind == 'weight' and parameter.ndim > 1 and not is_norm
            groups.setdefault(('backbone' in path, decays), []).append(parameter)
    layout = [
        {
            'params': parameters,
            'weight_decay': args.weight_decay if decays else 0.0,
            'share': args.backbone_lr if in_backbone else 1.0,
        }
        for (in_backbone, decays), parameters in sorted(groups.items())
    ]
    return torch.optim.AdamW(layout, lr=args.lr, betas=(0.9, 0.99))
