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

"""Real-time replay: messages come when they came, answers are taken off the inference thread."""

from __future__ import annotations

from queue import Queue
from threading import Thread
from time import perf_counter_ns, sleep
from typing import TYPE_CHECKING

from xspec_ros.errors import ConfigError, XspecError
from xspec_ros.perception.live import LiveRunner

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from xspec_ros.bag.records import Record
    from xspec_ros.core.frame import Modality
    from xspec_ros.perception.pipeline import Answer, Pipeline

MAX_RATE = 1000.0
WAITING_ANSWERS = 16


class Pacer:
    """Feeds a live runner at the pace of a recording.

    Writing results is slow against inference, so it has a thread of its own; when it falls
    behind by many answers, inference waits and frames are dropped and counted, as on a robot.

    Args:
        pipeline: The pipeline; the runner owns it while the block runs.
        take: Called with every answer and the monotonic time at which it was ready.
        rate: Speed against the recording.
    """

    def __init__(
        self, pipeline: Pipeline, take: Callable[[Answer, int], None], *, rate: float
    ) -> None:
        if not 0.001 <= rate <= MAX_RATE:
            message = f'rate {rate:g}'
            raise ConfigError(message, hint=f'give 0.001 to {MAX_RATE:g}; 1 is as recorded')
        self._rate = rate
        self._take = take
        self._origin: tuple[int, int] | None = None
        self._answers: Queue[tuple[Answer, int] | None] = Queue(WAITING_ANSWERS)
        self._failure: BaseException | None = None
        self._recorder = Thread(target=self._record, name='recorder', daemon=True)
        self._recorder.start()
        self._runner = LiveRunner(
            pipeline, lambda answer: self._answers.put((answer, perf_counter_ns()))
        )

    def wait_until(self, log_ns: int) -> None:
        """Sleep until a message is due; the first is due at once."""
        now_ns = perf_counter_ns()
        if self._origin is None:
            self._origin = (log_ns, now_ns)
        log_start, start = self._origin
        due_ns = start + round((log_ns - log_start) / self._rate)
        if due_ns > now_ns:
            sleep((due_ns - now_ns) / 1e9)

    def submit(self, record: Record, source: Modality) -> None:
        """Hand one message to the runner.

        Raises:
            EngineError: The engine has failed for good.
        """
        if self._runner.failure is not None:
            raise self._runner.failure
        self._runner.submit(
            source, record.type_name, record.cdr, perf_counter_ns(), arrived_ns=record.log_ns
        )

    def __enter__(self) -> Pacer:
        """Return the pacer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Answer what still waits, write it, and raise what went wrong on the way."""
        self._runner.wait_idle(10.0)
        self._runner.close()
        self._answers.put(None)
        self._recorder.join()
        if error is None and self._failure is not None:
            raise self._failure

    def _record(self) -> None:
        while (entry := self._answers.get()) is not None:
            if self._failure is not None:
                continue
            try:
                self._take(*entry)
            except (XspecError, OSError, ValueError) as error:
                self._failure = error
