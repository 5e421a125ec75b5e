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

"""Parameters of the evaluator node."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from xspec_ros.core.result import Mode
from xspec_ros.messages.topics import RGB, THERMAL

START = {'change': 'start'}  # read once, when the node starts


class PlayedRgb(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The RGB camera of the bag."""

    topic: Annotated[
        str, Meta(description='Topic of the RGB images in the bag and on the graph.', extra=START)
    ] = RGB


class PlayedThermal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The thermal camera of the bag."""

    topic: Annotated[
        str,
        Meta(description='Topic of the thermal images in the bag and on the graph.', extra=START),
    ] = THERMAL


class EvaluatorSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the evaluator node."""

    bag: Annotated[
        str, Meta(description='Bag that is played: a file or a folder.', extra=START)
    ] = ''
    out: Annotated[
        str,
        Meta(
            description='Folder for results.mcap, summary.json and report.html; empty: '
            'BAG_live beside where the node runs.',
            extra=START,
        ),
    ] = ''
    model: Annotated[
        str,
        Meta(description='Bundle folder or shipped name of the model that answers.', extra=START),
    ] = 'default'
    mode: Annotated[Mode, Meta(description='Mode in which it answers.', extra=START)] = 'thermal'
    rgb: PlayedRgb = PlayedRgb()
    thermal: PlayedThermal = PlayedThermal()
    score_threshold: Annotated[
        float | None,
        Meta(
            description='Boxes below it count in AP and nowhere else; null: the bundle decides.',
            extra=START,
        ),
    ] = None
    rate: Annotated[
        float,
        Meta(description='Speed at which the bag is played, for the report.', gt=0.0, extra=START),
    ] = 1.0
    timeout_s: Annotated[
        float,
        Meta(
            description='Ends when it has heard nothing for this long.',
            gt=0.0,
            le=86_400.0,
            extra=START,
        ),
    ] = 60.0
    report: Annotated[bool, Meta(description='Write report.html.', extra=START)] = True
