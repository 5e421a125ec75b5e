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

"""Parameters of harvesting: which pairs of the live cameras are worth their disk space."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from xspec_ros.messages.topics import CONFIDENCE
from xspec_ros.perception.settings import CameraSettings, LIVE

KeepBy: TypeAlias = Literal['rate', 'trigger', 'uncertainty']

START = {'change': 'start'}  # read once, when recording starts


class ConfidenceInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the model's confidence comes from."""

    topic: Annotated[
        str,
        Meta(description='Topic of the confidence maps, for keep_by uncertainty.', extra=START),
    ] = CONFIDENCE


class HarvestSettings(CameraSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the choice of pairs."""

    keep_by: Annotated[
        KeepBy,
        Meta(
            description='What chooses pairs: their rate, calls of ~/trigger, or low confidence.',
            extra=START,
        ),
    ] = 'rate'
    rate_hz: Annotated[
        float,
        Meta(
            description='Most pairs a second, by stamps; a trigger keeps all it asks for.',
            ge=0.001,
            le=1000.0,
            extra=LIVE,
        ),
    ] = 1.0
    trigger_pairs: Annotated[
        int,
        Meta(description='Pairs to keep after a trigger.', ge=1, le=100_000, extra=LIVE),
    ] = 10
    before_pairs: Annotated[
        int,
        Meta(
            description='Pairs from before a trigger to keep as well; they wait in memory.',
            ge=0,
            le=1000,
            extra=LIVE,
        ),
    ] = 0
    confidence: ConfidenceInput = ConfidenceInput()
    below_confidence: Annotated[
        float,
        Meta(
            description='Pairs with a mean confidence below it are uncertain; 0: none is.',
            ge=0.0,
            le=1.0,
            extra=LIVE,
        ),
    ] = 0.0
    least_certain: Annotated[
        float,
        Meta(
            description='This share of the recent pairs counts as uncertain too; 0: none does.',
            ge=0.0,
            le=1.0,
            extra=LIVE,
        ),
    ] = 0.1
    recent_pairs: Annotated[
        int,
        Meta(description='Pairs that least_certain looks back on.', ge=20, le=100_000, extra=LIVE),
    ] = 300
    confidence_wait_ms: Annotated[
        float,
        Meta(
            description='Longest a pair waits for its confidence map.',
            ge=0.0,
            le=60_000.0,
            extra=LIVE,
        ),
    ] = 1000.0
    min_change: Annotated[
        float,
        Meta(
            description='Pairs whose thermal picture differs less from the last kept one are '
            'skipped, as a share of its contrast; 0: none is; a trigger keeps them all.',
            ge=0.0,
            le=1.0,
            extra=LIVE,
        ),
    ] = 0.0
