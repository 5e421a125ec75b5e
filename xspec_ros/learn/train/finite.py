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

"""The refusal of steps that are not finite, before anything is learnt from them."""

from __future__ import annotations

import math
from typing import NamedTuple, TYPE_CHECKING

import msgspec
from safetensors.torch import save_file
import torch

from xspec_ros.errors import DataError
from xspec_ros.learn.train.processes import any_process, gather, process_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from xspec_ros.learn.batch import Batch, StepOutput

NAMED = 3  # parameters that a message names


class Part(NamedTuple):
    """One batch of a step and what the method made of it."""

    batch: Batch
    output: StepOutput


def gradients(parameters: Iterable[torch.nn.Parameter]) -> list[torch.Tensor]:
    """Return the gradients that there are."""
    return [parameter.grad for parameter in parameters if parameter.grad is not None]


def check_finite(
    parts: Sequence[Part],
    norm: torch.Tensor,
    module: torch.nn.Module,
    *,
    step: int,
    folder: Path,
) -> None:
    """Refuse a step whose loss or gradient is not finite; every process has to ask.

    Args:
        parts: The batches of the step and their losses.
        norm: () norm of the gradient, not yet clipped.
        module: Whose gradient it is.
        step: Number of the step.
        folder: Run folder; the batches are saved there.

    Raises:
        DataError: A term or a gradient is not finite, here or in another process; the message
            names terms or parameters, and the saved batch.
    """
    losses = torch.stack([part.output.loss.detach() for part in parts])
    good = bool((losses.sum() + norm).isfinite())  # the one wait for the device in a step
    if not any_process(not good, norm.device):
        return
    bad = [part for part in parts if not math.isfinite(float(part.output.loss.detach()))]
    told = [text for text in gather(_loss_problem(bad[0].output) if bad else '') if text]
    problem = (
        f'loss is not finite at step {step}: {told[0]}'
        if told
        else (f'gradient is not finite at step {step}: {_guilty_parameters(module)}')
    )
    guilty = bad if told else parts
    places = [str(_save(part.batch, step, folder, n)) for n, part in enumerate(guilty)]
    where = f'the batch is in {", ".join(places)}' if places else 'another process has the batch'
    raise DataError(problem, hint=f'{where}; lower the learning rate')


def _loss_problem(output: StepOutput) -> str:
    terms = {name: float(term) for name, term in output.terms.items()}
    guilty = sorted(name for name, value in terms.items() if not math.isfinite(value))
    shown = ', '.join(f'{name} {value}' for name, value in terms.items())
    return f'{", ".join(guilty) or "the sum"} ({shown})'


def _guilty_parameters(module: torch.nn.Module) -> str:
    guilty = [
        name
        for name, parameter in module.named_parameters()
        if parameter.grad is not None and not bool(parameter.grad.isfinite().all())
    ]
    more = f' and {len(guilty) - NAMED} more' if len(guilty) > NAMED else ''
    return f'{", ".join(guilty[:NAMED]) or "its norm"}{more}'


def _save(batch: Batch, step: int, folder: Path, number: int) -> Path:
    process = f'_process_{process_number()}' if process_number() else ''
    part = f'_part_{number}' if number else ''
    place = folder / f'nonfinite_step_{step:06d}{process}{part}.safetensors'
    tensors = {name: tensor.contiguous() for name, tensor in batch.tensors().items()}
    save_file(tensors, place, metadata={'names': msgspec.json.encode(batch.names).decode()})
    return place
