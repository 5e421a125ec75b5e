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

"""What the user is told about one camera: silent, dead, back, losing frames. Reads no clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.core.sync_axes import other_input
from xspec_ros.perception.buffers import buffer_advice
from xspec_ros.perception.notices import Level, Notice, NS_PER_S, Reminder
from xspec_ros.perception.silence import explain_death, explain_silence

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspec_ros.core.frame import Modality
    from xspec_ros.core.health import CameraHealth
    from xspec_ros.perception.intake import Intake
    from xspec_ros.perception.settings import InputSettings
    from xspec_ros.perception.silence import GraphView

LOSS_SHARE = 0.02
SILENCE_AFTER_NS = 2 * NS_PER_S
SILENCE_STANDS_S = 0.75  # while discovery goes on, the cause changes

BACK_FROM = ('dead', 'stuck')  # a camera that was there before


class InputWatch:
    """Turns what is known of one camera into notices.

    Args:
        name: ``rgb`` or ``thermal``.
        intake: The pipeline's intake, which meters the camera.
        started_ns: Monotonic time of the start.
        granted: Largest receive buffer of this system, None where unknown.
    """

    def __init__(
        self, name: Modality, intake: Intake, *, started_ns: int, granted: int | None
    ) -> None:
        settings = intake.settings
        self.name: Modality = name
        self.settings: InputSettings = settings.thermal if name == 'thermal' else settings.rgb
        self.needed = settings.mode in (name, 'fused')
        self.received = 0
        self.trouble: Notice | None = None
        self._largest = 0
        self._intake = intake
        self._granted = granted
        self._mode = settings.mode
        self._judged = False
        self._losing = False
        rarely = not self.needed
        not_before_ns = started_ns + SILENCE_AFTER_NS
        self._silence = Reminder(SILENCE_STANDS_S, not_before_ns=not_before_ns, rarely=rarely)
        self._death = Reminder(rarely=rarely)
        self._loss = Reminder(rarely=rarely)

    def heard(self, size: int) -> None:
        """Take note of one message and its size in bytes."""
        self._largest = max(self._largest, size)
        self.received += 1

    def check(self, now_ns: int, look: Callable[[], GraphView]) -> list[Notice]:
        """Return what is due to be told.

        Args:
            now_ns: Monotonic time.
            look: Looks at the graph; called only while the camera is silent.
        """
        if not self.received:
            return self._check_silence(now_ns, look)
        notices = [*self._check_life(now_ns, look), *self._check_loss(now_ns)]
        if not self._judged:
            self._judged = True
            if advice := buffer_advice(self._largest, self._granted):
                notices.append(self._notice('warning', 'buffer', f'{self.name}: {advice}'))
        return notices

    @property
    def _level(self) -> Level:
        return 'error' if self.needed else 'warning'

    def _check_silence(self, now_ns: int, look: Callable[[], GraphView]) -> list[Notice]:
        """Tell why nothing comes, once the same cause has stood for a moment."""
        notice = explain_silence(
            self.name, self.settings, look(), granted=self._granted, level=self._level
        )
        if self.trouble is not None and notice.kind == self.trouble.kind:
            self.trouble = self._meanwhile(notice)  # its text follows what is in sight
        if not self._silence.is_due(notice.kind, now_ns):
            return []
        self.trouble = self._meanwhile(notice)
        return [self.trouble]

    def _check_life(self, now_ns: int, look: Callable[[], GraphView]) -> list[Notice]:
        health = self._intake.cameras.health(self.name, now_ns)
        due = self._death.is_due(health.state if health.is_error else '', now_ns)
        if health.is_error:
            self.trouble = self._meanwhile(self._explain(health, look))
            return [self.trouble] if due else []
        if self.trouble is None:
            return []
        camera = f'{self.name} camera is back' if self.trouble.kind in BACK_FROM else self.name
        self.trouble = None
        text = f'{camera}: frames arrive on {self.settings.topic}'
        return [self._notice('info', 'back', text)]

    def _explain(self, health: CameraHealth, look: Callable[[], GraphView]) -> Notice:
        if health.state != 'dead':
            return self._notice(self._level, health.state, health.message)
        silent = f'{self.settings.topic} silent for {health.silent_s:.1f} s'
        why = explain_death(self.name, look())
        return self._notice(self._level, 'dead', f'{self.name} camera is dead: {silent}; {why}')

    def _check_loss(self, now_ns: int) -> list[Notice]:
        share = self._intake.rates[self.name].share()
        self._losing = share > (LOSS_SHARE / 2 if self._losing else LOSS_SHARE)
        if not self._loss.is_due('loss' if self._losing else '', now_ns):
            return []
        advice = buffer_advice(self._largest, self._granted)
        cause = advice or 'the camera skips them, or network or processor are too busy'
        text = f'{self.name}: {share:.0%} of the frames of {self.settings.topic} do not arrive '
        return [self._notice('warning', 'loss', f'{text}(gaps in the stamps): {cause}')]

    def _meanwhile(self, notice: Notice) -> Notice:
        """Add what goes on without this camera."""
        if not self.needed:
            goes_on = f'mode {self._mode} does without it'
        elif self._mode != 'fused':
            return notice
        elif self._intake.settings.on_missing == 'silence':
            goes_on = 'nothing is answered meanwhile (on_missing: silence)'
        else:
            other = other_input(self.name)
            goes_on = f'{other} frames are answered alone meanwhile'
        return self._notice(notice.level, notice.kind, f'{notice.text}; {goes_on}')

    @staticmethod
    def _notice(level: Level, kind: str, text: str) -> Notice:
        return Notice(level=level, kind=kind, text=text)
