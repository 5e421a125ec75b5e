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

"""What keeps pairs from being found, in the names and values of a user's parameters."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.sync import SyncAdvice
    from xspec_ros.perception.intake import Intake

MAX_OFFSET_MS = 10_000.0  # what stamp_offset_ms can be set to
OVERLAP_SHARE = 0.6  # of an RGB period: a nearest stamp within it has neighbours on both sides
SLOP_MARGIN = 1.2


def explain_pairing(intake: Intake) -> tuple[str, str] | None:
    """Return cause and text, None while nothing worth a word keeps pairs from being found.

    Args:
        intake: The pipeline's intake.
    """
    advice = intake.sync.advice()
    if advice is None:
        return None
    if advice.cause == 'late':
        return advice.cause, _late(intake, advice)
    if advice.cause in ('slop', 'overflow'):
        return 'slop', _apart(intake)  # a buffer overflows because its stamps are far off
    return advice.cause, advice.message


def _apart(intake: Intake) -> str:
    """Explain stamps further apart than ``slop_ms``.

    Where the two streams overlap, the nearest stamps say how far apart they are; where they do
    not, the nearest stamp is the end of what is held, and the stamps that arrive together do.
    """
    settings, counts = intake.settings, intake.sync.counts
    nearest_ms, lead_ms = counts.offset_ms or 0.0, counts.rgb_lead_ms or 0.0
    period_ms = intake.rates['rgb'].period_ns() / 1e6
    slop = f'slop_ms is {settings.slop_ms:g}'
    if abs(nearest_ms) <= OVERLAP_SHARE * period_ms:
        wanted = ceil(abs(nearest_ms) * SLOP_MARGIN)
        return (
            f'the nearest rgb stamps are {nearest_ms:+.0f} ms from the thermal ones, {slop}: '
            f'set slop_ms to {wanted}, or rgb.stamp_offset_ms to '
            f'{_offset(intake, "rgb", -nearest_ms)} if both see the same moment'
        )
    measured = f'rgb stamps run {lead_ms:+.0f} ms against thermal stamps, {slop}'
    if abs(settings.rgb.stamp_offset_ms - lead_ms) > MAX_OFFSET_MS:
        return (
            f'{measured}: the clocks of the cameras differ; synchronise them, or set '
            f'use_receive_time to always'
        )
    return f'{measured}: set rgb.stamp_offset_ms to {_offset(intake, "rgb", -lead_ms)}'


def _late(intake: Intake, advice: SyncAdvice) -> str:
    """Explain a partner whose stamps arrive behind those of the reference."""
    camera = advice.camera or 'rgb'
    late_ms = abs(intake.sync.counts.rgb_lead_ms or 0.0)
    measured = f'{camera} is late: its stamps arrive {late_ms:.0f} ms behind the other camera'
    remedy = f'{camera}.stamp_offset_ms to {_offset(intake, camera, late_ms)}'
    if advice.parameter != 'max_wait_ms' or advice.value is None:
        return f'{measured}; set {remedy}'
    return (
        f'{measured}, max_wait_ms is {intake.settings.max_wait_ms:g}: set max_wait_ms to '
        f'{advice.value:.0f} if its frames are delivered late, or {remedy} if its clock is behind'
    )


def _offset(intake: Intake, camera: Modality, change_ms: float) -> str:
    settings = intake.settings
    chosen = settings.rgb if camera == 'rgb' else settings.thermal
    return f'{chosen.stamp_offset_ms + change_ms:.0f}'
