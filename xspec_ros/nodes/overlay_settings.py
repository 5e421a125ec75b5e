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

"""Parameters of the overlay node."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from xspec_ros.core.frame import Modality
from xspec_ros.perception.settings import RgbInput, ThermalInput

START = {'change': 'start'}  # read once, when the node starts


class OverlaySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the overlay node; the cameras are named as for the perception node."""

    reference: Annotated[
        Modality,
        Meta(description='Camera whose frames perception answers and that is shown.', extra=START),
    ] = 'thermal'
    rgb: RgbInput = RgbInput()
    thermal: ThermalInput = ThermalInput()
    score_threshold: Annotated[
        float, Meta(description='Boxes below it are not drawn.', ge=0.0, le=1.0, extra=START)
    ] = 0.0
