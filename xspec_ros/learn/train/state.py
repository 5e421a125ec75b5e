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

"""The state of a run as flat named tensors, and back: method, optimiser, random numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from xspec_ros.learn.train.checkpoint import ResumeState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.learn.methods.method import Method
    from xspec_ros.learn.train.ema import WeightAverage


@dataclass(slots=True, kw_only=True)
class TrainState:
    """Everything that moves while training.

    Attributes:
        method: The method, its networks included.
        optimizer: The optimiser.
        average: Averaged weights of the student.
        step: Optimiser steps done.
        best: Best validation figure so far.
        best_step: Step it was reached at.
        metrics: Latest validation figures.
    """

    method: Method
    optimizer: torch.optim.Optimizer
    average: WeightAverage
    step: int = 0
    best: float | None = None
    best_step: int | None = None
    metrics: dict[str, object]

    def pack(self) -> ResumeState:
        """Return the state as named tensors."""
        tensors = _prefixed('method', self.method.state_dict())
        tensors |= _prefixed('average', self.average.network.state_dict())
        for index, values in self.optimizer.state_dict()['state'].items():
            tensors |= _prefixed(f'optimizer.{index}', values)
        tensors['random.torch'] = torch.get_rng_state()
        return ResumeState(
            tensors=tensors, step=self.step, best=self.best, best_step=self.best_step
        )

    def unpack(self, saved: ResumeState) -> None:
        """Take back what ``pack`` gave; the networks must be built alike."""
        self.method.load_state_dict(saved.below('method'))
        self.average.network.load_state_dict(saved.below('average'))
        layout = self.optimizer.state_dict()
        values: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in saved.below('optimizer').items():
            index, _, key = name.partition('.')
            values.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({'state': values, 'param_groups': layout['param_groups']})
        torch.set_rng_state(saved.tensors['random.torch'])
        self.step, self.best, self.best_step = saved.step, saved.best, saved.best_step


def _prefixed(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f'{prefix}.{name}': tensor for name, tensor in tensors.items()}
