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

"""Parameters of the recorder node: what to keep, and where and how much of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from xspec_ros.perception.harvest_settings import HarvestSettings, START


class RecorderSettings(HarvestSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the recorder node."""

    out: Annotated[
        str,
        Meta(
            description='Folder for pairs_TIME.mcap, or NAME.mcap; nothing is ever overwritten.',
            extra=START,
        ),
    ] = 'pairs'
    budget_mb: Annotated[
        float,
        Meta(
            description='Disk space of all recordings in out together, earlier starts included, '
            'in millions of bytes.',
            gt=0.0,
            le=1e9,
            extra=START,
        ),
    ] = 10_000.0
    split_mb: Annotated[
        float,
        Meta(
            description='A file is followed by the next at this size, in millions of bytes; '
            '0: never.',
            ge=0.0,
            le=1e9,
            extra=START,
        ),
    ] = 0.0
    min_free_mb: Annotated[
        float,
        Meta(
            description='Recording stops before the disk has less free space than this, in '
            'millions of bytes.',
            ge=0.0,
            le=1e9,
            extra=START,
        ),
    ] = 32.0
