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

"""Terms of complementary random masking, as pure functions of tensors.

Shin et al., https://arxiv.org/abs/2303.17386, in its per-pixel form: class logits at stride 4
stand in for the class logits of queries. docs/methods/crm.md maps equations to functions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.methods.reduce import global_count
from xspec_ros.learn.methods.supervised.args import SupervisedArgs
from xspec_ros.learn.methods.supervised.detection_loss import BoxTruth, detection_loss
from xspec_ros.learn.methods.supervised.segmentation_loss import (
    complement_loss,
    segmentation_cross_entropy,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.models.student import DetLevel

STRIDE = 4  # of the segmentation logits
BOXES = SupervisedArgs()  # how the box terms weigh against one another


def inside_cells(inside: torch.Tensor, stride: int = STRIDE) -> torch.Tensor:
    """Return the cells all of whose pixels lie inside the picture.

    Args:
        inside: (B, H, W) bool.
        stride: s, rows and columns of pixels a cell.

    Returns:
        (B, H/s, W/s) bool.
    """
    count, height, width = inside.shape
    blocks = inside.reshape(count, height // stride, stride, width // stride, stride)
    return blocks.all(dim=4).all(dim=2)


def growth(step: int, steps: int, share: float) -> float:
    """Return ``u``: 0 at the first step, 1 from ``share`` of the run on."""
    return min(1.0, step / (share * steps)) if share > 0 else 1.0


@torch.no_grad()
def cell_weights(
    reference: torch.Tensor,
    cells: torch.Tensor,
    labelled: torch.Tensor,
    *,
    unlabelled_weight: float,
    confidence: float,
) -> torch.Tensor:
    """Return how much each cell counts in self-distillation.

    Args:
        reference: (B, K, h, w) class logits of the clean fused path.
        cells: (B, h, w) bool, inside the picture.
        labelled: (B,) bool: the picture has pixel labels.
        unlabelled_weight: ``u`` of pictures without.
        confidence: Probability that the reference's class must exceed in those.

    Returns:
        (B, h, w) float32: 1 in labelled pictures, u or 0 in others, 0 outside.
    """
    sure = reference.float().softmax(dim=1).amax(dim=1) > confidence  # (B, h, w)
    weight = torch.where(labelled[:, None, None], 1.0, unlabelled_weight * sure.float())
    return weight * cells


def self_distillation(
    reference: torch.Tensor, masked: torch.Tensor, weights: torch.Tensor, cells: torch.Tensor
) -> torch.Tensor:
    """Average ``|sg(c_RT) - c^|`` over the elements of all cells inside the pictures.

    L_SDC for the masked fused path; the two addends of L_SDN for the masked RGB and thermal one.

    Args:
        reference: (B, K, h, w) class logits of the clean fused path, a constant here.
        masked: (B, K, h, w) class logits of a masked path.
        weights: (B, h, w) float32 from ``cell_weights``.
        cells: (B, h, w) bool, inside the picture; what the mean is over.

    Returns:
        () float32; 0 with zero gradient when no cell is inside.
    """
    distance = (reference.detach().float() - masked.float()).abs().sum(dim=1)  # (B, h, w)
    # A choice, not a product: whatever stands outside the picture, it must not spread.
    total = torch.where(weights > 0, distance * weights, 0.0).sum()
    return total / (masked.shape[1] * global_count(cells.sum()))


def supervision(
    seg_logits: torch.Tensor, batch: Batch, *, complement: float = 1.0
) -> torch.Tensor:
    """Compare logits with pixel labels where pictures have them: ``L_sup``.

    Args:
        seg_logits: (B, K, h, w), upsampled bilinearly here.
        batch: The labels.
        complement: Weight of pixels known to be none of the annotated classes.

    Returns:
        () float32; 0 with zero gradient when no pixel is labelled.
    """
    rows = batch.has_masks  # the full-size logits are costly: only where they are used
    label_map = batch.label_map[rows]  # (M, H, W)
    logits = functional.interpolate(
        seg_logits.float()[rows], size=label_map.shape[-2:], mode='bilinear', align_corners=False
    )  # (M, K, H, W)
    pixels = segmentation_cross_entropy(logits, label_map)
    return pixels + complement * complement_loss(logits, label_map, batch.mask_classes[rows])


def box_supervision(det: Sequence[DetLevel], batch: Batch) -> torch.Tensor:
    """Compare raw detection levels with the boxes, the terms weighed as in supervised training.

    Args:
        det: Raw levels of the batch's pictures.
        batch: The labels.

    Returns:
        () float32; 0 with zero gradient when no picture has boxes.
    """
    truth = BoxTruth(batch.boxes_xyxy, batch.box_classes, batch.box_crowd, batch.has_boxes)
    loss = detection_loss(det, truth)
    terms = (BOXES.box * loss.box, BOXES.objectness * loss.obj, BOXES.classification * loss.cls)
    return torch.stack(terms).sum()
