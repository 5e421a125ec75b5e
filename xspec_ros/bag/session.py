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

"""One replay from bag to files: results.mcap, summary.json, report.html."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from xspec_ros.bag.gallery import make_gallery
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.outcome import (
    make_folder,
    ReplayOutcome,
    report_page,
    RESULTS,
    write_outcome,
)
from xspec_ros.bag.reader import BagReader, describe_topics
from xspec_ros.bag.replay import Replay
from xspec_ros.bag.results import opened_if_readable, ResultsWriter
from xspec_ros.errors import DataError
from xspec_ros.perception.pipeline import open_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.replay import Replayed
    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.pipeline import Pipeline
    from xspec_ros.perception.settings import InputSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayJob:
    """What to replay.

    Attributes:
        bag: The bag.
        settings: Run-time parameters of the pipeline.
        out: Folder for the results.
        rate: Speed against the recording; None for lock-step.
        overlay: Write a picture for people with every answer.
        report: Write ``report.html``.
    """

    bag: Path
    settings: Settings
    out: Path
    rate: float | None = None
    overlay: bool = True
    report: bool = True


def replay_bag(
    job: ReplayJob,
    progress: Callable[[str, int | None], AbstractContextManager[Callable[[], None]]],
) -> ReplayOutcome:
    """Replay a bag and write results, summary and report.

    Args:
        job: What to replay.
        progress: Given a text and a number of steps, returns a context that yields the function
            to call after every step.

    Returns:
        The outcome; whatever happened on the way, what was achieved is in it.

    Raises:
        XspecError: Nothing could be processed: bag, topics, model or folder.
    """
    with BagReader(job.bag) as bag:
        inputs = _inputs(bag, job.settings)
        pipeline = open_pipeline(job.settings)
        try:
            make_folder(job.out)
            results = ResultsWriter(job.out / RESULTS, pipeline, overlay=job.overlay)
            total = sum(topic.count for topic in bag.topics() if topic.name in inputs.cameras)
            with progress('replaying', total) as step:
                run = Replay(bag, inputs, pipeline, results=results, progress=step)
                state = run.run(rate=job.rate)
            outcome = _outcome(job, pipeline, inputs, state)
            page = partial(_page, job, bag, inputs, run, outcome)
            write_outcome(job.out, outcome, page if job.report else None)
        finally:
            pipeline.close()
    return outcome


def _inputs(bag: BagReader, settings: Settings) -> Inputs:
    needed: list[Modality] = ['rgb' if settings.mode == 'rgb' else 'thermal']
    if settings.mode == 'fused' and settings.on_missing == 'degrade':
        needed = []  # either camera will do
    wanted: dict[Modality, InputSettings] = {'rgb': settings.rgb, 'thermal': settings.thermal}
    inputs = choose_inputs(bag, wanted, needed=needed)
    if not any(topic.count for topic in bag.topics() if topic.name in inputs.cameras):
        message = f'no image in {bag.path}; it holds: {describe_topics(bag.topics())}'
        raise DataError(message, hint='record the camera topics')
    return inputs


def _outcome(job: ReplayJob, pipeline: Pipeline, inputs: Inputs, state: Replayed) -> ReplayOutcome:
    summary: dict[str, object] = dict(pipeline.summary())
    summary |= {
        'metrics': state.metrics,
        'judged': state.judged,
        'mode': job.settings.mode,
        'rate': job.rate,
        'bag': str(job.bag),
        'out': str(job.out),
    }
    outcome = ReplayOutcome(
        summary=summary,
        error=state.error,
        usable=pipeline.answered + pipeline.rgb_alone > 0,
        interrupted=state.interrupted,
        problems=_problems(pipeline, inputs, state),
    )
    if not outcome.usable and not state.interrupted:
        causes = {**_counts(summary, 'rejected_by'), **_counts(summary, 'dropped_by')}
        told = ', '.join(f'{cause}: {count}' for cause, count in causes.items()) or 'none arrived'
        earlier = f'; {state.error.message}' if state.error is not None else ''
        message = f'no usable frame in {job.bag} ({told}){earlier}'
        outcome.error = DataError(message, hint=f'xspec bag info {job.bag} shows what is in it')
    return outcome


def _problems(pipeline: Pipeline, inputs: Inputs, state: Replayed) -> list[str]:
    absent = [f'no {modality} images' for modality in inputs.absent]
    misfit = pipeline.intake.fusing.last_misfit
    return [*state.problems, *absent, *([misfit] if misfit else [])]


def _counts(summary: dict[str, object], key: str) -> dict[str, int]:
    value = summary.get(key)
    return dict(value) if isinstance(value, dict) else {}


def _page(
    job: ReplayJob, bag: BagReader, inputs: Inputs, run: Replay, outcome: ReplayOutcome
) -> str:
    notes = run.state.notes
    with opened_if_readable(job.out / RESULTS) as results:
        pictures = make_gallery(
            bag, inputs, results, notes, judge=run.judge, mode=job.settings.mode
        )
    return report_page(
        job.bag.name, run.bundle, outcome, notes=(*notes, *run.unpaired()), pictures=pictures
    )
