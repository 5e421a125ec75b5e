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

"""The training loop: one function, readable from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast, TYPE_CHECKING

import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from xspec_ros.learn.batch import StepOutput
from xspec_ros.learn.train.finite import check_finite, gradients, Part
from xspec_ros.learn.train.processes import any_process
from xspec_ros.learn.train.schedules import set_schedules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lightning_fabric import Fabric
    from lightning_fabric.wrappers import _FabricModule

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.train.journal import Journal
    from xspec_ros.learn.train.recipe import TrainArgs
    from xspec_ros.learn.train.schedules import Schedules
    from xspec_ros.learn.train.state import TrainState
    from xspec_ros.learn.train.stop import StopRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the loop goes along with.

    Attributes:
        args: Optimisation.
        schedules: Values by step.
        batches: Batches in the order of ``step * accumulate + part``, from the state's step on.
        validate: Measures the averaged weights and keeps the best, given the steps done.
        save: Writes the ``last`` checkpoint.
        stop: Whether the user has asked to stop.
        folder: Run folder.
    """

    args: TrainArgs
    schedules: Schedules
    batches: Iterator[Batch]
    validate: Callable[[], None]
    save: Callable[[], None]
    stop: StopRequest
    folder: Path


def train(fabric: Fabric, state: TrainState, course: Course, journal: Journal) -> None:
    """Train from the state's step to the last one.

    Args:
        fabric: Precision, device and processes.
        state: What moves: method, optimiser, averaged weights, step.
        course: What it goes along with.
        journal: What it tells.
    """
    args, method, optimizer = course.args, state.method, state.optimizer
    wrapped = cast('_FabricModule', method)  # what Fabric made of it at setup
    trained = [p for group in optimizer.param_groups for p in group['params']]
    method.train()
    for step in range(state.step, args.steps):
        set_schedules(optimizer, course.schedules, step)  # lr: an array by step
        parts: list[Part] = []
        for number in range(args.accumulate):
            batch = next(course.batches)
            with fabric.no_backward_sync(wrapped, enabled=number + 1 < args.accumulate):
                with fabric.autocast():
                    out = method.training_step(batch.to(fabric.device), step)
                fabric.backward(out.loss / args.accumulate)
            parts.append(Part(batch, StepOutput(out.loss.detach(), out.terms)))
        norm = get_total_norm(gradients(trained))
        check_finite(parts, norm, wrapped.module, step=step, folder=course.folder)  # or stops here
        clip_grads_with_norm_(trained, args.clip_norm, norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        method.after_step(step)  # teachers and prototypes move here, in sight
        state.average.update(method.student, float(course.schedules.ema[step]))
        state.step = step + 1
        journal.step(step, _terms(parts), lr=float(course.schedules.lr[step]))
        if any_process(course.stop.asked, fabric.device):
            return  # between two steps, so that the run can go on exactly here
        if state.step % args.eval_every == 0 or state.step == args.steps:
            course.validate()
            fabric.barrier()  # one process validates, the others wait
        if state.step % args.save_every == 0 or state.step == args.steps:
            course.save()


def _terms(parts: Sequence[Part]) -> dict[str, torch.Tensor]:
    """Return the mean of every term over the batches of a step."""
    if len(parts) == 1:
        return parts[0].output.terms
    return {
        name: torch.stack([part.output.terms[name] for part in parts]).mean()
        for name in parts[0].output.terms
    }
