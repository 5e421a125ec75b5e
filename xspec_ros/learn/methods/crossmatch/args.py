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

"""Arguments of source-free adaptation by cross-modal consistency."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Weight = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Second = Literal['rgb', 'gradient', 'none']


class ViewArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the students' view differs from the teachers', in units of pictures in [0, 1].

    Attributes:
        gain: Largest change of the contrast.
        offset: Largest change of the level.
        gamma: Largest change of the exponent, as a factor either way.
        blur: Share of blurred thermal pictures.
        noise: Largest standard deviation of noise on thermal pictures.
        cutouts: Fewest and most boxes cut out of a thermal picture.
        side: Smallest and largest side of such a box, as a share of the picture's.
        colour: Largest change of an RGB channel and of the saturation.
        rgb_dropout: Share of RGB pictures that are withheld as a whole.
    """

    gain: Share = 0.4
    offset: Share = 0.2
    gamma: Annotated[float, msgspec.Meta(ge=1)] = 1.6
    blur: Share = 0.3
    noise: Share = 0.05
    cutouts: tuple[int, int] = (3, 6)
    side: tuple[Share, Share] = (0.1, 0.25)
    colour: Share = 0.3
    rgb_dropout: Share = 0.3

    def __post_init__(self) -> None:
        """Refuse ranges that are none."""
        for name, (low, high) in (('cutouts', self.cutouts), ('side', self.side)):
            if not 0 <= low <= high:
                message = f'{name} is ({low}, {high}): give the smaller one first, from 0 on'
                raise ValueError(message)


class CrossmatchArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of the terms and constants of the method.

    Attributes:
        auxiliary: Second input of the auxiliary network: RGB, the gradient magnitude of thermal
            where there is no RGB, or no such network: self-training on thermal alone.
        share_head: Let the auxiliary network have the thermal network's convolutions in pyramid
            and heads; norms stay apart.
        denoise: Labels from source and teachers together, or the source's own answers.
        gamma_start: Exponent of the source in the labels at the first step.
        gamma_end: The same at the last one; 0.3 where the source is the model that is adapted.
        beta: Exponent of the thermal teacher; the auxiliary one has what is left of 1.
        norms: Let the norms' statistics follow the new pictures, or keep the source's: for the
            same camera type in other conditions.
        tau_max: Largest confidence that a label is asked for.
        tau_momentum: Share of the old median that stays at a step.
        agree_confidence: Above it a label counts though the teachers disagree.
        balance: How far rare classes are made up for in the labels: 0 not at all, 1 every class
            of a batch counts alike.
        self_training: Weight of the labels on the thermal network.
        auxiliary_weight: Weight of the labels, and of the boxes, on the auxiliary network.
        consistency: Weight of the consistency of the two networks.
        asymmetry: Share of it in the direction from thermal to the auxiliary network.
        ramp: Share of the run, after the warm-up, in which it grows to its weight.
        diversity: Weight of the guard against vanishing classes; 0.01 to adapt a model.
        detection: Weight of the box terms together; at 0 the heads are neither run nor trained.
        boxes: Learn boxes of which the teachers are sure, or the answer of every cell.
        box: Weight of the GIoU term within.
        objectness: Weight of the objectness term within.
        classification: Weight of the box class term within.
        box_score: Score above which a teacher's box can be confirmed by the other.
        box_overlap: IoU above which two boxes of a class are the same.
        box_sure: Score above which a box needs no confirmation.
        box_ignore: Score above which an unconfirmed box is a region to ignore, and a cell's
            box and class are learnt densely.
        ema: Share of a teacher that stays at a step, once it is old enough.
        warmup: Steps of plain training on the source's own answers, before all else.
        warmup_confidence: Confidence above which those count.
        view: The strong view.
        seed: Of its random numbers.
    """

    auxiliary: Second = 'rgb'
    share_head: bool = False
    denoise: Literal['product', 'source'] = 'product'
    gamma_start: Weight = 1.0
    gamma_end: Weight = 0.0
    beta: Share = 0.5
    norms: Literal['adapted', 'frozen'] = 'adapted'
    tau_max: Share = 0.9
    tau_momentum: Share = 0.9
    agree_confidence: Share = 0.95
    balance: Share = 0.0
    self_training: Weight = 1.0
    auxiliary_weight: Weight = 0.5
    consistency: Weight = 1.0
    asymmetry: Weight = 0.5
    ramp: Share = 0.1
    diversity: Weight = 0.0
    detection: Weight = 1.0
    boxes: Literal['pseudo', 'dense'] = 'dense'
    box: Weight = 3.0
    objectness: Weight = 1.0
    classification: Weight = 1.0
    box_score: Share = 0.5
    box_overlap: Share = 0.5
    box_sure: Share = 0.8
    box_ignore: Share = 0.05
    ema: Share = 0.999
    warmup: Annotated[int, msgspec.Meta(ge=0)] = 0
    warmup_confidence: Share = 0.9
    view: ViewArgs = ViewArgs()
    seed: int = 0
