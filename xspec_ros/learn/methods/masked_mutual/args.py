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

"""Arguments of masked mutual learning."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from xspec_ros.learn.methods.masked_mutual.loss import Form

Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

PSL_WEIGHT = {'clean': 1.0, 'official': 20.0}  # the official form is bounded by about 0.08


class MutualArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the two networks teach each other.

    Attributes:
        weight: Weight of either direction.
        mask: Where the teacher's mask goes: on both logit vectors, as the released code has it;
            on the divergence of a pixel; or nowhere.
        inter: Let the mask compare the two networks.
        intra: Let the mask compare a network with the label.
    """

    weight: Weight = 1.0
    mask: Form = 'logits'
    inter: bool = True
    intra: bool = True


class MaskedMutualArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of the terms and constants of the method.

    Attributes:
        stage: 1 = day pairs; 2 = the same and the self-supervised term on night thermal.
        segmentation: Weight of the cross-entropy of either network.
        mml: Mutual learning.
        prototype: Weight of the prototype loss of either network.
        psl: Form of the night term: with one softmax, or with two as the released code has it.
        psl_weight: Weight of the night term; null: 1 for the clean form, 20 for the official.
        prototypes: Move the prototypes, or freeze them; null: moved in stage 1, frozen in 2.
        fusion: Average the prototypes of the modalities by pixels, or as equals.
        embedding: Length of a prototype.
        theta: A pixel enters a prototype when its confidence is above; 0.1 in the released code.
        theta_night: The same for the night term.
        n_min: Fewest stride-4 pixels of a class, both modalities together, that move it.
        tau: Temperature of cosine similarities.
        mu: Share of the old prototype that stays at a step.
        detection: Weight of the three box terms together.
        box: Weight of the GIoU term within.
        objectness: Weight of the objectness term within.
        classification: Weight of the box class term within.
    """

    stage: Literal[1, 2] = 1
    segmentation: Weight = 1.0
    mml: MutualArgs = MutualArgs()
    prototype: Weight = 0.2
    psl: Literal['clean', 'official'] = 'clean'
    psl_weight: Weight | None = None
    prototypes: Literal['ema', 'frozen'] | None = None
    fusion: Literal['pooled', 'equal'] = 'pooled'
    embedding: Annotated[int, msgspec.Meta(ge=1)] = 128
    theta: Share = 0.6
    theta_night: Share = 0.7
    n_min: Annotated[int, msgspec.Meta(ge=1)] = 4
    tau: Annotated[float, msgspec.Meta(gt=0)] = 0.1
    mu: Share = 0.9
    detection: Weight = 1.0
    box: Weight = 3.0
    objectness: Weight = 1.0
    classification: Weight = 1.0

    def night_weight(self) -> float:
        """Return the weight of the night term."""
        return PSL_WEIGHT[self.psl] if self.psl_weight is None else self.psl_weight

    def frozen(self) -> bool:
        """Return whether the prototypes stay as they were found."""
        return (self.prototypes or ('ema' if self.stage == 1 else 'frozen')) == 'frozen'
