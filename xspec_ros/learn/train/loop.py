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

from xspec_ros.learn.train.journal import check_finite
from xspec_ros.learn.train.schedules import set_schedules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lightning_fabric import Fabric
    from lightning_fabric.wrappers import _FabricModule
    import torch

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
    method.train()
    for step in range(state.step, args.steps):
        set_schedules(optimizer, course.schedules, step)  # lr: an array by step
        terms: dict[str, torch.Tensor] = {}
        for part in range(args.accumulate):
            batch = next(course.batches).to(fabric.device)
            with fabric.no_backward_sync(wrapped, enabled=part + 1 < args.accumulate):
                with fabric.autocast():
                    out = method.training_step(batch, step)
                check_finite(out, batch, step, course.folder)  # stops before the step
                fabric.backward(out.loss / args.accumulate)
            for name, term in out.terms.items():
                terms[name] = terms.get(name, term.new_zeros(())) + term / args.accumulate
        fabric.clip_gradients(wrapped, optimizer, max_norm=args.clip_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        method.after_step(step)  # teachers and prototypes move here, in sight
        state.average.update(method.student, float(course.schedules.ema[step]))
        state.step = step + 1
        journal.step(step, terms, lr=float(course.schedules.lr[step]))
        if course.stop.asked:
            return  # between two steps, so that the run can go on exactly here
        if state.step % args.eval_every == 0 or state.step == args.steps:
            course.validate()
        if state.step % args.save_every == 0 or state.step == args.steps:
            course.save()
