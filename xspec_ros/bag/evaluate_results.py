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

"""The answers of a live node, held against the bag they were given for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.bag.gallery import make_gallery
from xspec_ros.bag.heard import GAVE_UP, Heard, read_frames
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.judging import Judge
from xspec_ros.bag.outcome import (
    make_folder,
    ReplayOutcome,
    report_page,
    RESULTS,
    write_outcome,
)
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.results import read_results
from xspec_ros.bundle.store import bundle_hash, open_bundle
from xspec_ros.core.health import LatencyRecorder
from xspec_ros.errors import DataError
from xspec_ros.messages.labels import decode_label_info
from xspec_ros.messages.topics import LABEL_INFO
from xspec_ros.perception.settings import RgbInput, ThermalInput
from xspec_ros.report.data import FrameNote

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xspec_ros.bag.heard import BagFrames
    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.result import Mode
    from xspec_ros.perception.settings import InputSettings

TOTAL = 'total'
CUT_OFF = 0.05  # scores that end so little above the threshold were cut off there


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationJob:
    """What to evaluate.

    Attributes:
        bag: The bag that was played.
        out: Folder that holds ``results.mcap`` and gets summary and report.
        model: Bundle folder or shipped name of the model that answered.
        mode: The mode it ran in.
        rgb: Topic of the RGB images in the bag.
        thermal: Topic of the thermal images in the bag.
        score_threshold: Boxes below it are in AP and nowhere else; None for the model's own.
        rate: Speed at which the bag was played.
        report: Write ``report.html``.
    """

    bag: Path
    out: Path
    model: str = 'default'
    mode: Mode = 'thermal'
    rgb: str = RgbInput().topic
    thermal: str = ThermalInput().topic
    score_threshold: float | None = None
    rate: float = 1.0
    report: bool = True

    @property
    def reference(self) -> Modality:
        """The camera whose frames are answered."""
        return 'rgb' if self.mode == 'rgb' else 'thermal'


def find_inputs(job: EvaluationJob, bag: BagReader) -> Inputs:
    """Find the cameras and the truth in the bag of a job.

    Raises:
        DataError: The reference camera is not there.
    """
    wanted: Mapping[Modality, InputSettings] = {
        'rgb': RgbInput(topic=job.rgb),
        'thermal': ThermalInput(topic=job.thermal),
    }
    return choose_inputs(bag, wanted, needed=[job.reference])


def prepare(job: EvaluationJob) -> tuple[Inputs, BagFrames]:
    """Find out whether a job can be done, before anything is played.

    Returns:
        The topics of the bag, and the frames that are going to be answered.

    Raises:
        XspecError: Bag, topic, model or folder is not there.
    """
    open_bundle(job.model)
    with BagReader(job.bag) as bag:
        inputs = find_inputs(job, bag)
        frames = read_frames(bag, inputs, job.reference)
    if not frames.messages:
        message = f'no {job.reference} image in {job.bag}'
        raise DataError(message, hint=f'xspec bag info {job.bag} shows what is in it')
    make_folder(job.out)
    return inputs, frames


def evaluate_results(job: EvaluationJob, heard: Heard | None = None) -> ReplayOutcome:
    """Judge the answers in ``results.mcap`` by the truth in the bag; write summary and report.

    Args:
        job: What to evaluate.
        heard: What was heard besides the answers.

    Returns:
        The outcome; whatever happened on the way, what was achieved is in it.

    Raises:
        XspecError: Nothing can be evaluated: bag, results, topics or model.
    """
    bundle = open_bundle(job.model)
    with BagReader(job.bag) as bag, BagReader(job.out / RESULTS) as results:
        evaluation = _Evaluation(job, bundle, bag, results, heard or Heard())
        evaluation.judge_all()
        outcome = evaluation.outcome()
        page = partial(evaluation.page, outcome)
        write_outcome(job.out, outcome, page if job.report else None)
    return outcome


class _Evaluation:
    """One evaluation: bag, answers and model are open."""

    def __init__(
        self, job: EvaluationJob, bundle: Bundle, bag: BagReader, results: BagReader, heard: Heard
    ) -> None:
        self.job = job
        self.bundle = bundle
        self.bag = bag
        self.results = results
        self.heard = heard
        self.inputs = find_inputs(job, bag)
        self.frames = read_frames(bag, self.inputs, job.reference)
        self.judge = Judge(bundle.manifest, score_threshold=job.score_threshold)
        self.notes: list[FrameNote] = []
        self.foreign = 0
        self.lowest_score = 1.0

    def judge_all(self) -> None:
        """Judge every answer and note the frames that have none.

        Raises:
            DataError: The answers are those of a model with other classes.
        """
        self._check_classes()
        self.judge.read_truth(self.bag, self.inputs)
        start_ns = min(self.frames.log_ns.values(), default=0)
        left = dict(self.frames.log_ns)
        for result in read_results(self.results, self.bundle.manifest, self.job.mode):
            log_ns = left.pop(result.stamp_ns, None)
            if log_ns is None:
                self.foreign += 1
                continue
            lowest = result.detections.scores.min(initial=np.float32(1.0))
            self.lowest_score = min(self.lowest_score, float(lowest))
            total_ms = self.heard.latency_ms.get(result.stamp_ns, 0.0)
            time_s = (log_ns - start_ns) / 1e9
            reference: Modality = 'rgb' if result.mode == 'rgb' else 'thermal'
            note = self.judge.add(result, time_s, total_ms=total_ms, reference=reference)
            self.notes.append(note)
        self.notes += [
            FrameNote(time_s=(log_ns - start_ns) / 1e9, outcome='dropped', cause='no answer')
            for log_ns in left.values()
        ]

    def outcome(self) -> ReplayOutcome:
        """Return the figures, and what is wrong with them."""
        job, heard, notes = self.job, self.heard, self.notes
        answered = sum(note.outcome == 'answered' for note in notes)
        lost = {key: _number(heard.counts.get(key)) for key in GAVE_UP}
        missing = max(self.frames.messages - answered - sum(lost.values()), 0)
        summary: dict[str, object] = {
            **heard.counts,
            **lost,
            'received': _number(heard.counts.get(job.reference)),
            **self._messages(),
            'answered': answered,
            'missing': missing,
            'foreign': self.foreign,
            'detections': sum(note.detections for note in notes),
            'fps': round(answered / heard.seconds, 2) if heard.seconds else 0.0,
            'model': self.bundle.manifest.name,
            **heard.engine,
            'latency_ms': self._latency(),
            'metrics': self.judge.metrics(),
            'judged': self.judge.judged,
            'mode': job.mode,
            'rate': job.rate,
            'bag': str(job.bag),
            'out': str(job.out),
        }
        outcome = ReplayOutcome(
            summary=summary, usable=answered > 0, problems=self._problems(answered)
        )
        outcome.error = self._error(answered, missing)
        return outcome

    def page(self, outcome: ReplayOutcome) -> str:
        """Return the report."""
        pictures = make_gallery(
            self.bag,
            self.inputs,
            self.results,
            self.notes,
            judge=self.judge,
            mode=self.job.mode,
        )
        return report_page(
            self.job.bag.name, self.bundle, outcome, notes=self.notes, pictures=pictures
        )

    def _messages(self) -> dict[str, int]:
        """Return the messages of both cameras in the bag."""
        counts: dict[str, int] = {'rgb': 0, 'thermal': 0}
        for topic in self.bag.topics():
            if topic.name in self.inputs.cameras:
                counts[self.inputs.cameras[topic.name][0]] += topic.count
        return counts | {self.job.reference: self.frames.messages}

    def _latency(self) -> dict[str, object]:
        recorder = LatencyRecorder([TOTAL])
        for latency_ms in self.heard.latency_ms.values():
            recorder.record(TOTAL, latency_ms)
        return dict(recorder.summary())

    def _check_classes(self) -> None:
        own = [label.name for label in self.bundle.manifest.classes]
        for record in self.results.messages([LABEL_INFO]):
            told = list(decode_label_info(record.cdr).names.values())
            if told != own:
                message = f'the node answers with the classes {", ".join(told)}'
                hint = f'model {self.job.model} has {", ".join(own)}: name the model it runs'
                raise DataError(message, hint=hint)

    def _problems(self, answered: int) -> list[str]:
        problems = [*self.judge.book.problems]
        problems += [f'no {modality} images' for modality in self.inputs.absent]
        if self.results.tear is not None:
            problems.append(f'answers: {self.results.tear}')
        told = self.heard.engine.get('hash', '')
        if told and told != bundle_hash(self.bundle):
            problems.append(f'the node runs another model than {self.job.model}: {told[:16]}')
        if self.foreign:
            problems.append(f'{self.foreign} answers to frames that are not in the bag, or again')
        above = self.lowest_score - self.judge.score_threshold
        if 0.0 <= above < CUT_OFF:
            problems.append(
                f'no box below {self.lowest_score:.2f} was heard, AP misses the weak ones: run '
                'the node with score_threshold 0.01'
            )
        if answered and not self.heard.counts:
            problems.append('no diagnostics of the node were heard: its losses are not known')
        return problems

    def _error(self, answered: int, missing: int) -> DataError | None:
        if self.bag.tear is not None:
            return DataError(self.bag.tear, hint='everything that can be read was evaluated')
        if not answered:
            message = f'no answer to any of the {self.frames.messages} frames of {self.job.bag}'
            return DataError(message, hint='the log of perception says why')
        if missing:
            total = self.frames.messages
            message = f'{missing} of {total} frames were neither answered nor counted as lost'
            hint = 'the player or the network lost them, or it was stopped early: play slower'
            return DataError(message, hint=hint)
        return None


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
