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

"""Live running: one thread receives, one owns the engine, the newest frame wins."""

from __future__ import annotations

import logging
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING

from xspec_ros.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspec_ros.core.frame import Modality
    from xspec_ros.messages.topics import Outgoing
    from xspec_ros.perception.intake import Payload, Work
    from xspec_ros.perception.perception import Perception
    from xspec_ros.perception.pipeline import Answer, Pipeline, Serving
    from xspec_ros.perception.settings import Settings

log = logging.getLogger(__name__)

MAX_FAILURES = 5  # engine failures in a row that end the run


class LiveRunner:
    """Runs a pipeline on live input; no user code ever runs under its lock.

    A frame is answered by the model that served when it was accepted; a new one is taken between
    two frames.

    Args:
        pipeline: The pipeline; this object becomes its only user.
        answered: Called on the inference thread with every answer.
        relabelled: Called on the inference thread with the latched messages of a new model,
            before its first answer.
        flush_on_close: Answer the frame that still waits when the stream ends.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        answered: Callable[[Answer], None],
        *,
        relabelled: Callable[[list[Outgoing]], None] = lambda _: None,
        flush_on_close: bool = True,
    ) -> None:
        self.pipeline = pipeline
        self.failure: EngineError | None = None
        self._answered = answered
        self._relabelled = relabelled
        self._flush_on_close = flush_on_close
        self._accepting = Lock()
        self._ready = Condition()
        self._next: tuple[Work, Serving] | None = None
        self._retired: list[Perception] = []
        self._current = pipeline.perception
        self._closing = False
        self._busy = False
        self._thread = Thread(target=self._serve, name='inference', daemon=True)
        self._thread.start()

    def submit(
        self,
        source: Modality,
        type_name: str,
        cdr: Payload,
        received_ns: int,
        arrived_ns: int = 0,
    ) -> None:
        """Take one message on the receiving thread; replaces a frame that still waits."""
        with self._accepting:
            works = self.pipeline.accept(
                source, type_name, cdr, received_ns=received_ns, arrived_ns=arrived_ns
            )
            self._offer(works)

    def advance(self, now_stamp_ns: int) -> None:
        """Tell the time on the axis of the stamps, so that waiting ends without new frames."""
        with self._accepting:
            self._offer(self.pipeline.advance(now_stamp_ns))

    def restart(self, now_stamp_ns: int) -> None:
        """Begin a new epoch: the clock went back to this stamp."""
        with self._accepting:
            self._offer(self.pipeline.restart(now_stamp_ns))

    def apply(self, settings: Settings) -> None:
        """Take changed run-time parameters from the next frame on.

        Raises:
            ConfigError: They do not fit together; the old ones stay in force.
        """
        with self._accepting:
            self._offer(self.pipeline.apply(settings))

    def swap(self, perception: Perception) -> None:
        """Answer what comes from now on with another model, which becomes this object's.

        The frame that waits or runs is still answered by the old one, which is closed then.
        """
        with self._accepting:
            retired = self.pipeline.adopt(perception)
        with self._ready:
            self._retired.append(retired.perception)
            self._ready.notify_all()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing waits for the engine and it is idle; False on timeout."""
        with self._ready:
            return self._ready.wait_for(
                lambda: self._next is None and not self._busy, timeout=timeout_s
            )

    def close(self, timeout_s: float = 10.0) -> None:
        """Answer what still waits, then end the inference thread."""
        if self._flush_on_close:
            for work in self.pipeline.flush():
                self.wait_idle(timeout_s)
                self._offer([work])
        with self._ready:
            self._closing = True
            self._ready.notify_all()
        self._thread.join(timeout_s)

    def _offer(self, works: list[Work]) -> None:
        if not works:
            return
        with self._ready:
            lost = works[:-1] if self._next is None else [self._next[0], *works[:-1]]
            self._next = works[-1], self.pipeline.serving
            self._ready.notify_all()
        for work in lost:
            self.pipeline.drop('overflow', work)

    def _take(self) -> tuple[tuple[Work, Serving] | None, list[Perception]]:
        """Wait for the next work; return it with the models that no work needs any more."""
        with self._ready:
            self._busy = False
            self._ready.notify_all()
            self._ready.wait_for(lambda: self._next or self._closing or self._retired)
            job, self._next = self._next, None
            self._busy = job is not None
            needed = job[1].perception if job is not None else None
            done = [perception for perception in self._retired if perception is not needed]
            self._retired = [perception for perception in self._retired if perception is needed]
            return job, done

    def _serve(self) -> None:
        failures = 0
        while failures < MAX_FAILURES:
            job, retired = self._take()
            serving = self.pipeline.serving if job is None else job[1]
            self._relabel(serving.perception)
            if job is not None:
                failures = 0 if self._run(*job, failures + 1) else failures + 1
            for perception in retired:
                perception.close()
            if job is None and not retired:
                return

    def _run(self, work: Work, serving: Serving, attempt: int) -> bool:
        """Answer one frame; False when the engine failed."""
        try:
            answer = self.pipeline.run(work, serving)
        except EngineError as error:
            log.error('inference failed (%d in a row): %s', attempt, error)
            if attempt >= MAX_FAILURES:
                self.failure = error
            return False
        self._answered(answer)
        return True

    def _relabel(self, perception: Perception) -> None:
        """Hand out the labels of a model that has just taken over."""
        if perception is not self._current:
            self._current = perception
            self._relabelled(self.pipeline.latched())
