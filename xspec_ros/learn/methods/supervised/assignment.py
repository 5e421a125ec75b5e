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

"""Which cells learn which object: the SimOTA rule.

Ge et al., "YOLOX", https://arxiv.org/abs/2107.08430, section 2.1; Ge et al., "OTA",
https://arxiv.org/abs/2103.14259. One picture at a time, on candidate cells only.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional

CENTRE_RADIUS = 1.5  # cells around the centre that may learn an object
IOU_COST = 3.0
TOP_CANDIDATES = 10  # their summed IoU says how many cells an object gets
FORBIDDEN = 1e6


class Assignment(NamedTuple):
    """Positives of one picture.

    Attributes:
        cells: (P,) int64 index of the cell.
        objects: (P,) int64 index of its object.
        iou: (P,) float32 overlap of the cell's box with it.
    """

    cells: torch.Tensor
    objects: torch.Tensor
    iou: torch.Tensor


def pairwise_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the IoU of boxes (N, 4) with boxes (M, 4), corners, as (N, M)."""
    top_left = torch.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = (bottom_right - top_left).clamp(min=0).prod(dim=2)
    area_a = (a[:, 2:] - a[:, :2]).prod(dim=1)
    area_b = (b[:, 2:] - b[:, :2]).prod(dim=1)
    return inter / (area_a[:, None] + area_b[None, :] - inter).clamp(min=1e-6)


@torch.no_grad()
def assign(
    boxes: torch.Tensor,
    class_probabilities: torch.Tensor,
    *,
    centre: torch.Tensor,
    stride: torch.Tensor,
    truth_boxes: torch.Tensor,
    truth_classes: torch.Tensor,
) -> Assignment:
    """Assign cells to the objects of one picture.

    Args:
        boxes: (N, 4) decoded corners of every cell.
        class_probabilities: (N, C) class probability times objectness.
        centre: (N, 2) cell centres in pixels.
        stride: (N,) cell sizes in pixels.
        truth_boxes: (G, 4) corners.
        truth_classes: (G,) int64.

    Returns:
        The positives: a cell has one object, an object has one cell or more wherever a cell's
        centre lies near its own.
    """
    middle = (truth_boxes[:, :2] + truth_boxes[:, 2:]) / 2  # (G, 2)
    distance = (centre[None] - middle[:, None]).abs().amax(dim=2)  # (G, N)
    near = distance < CENTRE_RADIUS * stride[None]
    candidates = near.any(dim=0).nonzero()[:, 0]  # (M,)
    if len(candidates) == 0:
        nothing = candidates.new_zeros(0)
        return Assignment(nothing, nothing, boxes.new_zeros(0))
    near = near[:, candidates]
    iou = pairwise_iou(truth_boxes, boxes[candidates])  # (G, M)
    cost = _cost(iou, class_probabilities[candidates], truth_classes, near)
    chosen = _dynamic_choice(cost, iou) & near
    twice = chosen.sum(dim=0) > 1
    if bool(twice.any()):  # a cell that several want learns the cheapest
        best = functional.one_hot(cost.argmin(dim=0), len(truth_boxes)).T.bool()
        chosen = torch.where(twice[None], best & near, chosen)
    objects, index = chosen.nonzero(as_tuple=True)
    return Assignment(candidates[index], objects, iou[objects, index])


def _cost(
    iou: torch.Tensor,
    probabilities: torch.Tensor,
    truth_classes: torch.Tensor,
    near: torch.Tensor,
) -> torch.Tensor:
    p = probabilities.sqrt().clamp(1e-6, 1 - 1e-6)  # (M, C)
    wrong = -torch.log1p(-p)  # cost of saying a class that is not there
    right = -torch.log(p)
    rest = wrong.sum(dim=1)  # (M,)
    cls_cost = rest[None] + (right - wrong)[:, truth_classes].T  # (G, M)
    return cls_cost - IOU_COST * torch.log(iou + 1e-8) + FORBIDDEN * (~near)


def _dynamic_choice(cost: torch.Tensor, iou: torch.Tensor) -> torch.Tensor:
    top = iou.topk(min(TOP_CANDIDATES, iou.shape[1]), dim=1).values
    count = top.sum(dim=1).int().clamp(min=1)  # (G,)
    rank = cost.argsort(dim=1, stable=True).argsort(dim=1)  # (G, M)
    return rank < count[:, None]
