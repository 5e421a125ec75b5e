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
from threading import Condition, Thread
from typing import TYPE_CHECKING

from xspec_ros.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.intake import Payload, Work
    from xspec_ros.perception.pipeline import Answer, Pipeline

log = logging.getLogger(__name__)

MAX_FAILURES = 5  # engine failures in a row that end the run


class LiveRunner:
    """Runs a pipeline on live input; no user code ever runs under its lock.

    Args:
        pipeline: The pipeline; this object becomes its only user.
        answered: Called on the inference thread with every answer.
        flush_on_close: Answer the frame that still waits when the stream ends.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        answered: Callable[[Answer], None],
        *,
        flush_on_close: bool = True,
    ) -> None:
        self.pipeline = pipeline
        self.failure: EngineError | None = None
        self._answered = answered
        self._flush_on_close = flush_on_close
        self._ready = Condition()
        self._next: Work | None = None
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
        works = self.pipeline.accept(
            source, type_name, cdr, received_ns=received_ns, arrived_ns=arrived_ns
        )
        self._offer(works)

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
            lost = len(works) - 1 + (self._next is not None)
            self._next = works[-1]
            self._ready.notify_all()
        for _ in range(lost):
            self.pipeline.drop('overflow')

    def _take(self) -> Work | None:
        """Wait for the next work; None when the runner closes."""
        with self._ready:
            self._busy = False
            self._ready.notify_all()
            self._ready.wait_for(lambda: self._next is not None or self._closing)
            work, self._next = self._next, None
            self._busy = work is not None
            return work

    def _serve(self) -> None:
        failures = 0
        while (work := self._take()) is not None:
            try:
                answer = self.pipeline.run(work)
            except EngineError as error:
                failures += 1
                log.error('inference failed (%d in a row): %s', failures, error)
                if failures >= MAX_FAILURES:
                    self.failure = error
                    return
                continue
            failures = 0
            self._answered(answer)
