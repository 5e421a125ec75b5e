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

"""Box losses: GIoU, objectness and class, divided by the number of positive cells."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.batch import NO_BOX
from xspec_ros.learn.methods.reduce import global_count
from xspec_ros.learn.methods.supervised.assignment import assign
from xspec_ros.learn.models.decode import FlatLevels, flatten_levels, to_xyxy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.models.student import DetLevel


class BoxTruth(NamedTuple):
    """Box labels of a batch.

    Attributes:
        boxes_xyxy: (B, N, 4) pixels, padded.
        classes: (B, N) int64, ``NO_BOX`` where padded.
        crowd: (B, N) bool: regions to ignore.
        labelled: (B,) bool: the picture has box labels.
    """

    boxes_xyxy: torch.Tensor
    classes: torch.Tensor
    crowd: torch.Tensor
    labelled: torch.Tensor


class DetectionLoss(NamedTuple):
    """The three terms, each () float32, and the number of positive cells."""

    box: torch.Tensor
    obj: torch.Tensor
    cls: torch.Tensor
    positives: torch.Tensor


class _Targets(NamedTuple):
    picture: torch.Tensor  # (P,)
    cell: torch.Tensor  # (P,)
    box: torch.Tensor  # (P, 4)
    cls: torch.Tensor  # (P,)
    iou: torch.Tensor  # (P,)


def giou_loss(predicted: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return 1 - GIoU of paired boxes.

    Rezatofighi et al., https://arxiv.org/abs/1902.09630, algorithm 1.

    Args:
        predicted: (P, 4) corners.
        truth: (P, 4) corners.

    Returns:
        (P,) in [0, 2].
    """
    inter_tl = torch.maximum(predicted[:, :2], truth[:, :2])
    inter_br = torch.minimum(predicted[:, 2:], truth[:, 2:])
    hull_tl = torch.minimum(predicted[:, :2], truth[:, :2])
    hull_br = torch.maximum(predicted[:, 2:], truth[:, 2:])
    inter = (inter_br - inter_tl).clamp(min=0).prod(dim=1)
    area_p = (predicted[:, 2:] - predicted[:, :2]).prod(dim=1)
    area_t = (truth[:, 2:] - truth[:, :2]).prod(dim=1)
    union = (area_p + area_t - inter).clamp(min=1e-6)
    hull = (hull_br - hull_tl).prod(dim=1).clamp(min=1e-6)
    return 1 - inter / union + (hull - union) / hull


def detection_loss(det: Sequence[DetLevel], truth: BoxTruth) -> DetectionLoss:
    """Compare raw levels with the labels.

    The objectness target is 1 for positives, the class target is their IoU. Pictures without
    labels and cells inside crowd regions that are no positives have no objectness loss.

    Args:
        det: Raw levels of (B, ...) pictures.
        truth: Labels of the same pictures.

    Returns:
        Sums over cells divided by the (all-reduced) number of positives; 0 with zero gradient
        where nothing is labelled.
    """
    flat = flatten_levels(det)
    boxes = to_xyxy(flat.box, flat.centre, flat.stride)  # (B, N, 4)
    targets = _match(flat, boxes, truth)
    divisor = global_count(torch.tensor(len(targets.cell), device=boxes.device))
    picture, cell = targets.picture, targets.cell

    obj_target = torch.zeros_like(flat.obj)
    obj_target[picture, cell] = 1.0
    counted = truth.labelled[:, None] & ~_inside_crowd(flat.centre, truth)
    counted[picture, cell] = True
    obj = functional.binary_cross_entropy_with_logits(flat.obj, obj_target, reduction='none')

    cls_target = functional.one_hot(targets.cls, flat.cls.shape[2]) * targets.iou[:, None]
    cls = functional.binary_cross_entropy_with_logits(
        flat.cls[picture, cell], cls_target.to(flat.cls.dtype), reduction='sum'
    )
    return DetectionLoss(
        box=giou_loss(boxes[picture, cell], targets.box).sum() / divisor,
        obj=(obj * counted).sum() / divisor,
        cls=cls / divisor,
        positives=torch.tensor(len(cell)),
    )


@torch.no_grad()
def _match(flat: FlatLevels, boxes: torch.Tensor, truth: BoxTruth) -> _Targets:
    probabilities = flat.cls.sigmoid() * flat.obj.sigmoid()[..., None]
    parts: list[_Targets] = []
    for index in range(len(boxes)):
        wanted = (truth.classes[index] != NO_BOX) & ~truth.crowd[index]
        if not bool(truth.labelled[index]) or not bool(wanted.any()):
            continue
        truth_boxes = truth.boxes_xyxy[index][wanted]
        truth_classes = truth.classes[index][wanted]
        found = assign(
            boxes[index],
            probabilities[index],
            centre=flat.centre,
            stride=flat.stride,
            truth_boxes=truth_boxes,
            truth_classes=truth_classes,
        )
        parts.append(
            _Targets(
                picture=torch.full_like(found.cells, index),
                cell=found.cells,
                box=truth_boxes[found.objects],
                cls=truth_classes[found.objects],
                iou=found.iou,
            )
        )
    if not parts:
        nothing = torch.zeros(0, dtype=torch.int64, device=boxes.device)
        return _Targets(nothing, nothing, boxes.new_zeros(0, 4), nothing, boxes.new_zeros(0))
    return _Targets(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def _inside_crowd(centre: torch.Tensor, truth: BoxTruth) -> torch.Tensor:
    """Return (B, N): the cell's centre lies in a crowd region."""
    if not bool(truth.crowd.any()):
        return torch.zeros(len(truth.crowd), len(centre), dtype=torch.bool, device=centre.device)
    x, y = centre[:, 0], centre[:, 1]
    left, top, right, bottom = truth.boxes_xyxy[..., None].unbind(dim=2)  # each (B, M, 1)
    inside = (x >= left) & (x < right) & (y >= top) & (y < bottom)
    return (inside & truth.crowd[..., None]).any(dim=1)
