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

"""The node's own pipeline over a bag: lock-step, or in real time with the newest frame winning."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
import logging
from time import perf_counter_ns
from typing import TYPE_CHECKING

from xspec_ros.bag.judging import Judge
from xspec_ros.bag.pacing import Pacer
from xspec_ros.bag.pairing import Arrival, unpaired_arrivals
from xspec_ros.errors import DataError, EngineError, MessageError, XspecError
from xspec_ros.messages.cdr import peek_stamp_ns
from xspec_ros.messages.image import decode_image_message
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.report.data import FrameNote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.bag.records import Record
    from xspec_ros.bag.results import ResultsWriter
    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.intake import Work
    from xspec_ros.perception.pipeline import Answer, Pipeline
    from xspec_ros.report.data import Outcome

log = logging.getLogger(__name__)

MAX_FAILURES = 5  # engine failures in a row that end the replay


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What a replay achieved.

    Attributes:
        notes: What became of every reference frame, in order.
        metrics: ``{miou, map50, map, per_class}``, None where there was no truth.
        judged: Frames that had truth.
        error: What ended the replay early or spoilt a part of it.
        interrupted: True after Ctrl-C.
        problems: Other things worth a line.
    """

    notes: list[FrameNote] = field(default_factory=list)
    metrics: dict[str, object] = field(default_factory=dict)
    judged: int = 0
    error: XspecError | None = None
    interrupted: bool = False
    problems: list[str] = field(default_factory=list)


