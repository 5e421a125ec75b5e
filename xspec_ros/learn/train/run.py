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

"""A run: build everything that a recipe names, train, keep the checkpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
import logging
from pathlib import Path
from typing import cast, TYPE_CHECKING

import msgspec
import torch

from xspec_ros.bundle.store import open_bundle
from xspec_ros.config import convert, dump_yaml
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.data.batches import BatchArgs, BatchSource, prefetch
from xspec_ros.learn.data.sources import open_source, Source, SourceContext
from xspec_ros.learn.data.views import unlabelled
from xspec_ros.learn.train.assemble import (
    assemble,
    begin,
    open_start,
    open_teacher,
)
from xspec_ros.learn.train.checkpoint import (
    find_checkpoint,
    INFO_NAME,
    load_state,
    read_info,
)
from xspec_ros.learn.train.ema import WeightAverage
from xspec_ros.learn.train.journal import Journal
from xspec_ros.learn.train.keep import Keeper
from xspec_ros.learn.train.lineage import Lineage, lineage_before, lineage_of, lineage_of_bundle
from xspec_ros.learn.train.loop import Course, train
from xspec_ros.learn.train.networks import read_weights, weights_of
from xspec_ros.learn.train.precision import chosen_precision
from xspec_ros.learn.train.processes import companions
from xspec_ros.learn.train.pseudo import teach
from xspec_ros.learn.train.recipe import Recipe, TrainArgs
from xspec_ros.learn.train.schedules import build_optimizer, build_schedules
from xspec_ros.learn.train.state import TrainState
from xspec_ros.learn.train.stop import StopRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lightning_fabric import Fabric
    from torch import nn

    from xspec_ros.core.rig import Rig
    from xspec_ros.learn.data.picture import PictureSet
    from xspec_ros.learn.methods.method import Method
    from xspec_ros.learn.train.keep import Judge
    from xspec_ros.learn.train.networks import OpenedNetwork
    from xspec_ros.learn.train.stop import Ending

LOG = logging.getLogger(__name__)
LONGEST_WAIT = timedelta(hours=2)  # of processes for one that renders, labels or validates
FREE_ON_RESUME = frozenset({'log_every', 'eval_every', 'save_every', 'steps'})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the command line, or who else starts a run, adds to a recipe.

    Attributes:
        out: Run folder.
        from_model: Bundle of initial weights; names and shapes that fit are taken, and the run
            says that it is its parent.
        init: The same from a safetensors file, of which nothing more is known.
        resume: Continue the run in ``out``.
        stages: Run folders of the earlier stages, by name.
        rig: How the cameras of pairs stand whose source names no rig.
        judge: Measures the averaged weights in place of the validation sources, higher is
            better; the run ends when it falls twice in a row.
        deadline_s: Monotonic time at which the run ends, whatever its steps.
    """

    out: Path
    from_model: str | None = None
    init: Path | None = None
    resume: bool = False
    stages: Mapping[str, Path] = field(default_factory=dict)
    rig: Rig | None = None
    judge: Judge | None = None
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What came of a run.

    Attributes:
        steps: Optimiser steps done.
        best: Best validation figure, or None without validation.
        best_step: Step it was reached at.
        metrics: Latest validation figures.
        checkpoint: Folder of the best checkpoint, of the last without validation.
        ended: What ended it.
    """

    steps: int
    best: float | None
    best_step: int | None
    metrics: dict[str, object]
    checkpoint: Path
    ended: Ending = 'steps'

    @property
    def finished(self) -> bool:
        """False when stopped by Ctrl-C."""
        return self.ended != 'signal'


def open_sources(
    recipe: Recipe, sources: Sequence[Source], rig: Rig | None = None
) -> list[PictureSet]:
    """Open the sources of a recipe; ``rig`` is for pairs whose source names none.

    Raises:
        ConfigError: A source names nothing sensible.
        DataError: A source cannot be read.
    """
    context = source_context(recipe, rig)
    return [open_source(source, context) for source in sources]


def source_context(recipe: Recipe, rig: Rig | None = None) -> SourceContext:
    """Return what the recipe's sources share; ``rig`` is for pairs whose source names none."""
    return SourceContext(
        data_root=Path(recipe.data_root),
        cache=Path(recipe.cache),
        classes=recipe.labels(),
        detection_classes=recipe.detection_classes,
        rig=rig,
    )


