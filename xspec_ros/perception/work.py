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

"""What perception has to answer, and the counts of what came in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xspec_ros.core.frame import Frame, Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One frame that waits for the engine.

    Attributes:
        thermal: Thermal frame; None in mode ``rgb``, or where RGB answers alone.
        rgb: RGB frame; None when it plays no part or is missing.
        tone: Low and high of the tone mapping, in counts.
        skew_ms: RGB stamp minus thermal stamp; None without a pair.
        received_ns: Monotonic time when the bytes of the reference frame were in hand.
        decoded_ns: Monotonic time when it was decoded.
        reference: Camera whose frame is answered: the answer has its stamp and lies on its grid.
        degraded: Why a fused model has to do without one camera; empty where it does not.
    """

    thermal: Frame | None
    rgb: Frame | None
    tone: tuple[float, float]
    skew_ms: float | None
    received_ns: int
    decoded_ns: int
    reference: Modality = 'thermal'
    degraded: str = ''


@dataclass(slots=True)
class IntakeCounts:
    """What came in and what was lost on the way to the engine.

    Attributes:
        received: Messages by input.
        rejected: Messages that cannot be used, by input and reason.
        dropped: Usable reference frames that were not taken, by cause.
        warnings: Oddities that did not cost a frame, by input and name.
        epochs: Restarts of the stream (a bag that loops, a clock that steps back).
    """

    received: Counter[Modality] = field(default_factory=Counter)
    rejected: dict[Modality, Counter[str]] = field(
        default_factory=lambda: {'rgb': Counter(), 'thermal': Counter()}
    )
    dropped: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    epochs: int = 0
