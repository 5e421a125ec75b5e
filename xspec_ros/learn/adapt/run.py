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

"""An adaptation from end to end: choose, measure, train, measure, decide, hand over."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
import logging
import time
from typing import TYPE_CHECKING

from xspec_ros.datasets import open_dataset
from xspec_ros.errors import ConfigError
from xspec_ros.learn.adapt.align import align, Alignment, count_work
from xspec_ros.learn.adapt.clock import Clock, Costs, export_seconds
from xspec_ros.learn.adapt.decide import decide, Evidence
from xspec_ros.learn.adapt.drives import DriveOptions
from xspec_ros.learn.adapt.gather import frames_folder, gather, Reading, TRAINING
from xspec_ros.learn.adapt.guard import Gauge
from xspec_ros.learn.adapt.handover import (
    frame_set,
    hand_over,
    precisions_of,
    Result,
)
from xspec_ros.learn.adapt.pictures import load_aside, load_some, open_guard, some_of
from xspec_ros.learn.adapt.recipe import (
    adapt_recipe,
    open_rgb_teacher,
    open_source_model,
    with_steps,
)
from xspec_ros.learn.adapt.settings import AdaptSettings
from xspec_ros.learn.adapt.work import RUN_NAME, work_folder
from xspec_ros.learn.train.checkpoint import load_checkpoint
from xspec_ros.learn.train.lineage import inherited, OF_TEACHER
from xspec_ros.learn.train.run import run_recipe, RunOptions
from xspec_ros.learn.train.timing import time_step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from xspec_ros.core.rig import Rig
    from xspec_ros.learn.adapt.clock import Plan
    from xspec_ros.learn.adapt.figures import Figures
    from xspec_ros.learn.adapt.gather import Found, Show
    from xspec_ros.learn.adapt.pictures import GuardChoice
    from xspec_ros.learn.adapt.recipe import Auxiliary, SourceModel
    from xspec_ros.learn.adapt.report import AdaptReport
    from xspec_ros.learn.data.picture import Picture, PictureSet
    from xspec_ros.learn.train.checkpoint import Checkpoint
    from xspec_ros.learn.train.networks import OpenedNetwork
    from xspec_ros.learn.train.recipe import Recipe

LOG = logging.getLogger(__name__)
ASIDE_TITLE = 'frames kept aside'


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptJob:
    """What is asked for.

    Attributes:
        drives: Bags and data set folders of one robot.
        model: The deployed model: a bundle folder or a shipped name.
        out: Folder of the new bundle; nothing lies there yet.
        minutes: Time for everything.
        guard: Labelled pictures, where there are some.
        teacher: RGB model to learn from by day: a bundle, a run folder or a checkpoint.
        rig: How the cameras stand, where known.
        work: Folder for what lies between, kept at the end; None: a passing one beside ``out``.
        options: Topics and pairing of bags.
        settings: Everything else.
    """

    drives: tuple[Path, ...]
    model: str
    out: Path
    minutes: float = 10.0
    guard: GuardChoice | None = None
    teacher: str | None = None
    rig: Rig | None = None
    work: Path | None = None
    options: DriveOptions = field(default_factory=DriveOptions)
    settings: AdaptSettings = field(default_factory=AdaptSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inputs:
    """What the job names, opened; the drives are read later."""

    model: SourceModel
    guard: PictureSet | None
    teacher: OpenedNetwork | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToVerify:
    """What the new bundle is to have, and what its engines are compared on."""

    precisions: tuple[str, ...]
    pictures: list[Picture]
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What training stands on."""

    found: Found
    alignment: Alignment
    pictures: list[Picture]  # kept aside
    gauge: Gauge
    recipe: Recipe
    before: Figures
    to_verify: _ToVerify
    deadline_s: float
    teacher: OpenedNetwork | None  # where it labels pairs of these drives


def adapt(job: AdaptJob, report: AdaptReport, show: Show) -> None:
    """Adapt a deployed model to drives of its own, and hand it over unless it is worse.

    Args:
        job: What is asked for.
        report: Filled on the way.
        show: Opens a progress bar.

    Raises:
        ConfigError: The job makes no sense.
        BundleError: The model cannot be used.
        DataError: A drive cannot be used, or the training broke down.
        EngineError: No engine runs the new model as it should.
        KeyboardInterrupt: The user has asked for the end; nothing is handed over.
    """
    clock = Clock(job.minutes)
    try:
        inputs = _open(job)
        report.source = inputs.model.bundle.manifest.name
        with work_folder(job.out, job.work) as work:
            _Adaptation(job, inputs, work, clock, report=report, show=show).run()
    finally:
        report.minutes = clock.spent_s / 60.0


