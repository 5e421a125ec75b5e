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

"""Pairing from stamps alone: what a bag's cameras would give, without a pixel."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import numpy as np

from xspec_ros.core.frame import Frame, Modality
from xspec_ros.core.sync import PairSynchronizer, Unpaired

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xspec_ros.core.sync import SyncEvent, SyncSettings

TINY = np.zeros((1, 1), np.uint8)


class Arrival(NamedTuple):
    """One camera message.

    Attributes:
        modality: Its camera.
        stamp_ns: Header stamp.
        log_ns: Log time.
    """

    modality: Modality
    stamp_ns: int
    log_ns: int


def stand_in(modality: Modality, stamp_ns: int) -> Frame:
    """Return a frame that is only its stamp; pairing looks at nothing else."""
    return Frame(modality=modality, stamp_ns=stamp_ns, frame_id='', image=TINY, encoding='')


def unpaired_arrivals(
    arrivals: Iterable[Arrival], settings: SyncSettings
) -> list[tuple[Arrival, str]]:
    """Return the reference frames that stay without partner, with the cause.

    Args:
        arrivals: All camera messages in order of arrival.
        settings: How to pair.
    """
    sync = PairSynchronizer(settings)
    events: list[SyncEvent] = []
    arrived: dict[int, Arrival] = {}
    for arrival in arrivals:
        if arrival.modality == settings.reference:
            arrived[arrival.stamp_ns] = arrival
        events += sync.push(stand_in(arrival.modality, arrival.stamp_ns))
    events += sync.flush()
    return [
        (arrived[event.frame.stamp_ns], event.cause)
        for event in events
        if isinstance(event, Unpaired) and event.frame.modality == settings.reference
    ]