def run_recipe(recipe: Recipe, options: RunOptions) -> TrainReport:
    """Train a recipe.

    Args:
        recipe: What to train.
        options: Where to, from what.

    Returns:
        What came of it; after Ctrl-C the ``last`` checkpoint is written and ``finished`` False.

    Raises:
        ConfigError: The recipe makes no sense, or differs from the run that is resumed.
        DataError: Data cannot be read, or the loss is not finite.
    """
    _prepare_folder(recipe, options)
    with companions(recipe.train.processes, _take_part, recipe, options):
        return _take_part(recipe, options)


def _take_part(recipe: Recipe, options: RunOptions) -> TrainReport:
    """Train a recipe as one of its processes."""
    args = recipe.train
    fabric = launch_fabric(args)
    torch.manual_seed(recipe.seed)
    teacher = open_teacher(recipe, options.stages)
    begun = _set_up(fabric, recipe, options, teacher)
    if fabric.global_rank:  # alike until here, then each its own random numbers
        torch.manual_seed(recipe.seed + fabric.global_rank)
    sources = _training_sources(fabric, recipe, options, teacher)
    state = TrainState(
        method=begun.method, optimizer=begun.optimizer, average=begun.average, metrics={}
    )
    if options.resume:
        state.unpack(load_state(options.out / 'last'))
        LOG.info('resuming after step %d', state.step)
    stop = StopRequest(deadline_s=options.deadline_s)
    run = Keeper(
        recipe=recipe,
        out=options.out,
        sources=sources,
        validation=open_sources(recipe, recipe.validation, options.rig)
        if fabric.is_global_zero
        else [],
        state=state,
        journal=Journal(
            options.out,
            steps=args.steps,
            log_every=args.log_every,
            pictures_a_step=args.batch_size * args.accumulate * args.processes,
            first=state.step,
            quiet=not fabric.is_global_zero,
        ),
        stop=stop,
        lineage=begun.lineage,
        judge=options.judge,
    )
    with fabric.rank_zero_first():
        looks = (
            None
            if recipe.night is None
            else open_sources(recipe, [recipe.night.source], options.rig)[0]
        )
    source = BatchSource(run.sources, batch_args(recipe, rank=fabric.global_rank), looks=looks)
    first, last = state.step * args.accumulate, args.steps * args.accumulate
    course = Course(
        args=args,
        schedules=build_schedules(args),
        batches=prefetch(source.batch, first, last),
        validate=run.validate,
        save=run.save,
        stop=stop,
        folder=options.out,
    )
    try:
        with stop:
            train(fabric, state, course, run.journal)
            if state.step < args.steps:
                LOG.warning('ended after step %d (%s); saving', state.step, stop.reason)
                run.validate_late()
                course.save()
    finally:
        run.journal.close()
    return _report(run)


def launch_fabric(args: TrainArgs) -> Fabric:
    """Join the processes of the run, with its precision and device."""
    from lightning_fabric import Fabric  # seconds to import  # noqa: PLC0415  # seconds to import
    from lightning_fabric.strategies.ddp import DDPStrategy  # noqa: PLC0415

    fabric = Fabric(
        accelerator=args.device,
        devices=args.processes,
        strategy='auto' if args.processes == 1 else DDPStrategy(timeout=LONGEST_WAIT),
        precision=chosen_precision(args),
    )
    fabric.launch()
    return fabric


