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

"""Which arithmetic a run uses: bfloat16 where the machine has it, float32 elsewhere."""

from __future__ import annotations

from typing import Literal, TYPE_CHECKING, TypeAlias

import torch

if TYPE_CHECKING:
    from xspec_ros.learn.train.recipe import TrainArgs

Arithmetic: TypeAlias = Literal['32-true', 'bf16-mixed']


def chosen_precision(args: TrainArgs) -> Arithmetic:
    """Return the precision of a run.

    A CPU without bfloat16 instructions emulates them, ten times slower than float32.

    Args:
        args: Optimisation; its ``auto`` is decided by the device.
    """
    if args.precision != 'auto':
        return args.precision
    on_gpu = args.device != 'cpu' and torch.cuda.is_available()
    native = torch.cuda.is_bf16_supported() if on_gpu else _cpu_has_bf16()
    return 'bf16-mixed' if native else '32-true'


def _cpu_has_bf16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
