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

"""What keeps pairs from being found, and which parameter to set to which value."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from xspec_ros.core.sync_axes import other_input

if TYPE_CHECKING:
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.sync_counts import SyncCounts
    from xspec_ros.core.sync_values import SyncSettings, UnpairedCause

MAX_OFFSET_MS = 10_000.0  # what stamp_offset_ms can be set to
MAX_LATENCY_MS = 5000.0  # more than that is a clock, not a delivery
OVERLAP_SHARE = 0.6  # of a period: a nearest stamp within it has neighbours on both sides
SLOP_MARGIN = 1.2
WAIT_MARGIN = 1.2
WAIT_EXTRA_MS = 50.0  # one period: the partner that decides comes after the nearest one


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncAdvice:
    """The one thing that keeps pairs from being found.

    Attributes:
        cause: Why most of the recent unpaired references stayed alone.
        message: One line for the diagnostics: what is measured, which camera, what to set.
        camera: The camera that is late, ahead or missing; None when no camera is to blame.
        parameter: The parameter to set, as users know it; None when none helps.
        value: The value that would do, in the parameter's unit.
    """

    cause: UnpairedCause
    message: str
    camera: Modality | None = None
    parameter: str | None = None
    value: float | None = None


def advise(cause: UnpairedCause, counts: SyncCounts, settings: SyncSettings) -> SyncAdvice:
    """Say which camera keeps pairs from being found and what to set.

    Stamps and order of arrival cannot tell a late delivery from a clock that is behind, so the
    message of ``late`` names both remedies.

    Args:
        cause: Most common cause of recent unpaired references.
        counts: What was measured.
        settings: What is set now.
    """
    partner = other_input(settings.reference)
    if cause == 'missing':
        message = f'no {partner} frames arrive: check the {partner} camera, its topic and its QoS'
        return SyncAdvice(cause=cause, message=message, camera=partner)
    if cause == 'epoch':
        message = 'stamps keep jumping back: each jump starts a new epoch and drops what waits'
        return SyncAdvice(cause=cause, message=message)
    if cause == 'late':
        return _late(partner, counts, settings)
    return _apart(partner, counts, settings)  # a buffer overflows because stamps are far apart


def _late(partner: Modality, counts: SyncCounts, settings: SyncSettings) -> SyncAdvice:
    """Advise on a partner whose stamps arrive behind those of the reference."""
    late_ms = max(0.0, -_lead_ms(partner, counts))
    measured = f'{partner} is late: its stamps arrive {late_ms:.0f} ms behind the other camera'
    if late_ms > MAX_LATENCY_MS:
        return _offset('late', partner, settings, measured=measured, change_ms=late_ms)
    wait_ms = float(round(late_ms * WAIT_MARGIN + WAIT_EXTRA_MS))
    offset_ms = _set_offset_ms(partner, settings) + late_ms
    message = (
        f'{measured}, max_wait_ms is {settings.max_wait_ms:g}: set max_wait_ms to {wait_ms:.0f} '
        f'if its frames are delivered late, or {partner}.stamp_offset_ms to {offset_ms:.0f} if '
        f'its clock is behind'
    )
    return SyncAdvice(
        cause='late', message=message, camera=partner, parameter='max_wait_ms', value=wait_ms
    )


def _apart(partner: Modality, counts: SyncCounts, settings: SyncSettings) -> SyncAdvice:
    """Advise on stamps further apart than ``slop_ms``.

    Where the two streams overlap, the nearest stamps say how far apart they are; where they do
    not, the nearest stamp is the end of what is held, and the stamps that arrive together do.
    """
    sign = 1 if partner == 'rgb' else -1
    nearest_ms = sign * (counts.offset_ms or 0.0)
    slop = f'slop_ms is {settings.slop_ms:g}'
    if abs(nearest_ms) > OVERLAP_SHARE * (counts.rgb_period_ms or 0.0):
        lead_ms = _lead_ms(partner, counts)
        measured = f'{partner} stamps run {lead_ms:+.0f} ms against the other camera, {slop}'
        return _offset('slop', partner, settings, measured=measured, change_ms=-lead_ms)
    wanted_ms = float(ceil(abs(nearest_ms) * SLOP_MARGIN))
    offset_ms = _set_offset_ms(partner, settings) - nearest_ms
    message = (
        f'the nearest {partner} stamps are {nearest_ms:+.0f} ms from the other camera, {slop}: '
        f'set slop_ms to {wanted_ms:.0f}, or {partner}.stamp_offset_ms to {offset_ms:.0f} if '
        f'both see the same moment'
    )
    return SyncAdvice(
        cause='slop', message=message, camera=partner, parameter='slop_ms', value=wanted_ms
    )


def _offset(
    cause: UnpairedCause,
    camera: Modality,
    settings: SyncSettings,
    *,
    measured: str,
    change_ms: float,
) -> SyncAdvice:
    """Advise to move a camera's stamps, or its clock where that is too far."""
    wanted_ms = _set_offset_ms(camera, settings) + change_ms
    if abs(wanted_ms) > MAX_OFFSET_MS:
        message = (
            f'{measured}: the clocks of the cameras differ; synchronise them, or set '
            f'use_receive_time to always'
        )
        return SyncAdvice(cause=cause, message=message, camera=camera)
    return SyncAdvice(
        cause=cause,
        message=f'{measured}: set {camera}.stamp_offset_ms to {wanted_ms:.0f}',
        camera=camera,
        parameter=f'{camera}.stamp_offset_ms',
        value=wanted_ms,
    )


def _lead_ms(camera: Modality, counts: SyncCounts) -> float:
    lead_ms = counts.rgb_lead_ms or 0.0
    return lead_ms if camera == 'rgb' else -lead_ms


def _set_offset_ms(camera: Modality, settings: SyncSettings) -> float:
    return settings.rgb_offset_ms if camera == 'rgb' else settings.thermal_offset_ms
