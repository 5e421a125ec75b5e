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

"""The values around pairing: its settings and what it hands out."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Literal, TYPE_CHECKING, TypeAlias

from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from xspec_ros.core.frame import Frame, Modality, Pair

UnpairedCause: TypeAlias = Literal['missing', 'late', 'slop', 'taken', 'overflow', 'epoch', 'end']
DropCause: TypeAlias = Literal['old', 'unpaired', 'overflow', 'duplicate']


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncSettings:
    """How frames are paired.

    Attributes:
        slop_ms: Largest |RGB - thermal| of a pair.
        max_wait_ms: How long a reference waits after its arrival for its partner.
        rgb_offset_ms: Added to RGB stamps before they are compared.
        thermal_offset_ms: Added to thermal stamps before they are compared.
        jump_threshold_s: A stamp further back than this starts a new epoch.
        max_frames: Frames held of each input.
        max_bytes: Pixel bytes held of both inputs together.
        stale_after_s: An input silent for longer is taken for dead: nobody waits for it.
        rgb_fallback: Hand out RGB frames alone while thermal is dead.
        reference: The input that gets one answer a frame.
    """

    slop_ms: float = 50.0
    max_wait_ms: float = 100.0
    rgb_offset_ms: float = 0.0
    thermal_offset_ms: float = 0.0
    jump_threshold_s: float = 0.5
    max_frames: int = 30
    max_bytes: int = 256 * 1024 * 1024
    stale_after_s: float = 1.0
    rgb_fallback: bool = False
    reference: Modality = 'thermal'

    def __post_init__(self) -> None:
        """Refuse values that no stream can be paired with."""
        for name in ('slop_ms', 'max_wait_ms', 'jump_threshold_s', 'stale_after_s'):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                message = f'{name} is {value}'
                raise ConfigError(message, hint=f'{name} is a finite number of at least 0')
        for name in ('rgb_offset_ms', 'thermal_offset_ms'):
            if not math.isfinite(getattr(self, name)):
                message = f'{name} is {getattr(self, name)}'
                raise ConfigError(message, hint=f'{name} is a finite number')
        if self.max_frames < 1 or self.max_bytes < 1:
            message = f'max_frames is {self.max_frames}, max_bytes is {self.max_bytes}'
            raise ConfigError(message, hint='both are at least 1')


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """A reference and its nearest partner.

    Attributes:
        pair: The two frames.
        epoch: Number of backward jumps before it.
    """

    pair: Pair
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """A reference that gets no partner; it can still be answered alone, in order.

    Attributes:
        frame: The frame.
        cause: ``missing`` (the other camera is silent), ``late`` (its frame did not come within
            ``max_wait_ms``), ``slop`` (its nearest frame is too far), ``taken`` (that frame is
            nearer to another reference), ``overflow`` (a limit was hit), ``epoch`` (stamps
            jumped back), ``end`` (flushed).
        epoch: Number of backward jumps before it.
    """

    frame: Frame
    cause: UnpairedCause
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A frame that cannot be used at all: answering it would break the order of stamps.

    Attributes:
        frame: The frame.
        cause: ``old`` or ``duplicate``.
        epoch: Number of backward jumps before it.
    """

    frame: Frame
    cause: Literal['old', 'duplicate']
    epoch: int


SyncEvent: TypeAlias = Paired | Unpaired | Dropped