def batch_args(recipe: Recipe, *, rank: int = 0) -> BatchArgs:
    """Return what every batch of the recipe shares."""
    return BatchArgs(
        seed=recipe.seed,
        batch_size=recipe.train.batch_size,
        crop_hw=recipe.train.crop_hw,
        network_hw=recipe.input.network_hw,
        percentiles=(recipe.input.low_percentile, recipe.input.high_percentile),
        crop=recipe.crop,
        photo=recipe.photo,
        stratified=recipe.train.stratified,
        look_share=0.0 if recipe.night is None else recipe.night.share,
        look_rgb=recipe.night is not None and recipe.night.cameras == 'both',
        rank=rank,
        processes=recipe.train.processes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beginning:
    """What a run begins with."""

    method: Method
    optimizer: torch.optim.Optimizer
    average: WeightAverage
    lineage: Lineage


def _set_up(
    fabric: Fabric, recipe: Recipe, options: RunOptions, teacher: OpenedNetwork | None
) -> _Beginning:
    """Build method and optimiser, let them begin where they are to, hand them to Fabric."""
    initial, lineage = _first_weights(options)
    method = assemble(recipe, teacher, initial=initial)
    if not options.resume:
        start = open_start(recipe, options.stages)  # now: opening it draws random numbers too
        parents = [lineage]
        if start is not None:
            begin(method, recipe, start)
            parents.append(start.lineage)
        lineage = lineage_of(parents=parents, teacher=None if teacher is None else teacher.lineage)
    module = cast('nn.Module', method)
    optimizer = build_optimizer(module, recipe.train)
    wrapped, optimizer = fabric.setup(module, optimizer)
    wrapped.mark_forward_method('training_step')
    return _Beginning(
        method=cast('Method', wrapped),
        optimizer=optimizer,
        average=WeightAverage(method.student),  # on the device now
        lineage=lineage,
    )


def _first_weights(options: RunOptions) -> tuple[dict[str, torch.Tensor] | None, Lineage]:
    """Return initial weights that were asked for beside the recipe, and what they owe.

    A run that is resumed has begun before and owes what it did then.
    """
    if options.resume:
        return None, lineage_before(read_info(options.out / 'last'))
    if options.from_model is not None:
        bundle = open_bundle(options.from_model)
        return weights_of(bundle), lineage_of_bundle(bundle)
    return None if options.init is None else read_weights(options.init), Lineage()


def _training_sources(
    fabric: Fabric, recipe: Recipe, options: RunOptions, teacher: OpenedNetwork | None
) -> list[tuple[PictureSet, float]]:
    """Open what is trained on; the teacher labels what it is to label, once."""
    with fabric.rank_zero_first():  # one process renders, the others read
        opened = open_sources(recipe, recipe.data, options.rig)
    found: list[tuple[PictureSet, float]] = []
    for number, (pictures, source) in enumerate(zip(opened, recipe.data, strict=True)):
        if source.labels == 'teacher' and teacher is not None and recipe.teacher is not None:
            folder = options.out / f'pseudo_{number}'
            with fabric.rank_zero_first():  # one process writes, the others read
                taught = teach(pictures, teacher, recipe.teacher, folder)
            pictures = unlabelled(taught, masks=not source.masks, boxes=not source.boxes)  # noqa: PLW2901
        found.append((pictures, source.weight))
    return found


def _prepare_folder(recipe: Recipe, options: RunOptions) -> None:
    last = find_checkpoint(options.out / 'last')
    if options.resume:
        if last is None:
            message = f'nothing to resume from in {options.out}'
            raise DataError(message, hint='leave out --resume to start a new run')
        _check_same_recipe(recipe, last)
    elif last is not None:
        message = f'{options.out} holds a run already'
        raise ConfigError(message, hint='give --resume to continue it, or another --out')
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / 'recipe.yaml').write_text(dump_yaml(recipe), encoding='utf-8')
    except OSError as err:
        message = f'cannot write to {options.out}: {err}'
        raise DataError(message, hint='give a folder that can be written') from err


def _check_same_recipe(recipe: Recipe, last: Path) -> None:
    """Refuse to resume with a recipe that would not continue the same run."""
    saved = msgspec.json.decode((last / INFO_NAME).read_bytes())['recipe']
    # Through the struct: a key that is new since then has its default, which is what was done.
    before = msgspec.to_builtins(convert(saved, Recipe, f'the recipe in {last}'))
    now = msgspec.to_builtins(recipe)
    steps_before = before['train']['steps']
    for values in (before, now):
        for key in FREE_ON_RESUME:
            values['train'].pop(key, None)
    if recipe.train.steps != steps_before:
        text = 'resumed with %d steps instead of %d: the schedule is another from here on'
        LOG.warning(text, recipe.train.steps, steps_before)
    differing = sorted(key for key in now if now[key] != before[key])
    if differing:
        message = f'the recipe differs from the run that {last} is of: {", ".join(differing)}'
        raise ConfigError(message, hint='resume with the same recipe and --set values')


def finish_report(folder: Path) -> TrainReport:
    """Report a run that was finished before."""
    saved, info = load_state(folder / 'last'), read_info(folder / 'last')
    return TrainReport(
        steps=saved.step,
        best=saved.best,
        best_step=saved.best_step,
        metrics=info.metrics,
        checkpoint=folder / ('last' if saved.best is None else 'best'),
    )


def _report(run: Keeper) -> TrainReport:
    out, state = run.out, run.state
    ended: Ending = (
        'steps' if state.step == run.recipe.train.steps else run.stop.reason or 'signal'
    )
    return TrainReport(
        steps=state.step,
        best=state.best,
        best_step=state.best_step,
        metrics=state.metrics,
        checkpoint=out / ('last' if state.best is None else 'best'),
        ended=ended,
    )
