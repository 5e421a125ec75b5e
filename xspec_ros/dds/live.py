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

from xspec_ros.dds.environment import silence_causes
from xspec_ros.dds.inputs import CameraInput
from xspec_ros.dds.outputs import Outputs
from xspec_ros.dds.participant import Bus
from xspec_ros.messages.diagnostics import encode_diagnostics
from xspec_ros.perception.buffers import receive_buffer_bytes
from xspec_ros.perception.follow import ModelFollower
from xspec_ros.perception.live import LiveRunner
from xspec_ros.perception.monitor import GraphView, Monitor, Publication
from xspec_ros.perception.pipeline import open_pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspec_ros.core.frame import Modality
    from xspec_ros.errors import EngineError
    from xspec_ros.perception.notices import Notice
    from xspec_ros.perception.pipeline import Answer, Pipeline
    from xspec_ros.perception.settings import InputSettings, Settings

log = logging.getLogger(__name__)

WAIT_S = 0.1
CHECK_EVERY_NS = 250_000_000
DIAGNOSE_EVERY_NS = 1_000_000_000
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

    A bundle that replaces the model's folder meanwhile is swapped in.

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
    follower = ModelFollower(settings.model)
    pipeline = open_pipeline(settings)
    try:
        pipeline.perception.warm_up(*WARM_UP_HW)
        with Bus(domain) as bus:
            session = _Session(bus, pipeline, follower, stop=stop or Event(), on_notice=on_notice)
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
        follower: ModelFollower,
        *,
        stop: Event,
        on_notice: Callable[[Notice], None] | None,
    ) -> None:
        self.bus = bus
        self.pipeline = pipeline
        self.follower = follower
        self.stop = stop
        self.notices: list[Notice] = []
        self.answered = 0
        self.failure: EngineError | None = None
        self.granted = receive_buffer_bytes()
        self.started_ns = perf_counter_ns()
        self._on_notice = on_notice
        self._frames: int | None = None
        self.monitor = Monitor(pipeline, started_ns=self.started_ns, granted=self.granted)
        self.outputs = Outputs(bus)
        settings = pipeline.settings
        cameras: tuple[tuple[Modality, InputSettings], ...] = (
            ('thermal', settings.thermal),
            ('rgb', settings.rgb),
        )
        self.inputs = [
            CameraInput(bus, name, chosen, started_ns=self.started_ns) for name, chosen in cameras
        ]

    def run(self, seconds: float | None, frames: int | None) -> None:
        """Receive until time, count, failure or the user ends it."""
        self._frames = frames
        self.outputs.publish(self.pipeline.latched())
        runner = LiveRunner(self.pipeline, self._answer, relabelled=self.outputs.publish)
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
                    self._check(now_ns, runner)
                if now_ns >= diagnose_ns:
                    diagnose_ns = now_ns + DIAGNOSE_EVERY_NS
                    self._diagnose(now_ns)
        finally:
            self.follower.close()
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
            'swaps_refused': self.follower.refused,
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
                self.monitor.heard(camera.name, len(cdr))
                runner.submit(camera.name, type_name, cdr, received_ns, time_ns())
            for cdr in camera.take_calibrations():
                self.pipeline.intake.calibrate(camera.name, cdr)

    def _answer(self, answer: Answer) -> None:
        """Publish one answer; runs on the inference thread."""
        self.outputs.answer(answer)
        self.answered += 1
        if self._frames is not None and self.answered >= self._frames:
            self.stop.set()
            self.bus.wake()

    def _check(self, now_ns: int, runner: LiveRunner) -> None:
        for notice in self.monitor.check(now_ns, self._look):
            self._tell(notice)
        for notice in self.follower.check(now_ns, runner):
            self.monitor.note(notice)
            self._tell(notice)

    def _look(self) -> GraphView:
        """Look who publishes, because a camera is silent; it may find its compressed topic."""
        publications = [
            Publication(entry.topic, entry.type_name)
            for entry in self.bus.publications()
            if not entry.own
        ]
        now_ns = perf_counter_ns()
        for camera in self.inputs:
            camera.discover(publications, now_ns)
        return GraphView(
            inputs={camera.name: camera.view() for camera in self.inputs},
            publications=publications,
            causes=silence_causes(self.bus.domain, os.environ),
        )

    def _diagnose(self, now_ns: int) -> None:
        stamp_ns = time_ns()
        statuses = self.monitor.statuses(now_ns)
        self.outputs.diagnose(encode_diagnostics(statuses, stamp_ns=stamp_ns), stamp_ns)

    def _tell(self, notice: Notice) -> None:
        self.notices.append(notice)
        if self._on_notice is not None:
            self._on_notice(notice)
