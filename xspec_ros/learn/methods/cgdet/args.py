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

"""Arguments of contrast-guided cross-modal distillation."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from xspec_ros.learn.methods.supervised.args import SupervisedArgs

Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Temperature = Annotated[float, msgspec.Meta(gt=0)]
Guidance = Literal['correlation', 'cosine', 'l1_cosine']
Levels = Literal['assigned', 'all']


class CgdetArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of the terms and constants of the method.

    Attributes:
        base: Weights of plain training on the labels, which the two terms are added to.
        contrast_weight: Weight of the contrast between boxes; at 0 nothing is computed for it.
        guidance_weight: Weight of the guidance by the teacher; at 0 the teacher is not run.
        ramp: Share of the run in which both weights grow from 0.
        inherit: The heads begin as the teacher's. They read its pyramid, so guidance compares the
            features as they are, without an adapter. For students that the rest of the teacher's
            weights do not fit; a recipe's ``start`` replaces the heads again.
        tau: Temperature of the contrast.
        roi_size: Bins along a side that a box is sampled in, before they are averaged.
        embedding: Length of a box's embedding.
        projector: Two layers with ReLU between, or one, from a box's features to its embedding.
        rois_a_picture: Most boxes of a picture that enter the contrast, jittered copies included.
        rois_a_class: Most boxes of a class that enter it, of the pictures of one process.
        background: Random boxes away from all objects that a picture adds as negatives.
        queue: Embeddings of earlier steps kept of every class; 0 keeps none.
        guidance: One minus the correlation of every channel with the teacher's over the cells of
            a batch; the squared distance of features normalised in every cell; or the mean
            absolute difference of the features plus ``beta`` times one minus their cosine.
        beta: Share of the cosine in ``l1_cosine``.
        gamma: Weight of cells outside the boxes; 0 guides inside alone, 1 everywhere alike.
        levels: A box counts on the level of its size alone, or on every level.
        night_score: Score from which boxes of the averaged student label night pictures that have
            none; null: such pictures stay unlabelled.
        night_ignore: Score from which, up to ``night_score``, they become regions to ignore.
        night_weight: Weight of those boxes in the contrast, besides their score.
        night_from: Share of the run after which they are used.
        night_decay: Share of the old that stays in the averaged student at a step.
        seed: Of the boxes that are drawn.
    """

    base: SupervisedArgs = SupervisedArgs()
    contrast_weight: Weight = 0.2
    guidance_weight: Weight = 5.0
    ramp: Share = 0.05
    inherit: bool = False
    tau: Temperature = 0.1
    roi_size: Positive = 7
    embedding: Positive = 128
    projector: Literal['two_layer', 'linear'] = 'two_layer'
    rois_a_picture: Positive = 32
    rois_a_class: Positive = 128
    background: Count = 0
    queue: Count = 0
    guidance: Guidance = 'correlation'
    beta: Weight = 1.0
    gamma: Share = 1.0
    levels: Levels = 'assigned'
    night_score: Share | None = None
    night_ignore: Share = 0.3
    night_weight: Share = 0.5
    night_from: Share = 0.3
    night_decay: Share = 0.998
    seed: int = 0
