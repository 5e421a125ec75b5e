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

"""Named, weighted terms of masked mutual learning from what the two networks say."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

from xspec_ros.learn.methods.masked_mutual.loss import (
    log_probabilities,
    mutual_loss,
    night_loss,
    official_night_loss,
    pixel_nll,
    prototype_loss,
)
from xspec_ros.learn.methods.masked_mutual.masks import spectral_masks
from xspec_ros.learn.methods.masked_mutual.prototypes import (
    class_sums,
    ClassSums,
    cosine,
    Prototypes,
    stack_modalities,
    sure_labels,
)
from xspec_ros.learn.methods.reduce import mean_over
from xspec_ros.learn.methods.supervised.detection_loss import BoxTruth, detection_loss

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.masked_mutual.args import MaskedMutualArgs
    from xspec_ros.learn.models.student import DetLevel


class View(NamedTuple):
    """What a network says of pictures.

    Attributes:
        logits: (B, K, h, w) of the segmentation.
        features: (B, D, h, w) in the space of the prototypes.
    """

    logits: torch.Tensor
    features: torch.Tensor

    def of(self, rows: torch.Tensor) -> View:
        """Return some of the pictures, given (B,) bool."""
        return View(self.logits[rows], self.features[rows])


class DayTerms(NamedTuple):
    """Weighted terms by name, and what the prototypes are to learn from the batch."""

    terms: dict[str, torch.Tensor]
    sums: ClassSums


def day_terms(
    rgb: View,
    thermal: View,
    label_map: torch.Tensor,
    *,
    known: Prototypes,
    args: MaskedMutualArgs,
) -> DayTerms:
    """Return cross-entropy, mutual and prototype terms of both networks.

    Args:
        rgb: The RGB network on the pairs of the day.
        thermal: The thermal network on the same.
        label_map: (B, H, W) int64 pseudo-labels.
        known: Prototypes before the step.
        args: Weights and constants.
    """
    size, count = (label_map.shape[-2], label_map.shape[-1]), rgb.logits.shape[1]
    valid = label_map < count
    log_rgb, log_thermal = (log_probabilities(view.logits, size) for view in (rgb, thermal))
    nll_rgb, nll_thermal = (pixel_nll(log_p, label_map) for log_p in (log_rgb, log_thermal))
    mml = args.mml
    masks = spectral_masks(nll_rgb, nll_thermal, valid, inter=mml.inter, intra=mml.intra)
    by_thermal = mutual_loss(log_rgb, log_thermal, masks.thermal, valid, form=mml.mask)
    by_rgb = mutual_loss(log_thermal, log_rgb, masks.rgb, valid, form=mml.mask)
    near = {
        name: prototype_loss(cosine(view.features, known.eta), known.seen, label_map, args.tau)
        for name, view in (('rgb', rgb), ('thermal', thermal))
    }
    terms = {
        'seg_rgb': args.segmentation * mean_over(nll_rgb, valid),
        'seg': args.segmentation * mean_over(nll_thermal, valid),
        'mml_rgb': mml.weight * by_thermal,
        'mml': mml.weight * by_rgb,
        'prototype_rgb': args.prototype * near['rgb'],
        'prototype': args.prototype * near['thermal'],
    }
    sums = [
        class_sums(
            view.features,
            sure_labels(log_p, label_map, view.features.shape[-2:], args.theta),
            count,
        )
        for view, log_p in ((rgb, log_rgb), (thermal, log_thermal))
    ]
    return DayTerms(terms, stack_modalities(*sums))


def night_term(
    thermal: View, inside: torch.Tensor, *, known: Prototypes, args: MaskedMutualArgs
) -> torch.Tensor:
    """Return the weighted self-supervised term.

    Args:
        thermal: The thermal network on pictures of the night.
        inside: (B, H, W) bool: the pixel lies in the picture.
        known: Prototypes before the step.
        args: Weights and constants.
    """
    size = (inside.shape[-2], inside.shape[-1])
    log_p = log_probabilities(thermal.logits.detach(), size)
    near = cosine(thermal.features, known.eta)
    if args.psl == 'official':
        return args.night_weight() * official_night_loss(log_p, near, known.seen, inside)
    term = night_loss(log_p, near, known.seen, inside, tau=args.tau, theta=args.theta_night)
    return args.night_weight() * term


def box_terms(
    levels: Sequence[DetLevel], batch: Batch, day: torch.Tensor, *, args: MaskedMutualArgs
) -> dict[str, torch.Tensor]:
    """Return the weighted box terms of the thermal network.

    Args:
        levels: Raw levels of every picture.
        batch: Its labels.
        day: (B,) bool: pictures whose boxes count.
        args: Weights.
    """
    labelled = batch.has_boxes & day
    truth = BoxTruth(batch.boxes_xyxy, batch.box_classes, batch.box_crowd, labelled)
    det = detection_loss(levels, truth)
    return {
        'box': args.detection * args.box * det.box,
        'obj': args.detection * args.objectness * det.obj,
        'cls': args.detection * args.classification * det.cls,
    }
