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

from xspec_ros.errors import DataError
from xspec_ros.learn.train.checkpoint import ResumeState
from xspec_ros.learn.train.processes import gather, process_number

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
        """Return the state as named tensors; every process has to ask.

        Method, optimiser and norm statistics are those of this process; random numbers those of
        all.
        """
        tensors = _prefixed('method', self.method.state_dict())
        tensors |= _prefixed('average', self.average.network.state_dict())
        for index, values in self.optimizer.state_dict()['state'].items():
            tensors |= _prefixed(f'optimizer.{index}', values)
        for kind, value in self._random_states().items():
            tensors |= {f'random.{kind}.{n}': each for n, each in enumerate(gather(value))}
        return ResumeState(
            tensors=tensors,
            step=self.step,
            best=self.best,
            best_step=self.best_step,
            metrics=self.metrics,
        )

    def unpack(self, saved: ResumeState) -> None:
        """Take back what ``pack`` gave; the networks must be built alike.

        Raises:
            DataError: The state is of another network, or of fewer processes.
        """
        try:
            self.method.load_state_dict(saved.below('method'))
            self.average.network.load_state_dict(saved.below('average'))
            self._unpack_optimizer(saved.below('optimizer'))
            number = process_number()
            torch.set_rng_state(saved.tensors[f'random.torch.{number}'])
            if self._on_cuda():
                torch.cuda.set_rng_state(saved.tensors[f'random.cuda.{number}'])
        except (KeyError, RuntimeError, ValueError) as err:
            message = f'the state after step {saved.step} does not fit: {str(err)[:300]}'
            raise DataError(message, hint='resume with the recipe and device of the run') from err
        self.step, self.best, self.best_step = saved.step, saved.best, saved.best_step
        self.metrics = saved.metrics

    def _random_states(self) -> dict[str, torch.Tensor]:
        """Return every generator in use; batches have none, see ``data.batches``."""
        states = {'torch': torch.get_rng_state()}
        if self._on_cuda():
            states['cuda'] = torch.cuda.get_rng_state()
        return states

    def _on_cuda(self) -> bool:
        return any(parameter.is_cuda for parameter in self.average.network.parameters())

    def _unpack_optimizer(self, tensors: Mapping[str, torch.Tensor]) -> None:
        groups = self.optimizer.param_groups
        parameters = [parameter for group in groups for parameter in group['params']]
        values: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            index, _, key = name.partition('.')
            parameter = parameters[int(index)]
            if tensor.shape == parameter.shape:  # in the memory layout of the parameter: faster
                tensor = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)  # noqa: PLW2901
            values.setdefault(int(index), {})[key] = tensor
        layout = self.optimizer.state_dict()['param_groups']
        self.optimizer.load_state_dict({'state': values, 'param_groups': layout})


def _prefixed(prefix: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f'{prefix}.{name}': tensor for name, tensor in tensors.items()}
