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

"""What ends a run early, always between two steps: Ctrl-C, a deadline, a falling figure."""

from __future__ import annotations

import signal
import threading
import time
from typing import Literal, TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from types import FrameType, TracebackType

Reason: TypeAlias = Literal['signal', 'time', 'falling']
Ending: TypeAlias = Literal['steps', 'signal', 'time', 'falling']
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """While entered, SIGINT and SIGTERM only ask for the end; a second one interrupts.

    A step is never torn: weights, averages and the step number stay those of one moment. Works
    for runs started in the background too, where SIGINT is ignored by inheritance.

    Args:
        deadline_s: Monotonic time from which on the end is asked for too; None: never.
    """

    def __init__(self, *, deadline_s: float | None = None) -> None:
        self.reason: Reason | None = None
        self._deadline_s = deadline_s
        self._before: dict[signal.Signals, object] = {}

    @property
    def asked(self) -> bool:
        """Whether the run is to end."""
        late = self._deadline_s is not None and time.monotonic() >= self._deadline_s
        if self.reason is None and late:
            self.reason = 'time'
        return self.reason is not None

    def ask(self, reason: Reason) -> None:
        """Ask for the end."""
        self.reason = reason

    def __enter__(self) -> StopRequest:
        """Take the signals over; outside the main thread nothing can be taken over."""
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._hear) for number in SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned

    def _hear(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if self.reason == 'signal':
            raise KeyboardInterrupt
        self.reason = 'signal'
