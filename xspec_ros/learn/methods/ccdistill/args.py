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

"""Arguments of cross-domain correlation distillation."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from xspec_ros.learn.methods.ccdistill.loss import Distance

Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class CcDistillArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of the terms and constants of the method.

    What only terms of weight 0 would read is not computed.

    Attributes:
        source: Weight of the cross-entropy on the source by day.
        source_night: The same on its synthetic night.
        target: The same on the target by day, where it is paired with the source.
        content: Weight of the content correlations.
        style: Weight of the style correlations.
        aux: Weight of the cross-entropy that the project head learns from.
        self_training: Weight of the night target's cross-entropy with the averaged network's
            sure answers; at 0 there is no averaged network.
        detection: Weight of the box losses on labelled pictures of the deployed camera; at 0 the
            head is neither run nor trained.
        ramp: Share of the run in which correlations and self-training grow to their weight.
        pairing: Whether the two cameras' pictures show the same pixels.
        night_match: Night target of the content terms: the day target with a night look, or any
            night picture of the batch, pooled.
        content_over: Compare the cells within a picture, or the pictures of the batch.
        grid: Rows and columns of cells.
        embedding: Length of a cell's embedding.
        distance: How two degrees are compared.
        stop_source: Let the correlations pull the night target alone.
        confidence: Probability that the averaged network's class must exceed.
        ema: Share of the old that stays in the averaged network at a step.
        class_weights: Weight of a pixel by the name of its class; 1 where not named.
        seed: Of the night looks and of who is matched with whom.
    """

    source: Weight = 1.0
    source_night: Weight = 1.0
    target: Weight = 1.0
    content: Weight = 1.0
    style: Weight = 0.5
    aux: Weight = 0.1
    self_training: Weight = 0.0
    detection: Weight = 1.0
    ramp: Share = 0.2
    pairing: Literal['paired', 'unpaired'] = 'paired'
    night_match: Literal['synthetic', 'none'] = 'synthetic'
    content_over: Literal['cells', 'batch'] = 'cells'
    grid: tuple[Count, Count] = (4, 5)
    embedding: Count = 128
    distance: Distance = 'l1'
    stop_source: bool = True
    confidence: Share = 0.9
    ema: Share = 0.999
    class_weights: dict[str, Weight] = {}
    seed: int = 0

    def sees_synthetic_night(self) -> bool:
        """Return whether a term reads the day target with a night look."""
        return self.content > 0 and self.night_match == 'synthetic'

    def sees_night(self) -> bool:
        """Return whether a term reads real night pictures of the target."""
        pooled = self.content > 0 and self.night_match == 'none'
        return self.style > 0 or self.self_training > 0 or pooled

    def sees_source_night(self) -> bool:
        """Return whether a term reads the source with a night look."""
        return self.source_night + self.content + self.style > 0
