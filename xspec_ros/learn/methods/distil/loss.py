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

"""What a student's answer lacks against a teacher's, as pure functions of tensors.

Pixels: Hinton et al., "Distilling the Knowledge in a Neural Network",
https://arxiv.org/abs/1503.02531, section 2. Boxes: dense logits rather than thresholded and
suppressed boxes, after Zhou et al., "Dense Teacher", https://arxiv.org/abs/2207.02541; the two
heads have the same cells, so nothing is matched.
"""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.crm.loss import inside_cells
from xspec_ros.learn.methods.reduce import global_count
from xspec_ros.learn.methods.supervised.detection_loss import giou_loss
from xspec_ros.learn.methods.supervised.segmentation_loss import segmentation_cross_entropy
from xspec_ros.learn.models.decode import flatten_levels, to_xyxy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.models.student import DetLevel


class BoxDistance(NamedTuple):
    """The three terms of boxes, each () float32."""

    box: torch.Tensor
    obj: torch.Tensor
    cls: torch.Tensor


def soft_distance(
    student: torch.Tensor, teacher: torch.Tensor, inside: torch.Tensor, *, temperature: float
) -> torch.Tensor:
    """Average ``T^2 * w * KL(softmax(t / T) || softmax(s / T))`` over cells inside the pictures.

    ``w`` is the probability of the teacher's class at T = 1: where the teacher guesses, the
    student need not follow. T^2 keeps the gradient's size as T changes (Hinton et al.).

    Args:
        student: (B, K, h, w) class logits.
        teacher: (B, K, h, w) class logits, constants.
        inside: (B, H, W) bool; a cell counts when all its pixels do.
        temperature: T.

    Returns:
        () float32; 0 with zero gradient when no cell is inside.
    """
    target = teacher.detach().float()
    cells = inside_cells(inside)
    weight = target.softmax(dim=1).amax(dim=1)  # (B, h, w)
    divergence = functional.kl_div(
        (student.float() / temperature).log_softmax(dim=1),
        (target / temperature).log_softmax(dim=1),
        reduction='none',
        log_target=True,
    ).sum(dim=1)  # (B, h, w)
    total = torch.where(cells, weight * divergence, 0.0).sum()
    return temperature**2 * total / global_count(cells.sum())


def hard_distance(
    student: torch.Tensor, teacher: torch.Tensor, inside: torch.Tensor, *, confidence: float
) -> torch.Tensor:
    """Average the cross-entropy with the teacher's class over pixels where it is sure.

    Args:
        student: (B, K, h, w) class logits.
        teacher: (B, K, h, w) class logits, constants.
        inside: (B, H, W) bool.
        confidence: Probability that the teacher's class must exceed.

    Returns:
        () float32; 0 with zero gradient when the teacher is nowhere sure.
    """
    both = torch.stack((student.float(), teacher.detach().float())).flatten(0, 1)
    ours, theirs = functional.interpolate(
        both, size=inside.shape[-2:], mode='bilinear', align_corners=False
    ).chunk(2)  # each (B, K, H, W)
    probability, label_map = theirs.softmax(dim=1).max(dim=1)
    sure = inside & (probability > confidence)
    return segmentation_cross_entropy(ours, torch.where(sure, label_map, IGNORE))


def box_distance(
    student: Sequence[DetLevel], teacher: Sequence[DetLevel], inside: torch.Tensor, *, score: float
) -> BoxDistance:
    """Compare raw detection levels cell by cell.

    Objectness is compared in every cell; class and box where the teacher sees an object.
    Divergences are those of Bernoulli variables: 0 when both say the same.

    Args:
        student: Raw levels of (B, ...) pictures.
        teacher: Raw levels of the same shapes, constants.
        inside: (B, H, W) bool; a cell counts when its centre does.
        score: Class probability times objectness that makes a teacher's cell an object.

    Returns:
        Sums over cells divided by the (all-reduced) number of the teacher's object cells.
    """
    ours = flatten_levels(student)
    with torch.no_grad():
        theirs = flatten_levels(teacher)
    columns, rows = ours.centre.long().unbind(dim=1)
    cells = inside[:, rows, columns]  # (B, N)
    seen = theirs.cls.sigmoid().amax(dim=2) * theirs.obj.sigmoid() > score
    seen = seen & cells
    divisor = global_count(seen.sum())
    boxes = to_xyxy(ours.box, ours.centre, ours.stride)[seen]  # (P, 4)
    truth = to_xyxy(theirs.box, theirs.centre, theirs.stride)[seen]
    return BoxDistance(
        box=giou_loss(boxes, truth).sum() / divisor,
        obj=_bernoulli(ours.obj[cells], theirs.obj[cells]) / divisor,
        cls=_bernoulli(ours.cls[seen], theirs.cls[seen]) / divisor,
    )


def _bernoulli(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Return the summed KL of Bernoulli variables given by their logits."""
    p = teacher.sigmoid()
    cross = functional.binary_cross_entropy_with_logits(student, p, reduction='sum')
    return cross - functional.binary_cross_entropy_with_logits(teacher, p, reduction='sum')
