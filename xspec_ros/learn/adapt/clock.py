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

"""The wall clock: what is left of the minutes, and how many steps fit in."""

from __future__ import annotations

from dataclasses import dataclass
import math
import time
from typing import TYPE_CHECKING

from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from xspec_ros.learn.adapt.settings import AdaptSettings

START_S = 5.0  # of a run, beside reading its pictures
EXPORT_S = 40.0  # of one precision, graphs and files: on a busy core; a free one takes half
VERIFY_ANSWERS = 3.0  # what three engines take for a frame, in answers of the network here
SLACK = 1.1  # steps are slower while pictures are drawn beside them


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Seconds, measured on this machine.

    Attributes:
        measure_s: Measuring a network once.
        look_s: A look at the weights while training.
        export_s: Export and verification.
        load_s: Reading the training pictures.
        step_s: A step.
    """

    measure_s: float
    look_s: float
    export_s: float
    load_s: float = 0.0
    step_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How the time that is left is spent.

    Attributes:
        steps: Steps of the run.
        eval_every: Steps between looks.
        deadline_s: Monotonic time at which the run ends, wherever it is.
    """

    steps: int
    eval_every: int
    deadline_s: float


class Clock:
    """Counts down from its construction.

    Args:
        minutes: Time for everything.

    Raises:
        ConfigError: No positive number of minutes.
    """

    def __init__(self, minutes: float) -> None:
        if not (math.isfinite(minutes) and minutes > 0):
            message = f'--minutes {minutes:g}'
            raise ConfigError(message, hint='give the minutes that the adaptation may take')
        self.minutes = minutes
        self._start = time.monotonic()

    @property
    def spent_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def at(self, share: float) -> float:
        """Return the monotonic time at which this share of the minutes is over."""
        return self._start + share * 60.0 * self.minutes

    def plan(self, costs: Costs, settings: AdaptSettings) -> Plan:
        """Fill what is left with steps; what comes before and after them is kept free.

        Before: measuring the old model and reading the pictures. After: measuring the new one,
        export and verification.

        Args:
            costs: What everything takes.
            settings: Most and fewest steps, looks.

        Raises:
            ConfigError: There is not enough time for the fewest steps.
        """
        after_s = costs.measure_s + costs.export_s
        before_s = self.spent_s + costs.measure_s + START_S + costs.load_s
        left_s = 60.0 * self.minutes - before_s - after_s
        affordable = int(settings.looking_share * left_s / max(costs.look_s, 1e-3))
        looks = max(1, min(settings.looks, affordable))
        step_s = SLACK * costs.step_s
        steps = min(settings.max_steps, int((left_s - looks * costs.look_s) / step_s))
        if steps < settings.least_steps:
            needed_s = before_s + after_s + costs.look_s + settings.least_steps * step_s
            message = (
                f'--minutes {self.minutes:g} leaves time for {max(0, steps)} steps, at least '
                f'{settings.least_steps} are worth it'
            )
            enough = math.ceil(needed_s / 6.0) / 10.0 + 0.1
            raise ConfigError(message, hint=f'{enough:.1f} minutes are needed here')
        end_s = self.at(1.0) - after_s - costs.look_s
        return Plan(steps=steps, eval_every=math.ceil(steps / looks), deadline_s=end_s)


def export_seconds(precisions: int, frames: int, answer_s: float) -> float:
    """Return about how long export and verification take.

    Args:
        precisions: Of the bundle.
        frames: Pictures that every engine is compared on.
        answer_s: Seconds that one answer of the network takes.
    """
    return precisions * (EXPORT_S + VERIFY_ANSWERS * frames * answer_s)