class Replay:
    """One replay of one bag.

    Args:
        bag: The opened bag.
        inputs: Its camera and truth topics.
        pipeline: The pipeline to drive.
        results: Where answers are written; None for nowhere.
        progress: Called after every camera message.
    """

    def __init__(
        self,
        bag: BagReader,
        inputs: Inputs,
        pipeline: Pipeline,
        *,
        results: ResultsWriter | None = None,
        progress: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = Replayed()
        self.bundle = pipeline.perception.bundle
        self.judge = Judge(self.bundle.manifest, score_threshold=pipeline.score_threshold)
        self._bag = bag
        self._inputs = inputs
        self._pipeline = pipeline
        self._results = results
        self._progress = progress
        self._reference: Modality = 'rgb' if pipeline.settings.mode == 'rgb' else 'thermal'
        self._first_ns: int | None = None
        self._log_ns: dict[int, int] = {}
        self._arrivals: list[Arrival] = []
        self._lost: Counter[tuple[Outcome, str]] = Counter()
        self._failures = 0

    def run(self, *, rate: float | None = None) -> Replayed:
        """Replay the bag.

        Args:
            rate: Speed against the recording, 1 as recorded; frames are dropped when the engine
                cannot follow. None: lock-step, nothing is dropped.

        Returns:
            What was achieved, also when the bag is torn, the disk full or Ctrl-C pressed.
        """
        state = self.state
        try:
            self.judge.read_truth(self._bag, self._inputs)
            records = self._warmed(self._bag.messages(list(self._inputs.cameras)))
            if rate is None:
                self._lock_step(records)
            else:
                self._real_time(records, rate)
        except KeyboardInterrupt:
            state.interrupted = True
            state.error = DataError('stopped by Ctrl-C', hint='the results so far are complete')
        except EngineError as error:
            state.error = error
        finally:
            if self._results is not None:
                self._results.close()
        if self._bag.tear is not None and state.error is None:
            state.error = DataError(
                self._bag.tear, hint='everything that can be read was processed'
            )
        if self._results is not None and self._results.error is not None:
            state.error = state.error or self._results.error
        state.metrics = self.judge.metrics()
        state.judged = self.judge.judged
        state.problems += self.judge.book.problems
        return state

    def unpaired(self) -> list[FrameNote]:
        """Return a note for every reference frame that found no partner."""
        if self._inputs.absent:
            return []
        alone = unpaired_arrivals(self._arrivals, self._pipeline.intake.sync.settings)
        return [
            FrameNote(
                time_s=self._time_s(arrival.log_ns),
                outcome='unpaired',
                cause=cause,
                stamp_ns=arrival.stamp_ns,
            )
            for arrival, cause in alone
        ]

    def _warmed(self, records: Iterable[Record]) -> Iterable[Record]:
        """Run every graph once at the size of the first picture, then yield the records."""
        cold = True
        for record in records:
            if cold and self._inputs.cameras[record.topic][0] == self._reference:
                cold = False
                self._warm_up(record)
            yield record

    def _warm_up(self, record: Record) -> None:
        if record.type_name != IMAGE_TYPE:
            return
        try:
            limit = self._pipeline.settings.max_image_bytes
            image = decode_image_message(record.cdr, max_bytes=limit)
        except MessageError:
            return
        if 0 < image.height * image.width <= self._pipeline.settings.max_pixels:
            size = 2 if '16' in image.encoding or '32' in image.encoding else 1
            self._pipeline.perception.warm_up(image.height, image.width, size)

    def _lock_step(self, records: Iterable[Record]) -> None:
        for record in records:
            for work in self._accept(record, perf_counter_ns()):
                self._answer(work)
            self._progress()
        for work in self._pipeline.flush():
            self._answer(work)

    def _answer(self, work: Work) -> None:
        try:
            answer = self._pipeline.run(work)
        except EngineError as error:
            self._failures += 1
            log.error('inference failed (%d in a row): %s', self._failures, error)
            if self._failures >= MAX_FAILURES:
                raise
            return
        self._failures = 0
        self._take(answer, perf_counter_ns())

    def _real_time(self, records: Iterable[Record], rate: float) -> None:
        with Pacer(self._pipeline, self._take, rate=rate) as pacer:
            for record in records:
                pacer.wait_until(record.log_ns)
                pacer.submit(record, self._expect(record))
                self._note_losses(record.log_ns)
                self._progress()

    def _accept(self, record: Record, received_ns: int) -> list[Work]:
        works = self._pipeline.accept(
            self._expect(record),
            record.type_name,
            record.cdr,
            received_ns=received_ns,
            arrived_ns=record.log_ns,
        )
        self._note_losses(record.log_ns)
        return works

    def _expect(self, record: Record) -> Modality:
        """Remember when a reference frame was logged; return the camera of the message."""
        if self._first_ns is None:
            self._first_ns = record.log_ns
        source, _ = self._inputs.cameras[record.topic]
        arrival = Arrival(source, peek_stamp_ns(record.cdr), record.log_ns)
        self._arrivals.append(arrival)
        if source == self._reference or self._pipeline.settings.mode == 'fused':
            self._log_ns.setdefault(arrival.stamp_ns, record.log_ns)
        return source

    def _note_losses(self, log_ns: int) -> None:
        """Note the frames that were rejected or dropped since the last look."""
        counts = self._pipeline.intake.counts
        losses: list[tuple[Outcome, Counter[str]]] = [
            ('rejected', counts.rejected[self._reference]),
            ('dropped', counts.dropped + self._pipeline.dropped),
        ]
        for outcome, lost in losses:
            for cause, count in list(lost.items()):
                for _ in range(count - self._lost[outcome, cause]):
                    note = FrameNote(time_s=self._time_s(log_ns), outcome=outcome, cause=cause)
                    self.state.notes.append(note)
                self._lost[outcome, cause] = count

    def _take(self, answer: Answer, finished_ns: int) -> None:
        """Judge, note and write one answer."""
        stamp_ns = answer.result.stamp_ns
        log_ns = self._log_ns.pop(stamp_ns, stamp_ns)
        note = self.judge.add(
            answer.result,
            self._time_s(log_ns),
            total_ms=(finished_ns - answer.work.received_ns) / 1e6,
            tone=answer.work.tone,
            reference=answer.work.reference,
        )
        self.state.notes.append(note)
        if self._results is not None:
            self._results.write(answer, log_ns)

    def _time_s(self, log_ns: int) -> float:
        return (log_ns - (self._first_ns or log_ns)) / 1e9
