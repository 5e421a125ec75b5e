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

"""Perception on a live bus: cameras in, results out, and plain words when something is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
import logging
import os
from threading import Event
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING

from xspec_ros.dds.environment import buffer_advice, receive_buffer_bytes
from xspec_ros.dds.inputs import CameraInput
from xspec_ros.dds.outputs import Outputs
from xspec_ros.dds.participant import Bus
from xspec_ros.dds.silence import explain_silence
from xspec_ros.dds.watch import Notice
from xspec_ros.messages.diagnostics import encode_diagnostics
from xspec_ros.perception.live import LiveRunner
from xspec_ros.perception.pipeline import open_pipeline
from xspec_ros.perception.status import pipeline_statuses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xspec_ros.core.frame import Modality
    from xspec_ros.dds.participant import Endpoint
    from xspec_ros.errors import EngineError
    from xspec_ros.perception.pipeline import Answer, Pipeline
    from xspec_ros.perception.settings import InputSettings, Settings

log = logging.getLogger(__name__)

WAIT_S = 0.1
CHECK_EVERY_NS = 250_000_000
DIAGNOSE_EVERY_NS = 1_000_000_000
SILENCE_AFTER_NS = 2_000_000_000
SILENCE_AGAIN_NS = 10_000_000_000
WARM_UP_HW = (480, 640)
FINISH_S = 0.5


@dataclass(slots=True, kw_only=True)
class LiveReport:
    """What a live run did.

    Attributes:
        summary: Counts and latencies with the keys of ``xspec replay``.
        notices: What the user was told, in order.
        failure: The engine failure that ended the run, if one did.
    """

    summary: dict[str, object]
    notices: list[Notice] = field(default_factory=list)
    failure: EngineError | None = None


def live(
    settings: Settings,
    *,
    domain: int | None = None,
    seconds: float | None = None,
    frames: int | None = None,
    stop: Event | None = None,
    on_notice: Callable[[Notice], None] | None = None,
) -> LiveReport:
    """Run perception on a live bus until time, count or ``stop`` ends it.

    Args:
        settings: Run-time parameters.
        domain: DDS domain; None to follow ``ROS_DOMAIN_ID``.
        seconds: Longest time to run, counted from when the model is open.
        frames: Answered frames to end after.
        stop: Ends the run when set.
        on_notice: Told what the user should know, as it happens.

    Returns:
        What was done.

    Raises:
        BundleError: The model cannot be opened.
        EngineError: Its engine cannot be opened.
        ConfigError: The bus cannot be joined.
    """
    pipeline = open_pipeline(settings)
    try:
        pipeline.perception.warm_up(*WARM_UP_HW)
        with Bus(domain) as bus:
            session = _Session(bus, pipeline, stop or Event(), on_notice)
            session.run(seconds, frames)
            return session.report()
    finally:
        pipeline.close()


class _Session:
    """One run: the receiving loop, what it publishes and what it notices."""

    def __init__(
        self,
        bus: Bus,
        pipeline: Pipeline,
        stop: Event,
        on_notice: Callable[[Notice], None] | None,
    ) -> None:
        self.bus = bus
        self.pipeline = pipeline
        self.stop = stop
        self.notices: list[Notice] = []
        self.answered = 0
        self.failure: EngineError | None = None
        self.granted = receive_buffer_bytes()
        self.started_ns = perf_counter_ns()
        self._on_notice = on_notice
        self._frames: int | None = None
        self._silence: dict[str, tuple[str, int]] = {}
        self._judged: set[str] = set()
        settings = pipeline.settings
        manifest = pipeline.perception.bundle.manifest
        self.outputs = Outputs(
            bus, manifest.detection_classes, manifest.classes, pipeline.score_threshold
        )
        cameras: tuple[tuple[Modality, InputSettings], ...] = (
            ('thermal', settings.thermal),
            ('rgb', settings.rgb),
        )
        self.inputs = [
            CameraInput(
                bus,
                name,
                chosen,
                intake=pipeline.intake,
                started_ns=self.started_ns,
            )
            for name, chosen in cameras
        ]

    def run(self, seconds: float | None, frames: int | None) -> None:
        """Receive until time, count, failure or the user ends it."""
        self._frames = frames
        self.outputs.publish(self.pipeline.latched())
        runner = LiveRunner(self.pipeline, self._answer)
        end_ns = None if seconds is None else self.started_ns + int(seconds * 1e9)
        check_ns = diagnose_ns = self.started_ns
        try:
            while not self.stop.is_set() and runner.failure is None:
                now_ns = perf_counter_ns()
                if end_ns is not None and now_ns >= end_ns:
                    break
                left_s = WAIT_S if end_ns is None else min(WAIT_S, (end_ns - now_ns) / 1e9)
                self.bus.wait(left_s)
                self._receive(runner)
                now_ns = perf_counter_ns()
                if now_ns >= check_ns:
                    check_ns = now_ns + CHECK_EVERY_NS
                    self._check(now_ns)
                if now_ns >= diagnose_ns:
                    diagnose_ns = now_ns + DIAGNOSE_EVERY_NS
                    self._diagnose(now_ns)
        finally:
            runner.close()
        self.failure = runner.failure
        self._diagnose(perf_counter_ns())
        self.outputs.finish(FINISH_S)

    def report(self) -> LiveReport:
        """Return what was done."""
        summary = self.pipeline.summary()
        summary |= {
            'metrics': None,
            'seconds': round((perf_counter_ns() - self.started_ns) / 1e9, 3),
            'domain': self.bus.domain,
            'missed': {name: rate.missed for name, rate in self.pipeline.intake.rates.items()},
            'late_writes': self.outputs.late,
            'receive_buffer_bytes': self.granted,
            'notices': [notice.text for notice in self.notices],
        }
        return LiveReport(summary=summary, notices=self.notices, failure=self.failure)

    def _receive(self, runner: LiveRunner) -> None:
        for camera in self.inputs:
            received_ns = perf_counter_ns()
            for type_name, cdr in camera.take():
                runner.submit(camera.name, type_name, cdr, received_ns, time_ns())

    def _answer(self, answer: Answer) -> None:
        """Publish one answer; runs on the inference thread."""
        self.outputs.answer(answer)
        self.answered += 1
        if self._frames is not None and self.answered >= self._frames:
            self.stop.set()
            self.bus.wake()

    def _check(self, now_ns: int) -> None:
        publications = None
        for camera in self.inputs:
            watch = camera.watch
            for notice in watch.check(now_ns, self.granted):
                self._tell(notice)
            if watch.received:
                self._judge_buffer(camera)
                continue
            publications = self.bus.publications() if publications is None else publications
            camera.discover(publications, now_ns)
            self._check_silence(camera, publications, now_ns)

    def _check_silence(
        self, camera: CameraInput, publications: Sequence[Endpoint], now_ns: int
    ) -> None:
        """Tell why nothing comes, once the same cause has stood for a while."""
        notice = explain_silence(
            camera.name,
            camera.readers,
            publications,
            domain=self.bus.domain,
            environ=os.environ,
            granted=self.granted,
        )
        kind, due_ns = self._silence.get(camera.name, ('', 0))
        if notice.kind != kind:
            due_ns = now_ns + SILENCE_AFTER_NS
        elif now_ns >= due_ns:
            due_ns = now_ns + SILENCE_AGAIN_NS
            self._tell(notice)
        self._silence[camera.name] = (notice.kind, due_ns)

    def _judge_buffer(self, camera: CameraInput) -> None:
        """Compare the receive buffer with the images as soon as their size is known."""
        if camera.name not in self._judged:
            self._judged.add(camera.name)
            if advice := buffer_advice(camera.watch.largest, self.granted):
                text = f'{camera.name}: {advice}'
                self._tell(Notice(level='warning', kind='buffer', text=text))

    def _diagnose(self, now_ns: int) -> None:
        stamp_ns = time_ns()
        statuses = pipeline_statuses(self.pipeline, now_ns)
        self.outputs.diagnose(encode_diagnostics(statuses, stamp_ns=stamp_ns), stamp_ns)

    def _tell(self, notice: Notice) -> None:
        self.notices.append(notice)
        if self._on_notice is not None:
            self._on_notice(notice)
