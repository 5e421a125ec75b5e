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

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from xspec_ros.bag.gallery import make_gallery
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.reader import BagReader, describe_topics
from xspec_ros.bag.replay import Replay
from xspec_ros.bag.results import ResultsWriter
from xspec_ros.bundle.store import bundle_hash
from xspec_ros.errors import DataError, XspecError
from xspec_ros.perception.pipeline import open_pipeline
from xspec_ros.report.data import ReplayReport
from xspec_ros.report.html import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.replay import Replayed
    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.pipeline import Pipeline
    from xspec_ros.perception.settings import InputSettings, Settings

RESULTS = 'results.mcap'
SUMMARY = 'summary.json'
REPORT = 'report.html'


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


@dataclass(slots=True, kw_only=True)
class ReplayOutcome:
    """What came of it.

    Attributes:
        summary: JSON-ready figures, as in ``summary.json``.
        error: What went wrong, next to what was achieved.
        usable: True when at least one frame was answered.
        interrupted: True after Ctrl-C.
        problems: Things worth a line.
    """

    summary: dict[str, object]
    error: XspecError | None = None
    usable: bool = False
    interrupted: bool = False
    problems: list[str] = field(default_factory=list)


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
    reference: Modality = 'rgb' if job.settings.mode == 'rgb' else 'thermal'
    with BagReader(job.bag) as bag:
        inputs = _inputs(bag, job.settings, reference)
        pipeline = open_pipeline(job.settings)
        try:
            _make_folder(job.out)
            results = ResultsWriter(job.out / RESULTS, pipeline, overlay=job.overlay)
            total = sum(topic.count for topic in bag.topics() if topic.name in inputs.cameras)
            with progress('replaying', total) as step:
                run = Replay(bag, inputs, pipeline, results=results, progress=step)
                state = run.run(rate=job.rate)
            outcome = _outcome(job, pipeline, inputs, state)
            _write_files(job, bag, inputs, pipeline, run, outcome)
        finally:
            pipeline.close()
    return outcome


def _inputs(bag: BagReader, settings: Settings, reference: Modality) -> Inputs:
    wanted: dict[Modality, InputSettings] = {'rgb': settings.rgb, 'thermal': settings.thermal}
    inputs = choose_inputs(bag, wanted, needed=[reference])
    if not any(topic.count for topic in bag.topics() if topic.name in inputs.cameras):
        message = f'no image in {bag.path}; it holds: {describe_topics(bag.topics())}'
        raise DataError(message, hint='record the camera topics')
    return inputs


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f'{out} cannot be made: {error.strerror}'
        raise DataError(message, hint='choose another --out') from error


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
        usable=pipeline.answered > 0,
        interrupted=state.interrupted,
        problems=[*state.problems, *(f'no {modality} images' for modality in inputs.absent)],
    )
    if not outcome.usable and not state.interrupted:
        causes = {**_counts(summary, 'rejected_by'), **_counts(summary, 'dropped_by')}
        told = ', '.join(f'{cause}: {count}' for cause, count in causes.items()) or 'none arrived'
        earlier = f'; {state.error.message}' if state.error is not None else ''
        message = f'no usable frame in {job.bag} ({told}){earlier}'
        outcome.error = DataError(message, hint=f'xspec bag info {job.bag} shows what is in it')
    return outcome


def _counts(summary: dict[str, object], key: str) -> dict[str, int]:
    value = summary.get(key)
    return dict(value) if isinstance(value, dict) else {}


def _write_files(
    job: ReplayJob,
    bag: BagReader,
    inputs: Inputs,
    pipeline: Pipeline,
    run: Replay,
    outcome: ReplayOutcome,
) -> None:
    """Write summary and report; a disk that refuses them takes nothing from the outcome."""
    outcome.summary['problems'] = outcome.problems
    try:
        if job.report and outcome.usable:
            page = render(_report(job, bag, inputs, pipeline, run, outcome))
            _write_whole(job.out / REPORT, page.encode())
        files = [name for name in (RESULTS, SUMMARY, REPORT) if (job.out / name).exists()]
        outcome.summary['files'] = sorted({*files, SUMMARY})
        content = msgspec.json.format(msgspec.json.encode(outcome.summary), indent=2)
        _write_whole(job.out / SUMMARY, content)
    except OSError as error:
        message = f'{job.out} cannot be written: {error.strerror}'
        hint = 'free some space; what was written before is readable'
        outcome.error = outcome.error or DataError(message, hint=hint)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is either whole or not there; a full disk keeps no half of it."""
    draft = path.with_name(f'{path.name}.part')
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _report(
    job: ReplayJob,
    bag: BagReader,
    inputs: Inputs,
    pipeline: Pipeline,
    run: Replay,
    outcome: ReplayOutcome,
) -> ReplayReport:
    bundle = pipeline.perception.bundle
    reference: Modality = 'rgb' if job.settings.mode == 'rgb' else 'thermal'
    with _opened(job.out / RESULTS) as results:
        pictures = make_gallery(
            bag,
            inputs,
            results,
            run.state.notes,
            book=run.book,
            manifest=bundle.manifest,
            reference=reference,
        )
    problems = list(outcome.problems)
    if outcome.error is not None:
        problems.insert(0, str(outcome.error))
    return ReplayReport(
        title=job.bag.name,
        manifest=bundle.manifest,
        model_hash=bundle_hash(bundle),
        summary=outcome.summary,
        notes=(*run.state.notes, *run.unpaired()),
        pictures=pictures,
        problems=tuple(problems),
    )


@contextmanager
def _opened(path: Path) -> Iterator[BagReader | None]:
    """Open the results for reading; None where they cannot be read."""
    try:
        reader = BagReader(path)
    except DataError:
        yield None
        return
    with reader:
        yield reader
