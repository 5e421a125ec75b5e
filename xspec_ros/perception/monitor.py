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

"""Watches a running pipeline for its door: what to tell the user now, and the diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.perception.notices import Notice, NS_PER_S, Reminder
from xspec_ros.perception.silence import GraphView, InputView
from xspec_ros.perception.status import NODE, StatusBoard
from xspec_ros.perception.transport import Publication
from xspec_ros.perception.watch import InputWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspec_ros.core.frame import Modality
    from xspec_ros.messages.diagnostics import Status
    from xspec_ros.perception.pipeline import Pipeline

__all__ = ['ClockWatch', 'GraphView', 'InputView', 'Monitor', 'Publication']

INPUTS: tuple[Modality, Modality] = ('thermal', 'rgb')
CLOCK_STANDS_NS = 2 * NS_PER_S
PAIRING_STANDS_S = 1.0
REPLACED = {'swapped': 'swap_refused'}


class Monitor:
    """What a door tells the user: in the log by ``check``, in diagnostics by ``statuses``.

    ``heard`` and ``note`` may be called from any thread, the rest from one at a time.

    Args:
        pipeline: The running pipeline.
        started_ns: Monotonic time when the door began to listen.
        granted: Largest receive buffer of this system, None where unknown.
        node: Prefix of the names in the diagnostics.
    """

    def __init__(
        self, pipeline: Pipeline, *, started_ns: int, granted: int | None, node: str = NODE
    ) -> None:
        self._pipeline = pipeline
        self._watches = {
            name: InputWatch(name, pipeline.intake, started_ns=started_ns, granted=granted)
            for name in INPUTS
        }
        self._clock = ClockWatch()
        self._clock_reminder = Reminder()
        rarely = pipeline.settings.mode != 'fused'
        self._pairing_reminder = Reminder(PAIRING_STANDS_S, rarely=rarely)
        self._grid_reminder = Reminder()
        self._noted: dict[str, Notice] = {}
        self._board = StatusBoard(pipeline, node)

    def heard(self, name: Modality, size: int) -> None:
        """Take note of one message.

        Args:
            name: Its camera.
            size: Its bytes.
        """
        self._watches[name].heard(size)

    def note(self, notice: Notice) -> None:
        """Show one of the door's own notices in the diagnostics until its kind is replaced."""
        self._noted[notice.kind] = notice
        self._noted.pop(REPLACED.get(notice.kind, ''), None)

    def check(
        self, now_ns: int, look: Callable[[], GraphView], *, clock_ns: int | None = None
    ) -> list[Notice]:
        """Return what is due to be told; call it about four times a second.

        Args:
            now_ns: Monotonic time.
            look: Looks at the graph; called only while a camera is silent.
            clock_ns: The node's clock under ``use_sim_time``, else None.
        """
        notices: list[Notice] = []
        for watch in self._watches.values():
            notices += watch.check(now_ns, look)
        return [
            *notices,
            *self._check_pairing(now_ns),
            *self._check_grid(now_ns),
            *self._check_clock(now_ns, clock_ns),
        ]

    def statuses(self, now_ns: int) -> list[Status]:
        """Return one status for each part, with what was told and still holds.

        Args:
            now_ns: Monotonic time.
        """
        troubles = {
            name: watch.trouble
            for name, watch in self._watches.items()
            if watch.trouble is not None
        }
        silent = [name for name, watch in self._watches.items() if not watch.received]
        noted = list(self._noted.values())
        statuses = self._board.write(now_ns, troubles=troubles, silent=silent, noted=noted)
        clock = self._board.clock_status(self._clock.clock_ns, self._clock.trouble)
        return statuses if clock is None else [*statuses, clock]

    def _check_pairing(self, now_ns: int) -> list[Notice]:
        """Tell what keeps pairs from being found; a missing camera is told by its watch."""
        advice = self._pipeline.intake.sync.advice()
        cause = advice.cause if advice is not None else ''
        if cause == 'missing' or any(watch.trouble for watch in self._watches.values()):
            cause = ''
        if not self._pairing_reminder.is_due(cause, now_ns) or advice is None:
            return []
        mode = self._pipeline.settings.mode
        text = f'pairing: {advice.message}'
        if mode != 'fused':
            text += f' (mode {mode} answers without pairs)'
        return [Notice(level='warning', kind='pairing', text=text)]

    def _check_grid(self, now_ns: int) -> list[Notice]:
        """Tell that RGB cannot be laid over the thermal picture."""
        text = self._pipeline.intake.fusing.misfit
        due = self._grid_reminder.is_due('unregistered' if text else '', now_ns)
        return [Notice(level='warning', kind='unregistered', text=text)] if due else []

    def _check_clock(self, now_ns: int, clock_ns: int | None) -> list[Notice]:
        had_trouble = self._clock.trouble is not None
        trouble = self._clock.check(now_ns, clock_ns)
        due = self._clock_reminder.is_due(trouble.kind if trouble else '', now_ns)
        if trouble is not None:
            return [trouble] if due else []
        return [Notice(level='info', kind='clock', text='the clock runs')] if had_trouble else []


class ClockWatch:
    """Notices that simulated time stands still."""

    def __init__(self) -> None:
        self.trouble: Notice | None = None
        self.clock_ns: int | None = None
        self._moved_ns = 0

    def check(self, now_ns: int, clock_ns: int | None) -> Notice | None:
        """Return what is wrong with the clock, None where nothing is or no clock is followed.

        Args:
            now_ns: Monotonic time.
            clock_ns: The node's clock under ``use_sim_time``, else None.
        """
        if clock_ns is None or clock_ns != self.clock_ns:
            self.clock_ns = clock_ns
            self._moved_ns = now_ns
        stands = clock_ns is not None and now_ns - self._moved_ns >= CLOCK_STANDS_NS
        self.trouble = self._explain() if stands else None
        return self.trouble

    def _explain(self) -> Notice:
        if self.clock_ns:
            what = f'the clock stands at {self.clock_ns / NS_PER_S:.3f} s: /clock does not advance'
            remedy = 'let the bag or simulator run on'
        else:
            what = 'the clock does not run: nothing publishes /clock'
            remedy = 'start the bag with: ros2 bag play --clock, or the simulator'
        text = (
            f'use_sim_time is set, but {what}; frames are paired and judged by their stamps alone '
            f'meanwhile; {remedy}, or set use_sim_time to false'
        )
        return Notice(level='warning', kind='clock', text=text)
