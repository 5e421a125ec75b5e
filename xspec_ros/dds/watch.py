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

"""What a live user is told about one camera: dead, back, losing frames. No clock is read here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TYPE_CHECKING, TypeAlias

from xspec_ros.dds.environment import buffer_advice

if TYPE_CHECKING:
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.health import CameraWatch, RateMeter

Level: TypeAlias = Literal['info', 'warning', 'error']

LOSS_SHARE = 0.02
REPEAT_AFTER_NS = 10_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the user should know, told once.

    Attributes:
        level: How bad it is.
        kind: Short name, for example ``silent`` or ``loss``.
        text: One line: what, where, what to do.
    """

    level: Level
    kind: str
    text: str


class InputWatch:
    """Turns what the pipeline knows of one camera into notices, each told once.

    Args:
        name: ``rgb`` or ``thermal``.
        topic: ROS topic.
        cameras: The pipeline's watch over its cameras.
        rate: The pipeline's meter of this camera.
    """

    def __init__(
        self, name: Modality, topic: str, *, cameras: CameraWatch, rate: RateMeter
    ) -> None:
        self.name: Modality = name
        self.topic = topic
        self.received = 0
        self.largest = 0
        self.dead = False
        self._cameras = cameras
        self._rate = rate
        self._told_loss_ns: int | None = None

    def add(self, size: int) -> None:
        """Take note of one message and its size in bytes."""
        self.received += 1
        self.largest = max(self.largest, size)

    def check(self, now_ns: int, granted: int | None) -> list[Notice]:
        """Return what is new.

        Args:
            now_ns: Monotonic time.
            granted: Largest receive buffer of this system, None where unknown.
        """
        if not self.received:
            return []
        return [*self._check_life(now_ns), *self._check_loss(now_ns, granted)]

    def _check_life(self, now_ns: int) -> list[Notice]:
        health = self._cameras.health(self.name, now_ns)
        silent = health.state == 'dead'
        if silent == self.dead:
            return []
        self.dead = silent
        if silent:
            text = f'{self.name} camera is dead: {self.topic} silent for {health.silent_s:.1f} s'
            return [Notice(level='error', kind='dead', text=text)]
        text = f'{self.name} camera is back: {self.topic}'
        return [Notice(level='info', kind='back', text=text)]

    def _check_loss(self, now_ns: int, granted: int | None) -> list[Notice]:
        share = self._rate.share()
        told = self._told_loss_ns
        if share <= LOSS_SHARE or (told is not None and now_ns - told < REPEAT_AFTER_NS):
            return []
        self._told_loss_ns = now_ns
        advice = buffer_advice(self.largest, granted)
        cause = advice or 'the camera skips them, or network or processor are too busy'
        text = f'{self.name}: {share:.0%} of the frames of {self.topic} do not arrive '
        text += f'(gaps in the stamps): {cause}'
        return [Notice(level='warning', kind='loss', text=text)]