def _open(job: AdaptJob) -> _Inputs:
    """Open everything that the job names but the drives, so that errors come early."""
    if job.out.exists():
        message = f'{job.out} exists'
        raise ConfigError(message, hint='give --out a new folder; the old model stays as it is')
    model = open_source_model(job.model)
    return _Inputs(
        model=model,
        guard=None if job.guard is None else open_guard(job.guard, model),
        teacher=None if job.teacher is None else open_rgb_teacher(job.teacher, model),
    )


class _Adaptation:
    """The steps of an adaptation, in order."""

    def __init__(
        self,
        job: AdaptJob,
        inputs: _Inputs,
        work: Path,
        clock: Clock,
        *,
        report: AdaptReport,
        show: Show,
    ) -> None:
        self._job, self._settings, self._work = job, job.settings, work
        self._model, self._guard, self._teacher = inputs.model, inputs.guard, inputs.teacher
        self._clock, self._report, self._show = clock, report, show

    def run(self) -> None:
        """Do everything; the report says what came of it."""
        found = self._gather()
        if not found.aside:
            self._report.reason = _too_few(found, self._settings)
            return
        ground = self._prepare(found)
        checkpoint = self._train(ground)
        after = self._measure_new(ground, checkpoint)
        if self._is_good(ground.before, after):
            self._hand_over(ground, checkpoint, after)

    def _gather(self) -> Found:
        """Read the drives and choose frames."""
        settings = self._settings
        reading = Reading(
            settings=settings,
            options=self._job.options,
            classes=self._model.bundle.manifest.classes,
            deadline_s=self._clock.at(settings.reading_share),
        )
        found = gather(self._job.drives, self._work, reading, self._show)
        self._report.found = found
        LOG.info('%d of %d frames chosen, %d kept aside', found.chosen, found.read, found.aside)
        self._warn(*found.problems)
        return found

    def _align(self, found: Found) -> Alignment:
        """Find out whether RGB may teach."""
        settings = self._settings
        if not found.pairs:
            alignment = Alignment(used=False, reason='no RGB pictures')
        elif found.training_pairs < settings.least_pairs * found.training:
            lone = found.training - found.training_pairs
            reason = f'{lone} of {found.training} frames have no RGB partner'
            alignment = Alignment(used=False, reason=reason)
        elif len(found.pair_sizes) > 1:
            reason = f'pairs of {len(found.pair_sizes)} sizes: give the drives of one rig'
            alignment = Alignment(used=False, reason=reason)
        else:
            frames = open_dataset(frames_folder(self._work), part=TRAINING)
            most = settings.register_pairs
            with self._show('registering', count_work(most)) as step:
                alignment = align(
                    frames,
                    rig=self._job.rig,
                    registered=found.registered,
                    most=most,
                    step=step,
                )
        self._report.alignment = alignment
        LOG.info('RGB: %s', alignment.reason)
        if not alignment.used and (found.pairs or self._job.rig or self._teacher):
            self._warn(f'RGB is not used: {alignment.reason}')
        return alignment

    def _prepare(self, found: Found) -> _Ground:
        """Register, measure the old model, and see how many steps the time is good for."""
        alignment = self._align(found)
        aside = load_aside(self._work, found, rgb=alignment.used, rig=alignment.rig)
        settings, model = self._settings, self._model
        gauge = Gauge(aside, model.contract, guard=self._guard, look_frames=settings.look_frames)
        auxiliary: Auxiliary = 'rgb' if alignment.used else 'gradient'
        teacher = self._ask_teacher(gauge)
        source = None if teacher is None else self._job.teacher
        gauge.remember(model.opened.network)
        boxes = gauge.source_boxes > 0
        LOG.info('boxes are %s', 'trained too' if boxes else 'not trained: the model finds none')
        recipe = adapt_recipe(model, self._work, auxiliary, settings, teacher=source, boxes=boxes)
        pictures = [each.picture for each in aside]
        to_verify = self._to_verify(pictures)
        plan = self._plan(gauge, recipe, found, alignment, to_verify)
        LOG.info('%d steps, with a look every %d', plan.steps, plan.eval_every)
        with self._show('measuring the old model', len(aside)) as step:
            before = self._report.before = gauge.measure(model.opened.network, step)
        LOG.info('the old model: %.4f', before.value() or 0.0)
        return _Ground(
            found=found,
            alignment=alignment,
            pictures=pictures,
            gauge=gauge,
            recipe=with_steps(recipe, plan.steps, plan.eval_every),
            before=before,
            to_verify=to_verify,
            deadline_s=plan.deadline_s,
            teacher=teacher,
        )

    def _to_verify(self, aside: Sequence[Picture]) -> _ToVerify:
        """Choose pictures to compare engines on; mAP50, which judges int8, wants more of them."""
        precisions = precisions_of(self._model, labelled=self._guard is not None)
        most = self._settings.verify_frames
        if self._guard is None:
            pictures = some_of(aside, most)
            return _ToVerify(precisions=precisions, pictures=pictures, origin=ASIDE_TITLE)
        most = most if len(precisions) == 1 else self._settings.verify_labelled
        pictures = some_of(self._guard, most)
        return _ToVerify(precisions=precisions, pictures=pictures, origin=self._guard.title)

    def _ask_teacher(self, gauge: Gauge) -> OpenedNetwork | None:
        """Return the teacher where it can teach and decide."""
        if self._teacher is None or gauge.ask_teacher(self._teacher):
            return self._teacher
        self._warn('the teacher is not asked: no registered pair by day was kept aside')
        return None

    def _plan(
        self,
        gauge: Gauge,
        recipe: Recipe,
        found: Found,
        alignment: Alignment,
        to_verify: _ToVerify,
    ) -> Plan:
        """See how many steps the time is good for; too little shows before it is spent."""
        answer_s = gauge.answer_s
        measured, looked = gauge.count_answers()
        costs = Costs(
            measure_s=measured * answer_s,
            look_s=looked * answer_s,
            export_s=export_seconds(len(to_verify.precisions), len(to_verify.pictures), answer_s),
            step_s=recipe.train.batch_size * answer_s,  # at least
        )
        self._clock.plan(costs, self._settings)
        began = time.monotonic()
        some = load_some(self._work, recipe, rig=alignment.rig, most=recipe.train.batch_size)
        each_s = (time.monotonic() - began) / len(some)
        step_s = time_step(recipe, some)
        costs = replace(costs, load_s=each_s * found.training, step_s=step_s)
        return self._clock.plan(costs, self._settings)

    def _train(self, ground: _Ground) -> Checkpoint:
        """Train until steps, time, the judge or the user end it."""
        trained = run_recipe(
            ground.recipe,
            RunOptions(
                out=self._work / RUN_NAME,
                rig=ground.alignment.rig,
                judge=ground.gauge.judge,
                deadline_s=ground.deadline_s,
            ),
        )
        report = self._report
        report.steps, report.best_step = trained.steps, trained.best_step
        report.ended = trained.ended
        if not trained.finished:
            raise KeyboardInterrupt
        return load_checkpoint(trained.checkpoint)

    def _measure_new(self, ground: _Ground, checkpoint: Checkpoint) -> Figures:
        """Measure the new model on the frames that the old one was measured on."""
        with self._show('measuring the new model', len(ground.pictures)) as step:
            after = self._report.after = ground.gauge.measure(checkpoint.network, step)
        LOG.info('the new model: %.4f', after.value() or 0.0)
        return after

    def _is_good(self, before: Figures, after: Figures) -> bool:
        """Decide."""
        decision = decide(Evidence(before=before, after=after), self._settings)
        self._report.reason = decision.reason
        return decision.accepted

    def _hand_over(self, ground: _Ground, checkpoint: Checkpoint, after: Figures) -> None:
        """Write the bundle."""
        data = list(ground.found.drives)
        if ground.teacher is not None:
            data += inherited(ground.teacher.lineage.data, OF_TEACHER)
        if self._guard is not None:
            data.append({**self._guard.facts, 'use': 'validation'})
        own = some_of(ground.pictures, self._settings.verify_frames)
        to_verify = ground.to_verify
        result = Result(
            model=self._model,
            recipe=ground.recipe,
            weights=checkpoint.state_dict,
            step=checkpoint.info.step,
            before=ground.before,
            after=after,
            data=data,
        )
        _, warnings = hand_over(
            result,
            self._job.out,
            self._work,
            frames=frame_set(to_verify.pictures, self._model, to_verify.origin),
            precisions=to_verify.precisions,
            calibration=frame_set(own, self._model, ASIDE_TITLE),
        )
        self._report.accepted, self._report.path = True, self._job.out
        self._warn(*warnings)

    def _warn(self, *lines: str) -> None:
        for line in lines:
            LOG.warning('%s', line)
        self._report.warnings += lines


def _too_few(found: Found, settings: AdaptSettings) -> str:
    """Say why the drives are not enough."""
    causes = ', '.join(f'{cause} {count}' for cause, count in found.rejected_by.items())
    return (
        f'{found.chosen} of {found.read} thermal frames can be learned from, '
        f'{settings.least_frames} are needed; left out: {causes or "none"}'
    )
