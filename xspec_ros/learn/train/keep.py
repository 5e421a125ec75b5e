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

"""What becomes of a run's weights: they are measured, and kept as ``best`` and ``last``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
import time
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from torch import nn

from xspec_ros.learn.train.checkpoint import CheckpointInfo, save_checkpoint
from xspec_ros.learn.train.lineage import Lineage
from xspec_ros.learn.train.processes import process_number
from xspec_ros.learn.train.recipe import NetworkSpec
from xspec_ros.learn.train.validate import evaluate, figure, preparation

if TYPE_CHECKING:
    from pathlib import Path

    from xspec_ros.learn.data.picture import PictureSet
    from xspec_ros.learn.train.journal import Journal
    from xspec_ros.learn.train.recipe import Recipe
    from xspec_ros.learn.train.state import TrainState
    from xspec_ros.learn.train.stop import StopRequest

Judge: TypeAlias = Callable[[nn.Module], float | None]
MOST_FALLS = 2


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Measures the averaged weights of a run and keeps its checkpoints.

    Attributes:
        recipe: What is trained.
        out: Run folder.
        sources: What it is trained on, with weights.
        validation: Labelled pictures to measure on.
        state: What moves.
        journal: What it tells.
        stop: Asked to end the run when the judge's figure falls again and again.
        lineage: What it owes to networks before it.
        judge: Measures in place of ``validation``; None: those do.
    """

    recipe: Recipe
    out: Path
    sources: list[tuple[PictureSet, float]]
    validation: list[PictureSet]
    state: TrainState
    journal: Journal
    stop: StopRequest
    lineage: Lineage = Lineage()  # noqa: RUF009 - frozen
    judge: Judge | None = None
    _figures: list[float] = field(default_factory=list)
    _measured: int = -1

    def info(self) -> CheckpointInfo:
        """Describe the weights as they are now."""
        recipe = self.recipe
        facts = [{**pictures.facts, 'use': 'train'} for pictures, _ in self.sources]
        facts += [{**pictures.facts, 'use': 'validation'} for pictures in self.validation]
        return CheckpointInfo(
            network=NetworkSpec(name=recipe.network.name, arguments=recipe.network_arguments()),
            classes=recipe.labels(),
            detection_classes=recipe.detection_classes,
            recipe=msgspec.to_builtins(recipe),
            step=self.state.step,
            metrics=self.state.metrics,
            data=[*facts, *self.lineage.beside(facts)],
            parent=self.lineage.parent,
        )

    def validate(self) -> None:
        """Measure the averaged weights; keep them when they are the best so far."""
        self._measured = self.state.step
        value = self._validated() if self.judge is None else self._judged(self.judge)
        state = self.state
        if value is not None and (state.best is None or value > state.best):
            state.best, state.best_step = value, state.step
            weights = state.average.network.state_dict()
            save_checkpoint(self.out / 'best', weights, self.info())

    def validate_late(self) -> None:
        """Measure the weights of a run that a judge follows and that time has ended."""
        late = self.stop.reason == 'time' and self._measured != self.state.step
        if late and self.judge is not None:
            self.validate()

    def save(self) -> None:
        """Write the ``last`` checkpoint with everything that resume needs: all ask, one writes."""
        packed = self.state.pack()
        if process_number() == 0:
            weights = self.state.average.network.state_dict()
            save_checkpoint(self.out / 'last', weights, self.info(), packed)

    def _validated(self) -> float | None:
        if not self.validation:
            return None
        start, recipe, state = time.monotonic(), self.recipe, self.state
        state.metrics = evaluate(
            state.average.network,
            self.validation,
            preparation(recipe),
            class_names=[label.name for label in recipe.labels()],
            detection_class_names=recipe.detection_classes,
        )
        self.journal.validation(state.step, state.metrics, time.monotonic() - start)
        return figure(state.metrics)

    def _judged(self, judge: Judge) -> float | None:
        """Ask the judge; one process does, and two falls in a row end the run."""
        if process_number() != 0:
            return None
        start, state = time.monotonic(), self.state
        value = judge(state.average.network)
        if value is None:
            return None
        state.metrics = {'judge': value}
        self.journal.judged(state.step, value, time.monotonic() - start)
        self._figures.append(value)
        last = self._figures[-MOST_FALLS - 1 :]
        if len(last) > MOST_FALLS and all(a > b for a, b in pairwise(last)):
            self.stop.ask('falling')
        return value
