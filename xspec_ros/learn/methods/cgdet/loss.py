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

"""Losses of cgdet: pure functions of tensors, float32 inside.

Kim and An, "Contrast-Guided Cross-Modal Distillation for Thermal Object Detection",
https://arxiv.org/abs/2511.01435. docs/methods/cgdet.md has the table from equations to functions.
The contrast is the supervised one of Khosla et al., https://arxiv.org/abs/2004.11362, equation 2.
"""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.methods.gather import gather_rows, gathered_loss
from xspec_ros.learn.methods.reduce import global_count, global_sum

if TYPE_CHECKING:
    from xspec_ros.learn.methods.cgdet.args import Guidance

EPS = 1e-12  # least norm that is divided by
FLAT = 1e-6  # least variance of a channel that says something
NEVER = -1e4  # similarity of an embedding with itself


class Embedded(NamedTuple):
    """Boxes as the contrast sees them.

    Attributes:
        z: (N, D) float32, unit length.
        classes: (N,) int64, negative for no object.
        weights: (N,) float32 of the boxes as anchors.
    """

    z: torch.Tensor
    classes: torch.Tensor
    weights: torch.Tensor


def contrast_loss(rois: Embedded, *, tau: float, memory: Embedded | None = None) -> torch.Tensor:
    """Pull embeddings of one class together and push those of different classes apart.

    ``L_rcs``: the weighted mean over anchors i, boxes with another of their class, of
    ``-mean_p log(exp(z_i z_p / tau) / sum_a exp(z_i z_a / tau))``, p over the others of the class,
    a over all others.

    Args:
        rois: Anchors, which are compared with one another.
        tau: Temperature.
        memory: Embeddings that anchors are compared with too, constants.

    Returns:
        () float32; 0 with zero gradient when no box has another of its class.
    """
    others = rois if memory is None else Embedded(*map(torch.cat, zip(rois, memory, strict=True)))
    with torch.autocast(rois.z.device.type, enabled=False):
        logits = rois.z.float() @ others.z.float().T / tau  # (N, M)
    itself = torch.eye(*logits.shape, dtype=torch.bool, device=logits.device)
    logits = logits.masked_fill(itself, NEVER)
    log_share = logits - logits.logsumexp(dim=1, keepdim=True)
    same = (rois.classes[:, None] == others.classes) & (rois.classes >= 0)[:, None] & ~itself
    count = same.sum(dim=1)  # (N,)
    terms = -torch.where(same, log_share, 0.0).sum(dim=1) / count.clamp(min=1)
    weights = rois.weights * (count > 0)
    return (weights * terms).sum() / weights.sum().clamp(min=EPS)


def feature_distance(
    student: torch.Tensor, teacher: torch.Tensor, *, kind: Guidance, beta: float = 1.0
) -> torch.Tensor:
    """Compare features position by position.

    ``cosine``: ``||s / |s| - t / |t| ||^2`` in [0, 4]; ``l1_cosine``: ``mean_C |s - t| + beta (1 -
    cos(s, t))``.

    Args:
        student: (B, C, h, w) of any precision.
        teacher: (B, C, h, w), constants.
        kind: Which distance.
        beta: Share of the cosine in the second.

    Returns:
        (B, h, w) float32.
    """
    ours, theirs = student.float(), teacher.detach().float()
    unit, aim = (functional.normalize(each, dim=1, eps=EPS) for each in (ours, theirs))
    if kind == 'cosine':
        return (unit - aim).square().sum(dim=1)
    return (ours - theirs).abs().mean(dim=1) + beta * (1 - (unit * aim).sum(dim=1))


def correlation_loss(
    student: torch.Tensor, teacher: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Compare where features respond: one minus the correlation of every channel, averaged.

    ``mean_c (1 - r_c)``, r_c the correlation of a channel of the student with the same of the
    teacher over the weighted cells of every process, in [0, 2]; Cao et al., "PKD",
    https://arxiv.org/abs/2207.02039. Channels of the teacher that are the same everywhere do not
    count.

    Args:
        student: (B, C, h, w) of any precision.
        teacher: (B, C, h, w), constants.
        weights: (B, h, w) float32 of the cells.

    Returns:
        () float32; 0 with zero gradient where nothing has a weight.
    """
    share = weights[:, None] / global_sum(weights.sum()).clamp(min=EPS)
    with torch.autocast(student.device.type, enabled=False):
        ours, theirs = (_centred(each.float(), share) for each in (student, teacher.detach()))
        products = (ours, theirs, ours.square(), theirs.square(), ours * theirs)
        own = torch.stack(
            [torch.where(share > 0, share * each, 0.0).sum((0, 2, 3)) for each in products]
        )
        parts = gather_rows(own[None])
        mean_s, mean_t, square_s, square_t, both = torch.cat(parts).sum(dim=0)  # each (C,)
    spread = (square_s - mean_s.square() + FLAT) * (square_t - mean_t.square() + FLAT)
    lost = 1 - (both - mean_s * mean_t) / spread.sqrt()
    alive = square_t - mean_t.square() > FLAT
    loss = torch.where(alive, lost, 0.0).sum() / alive.sum().clamp(min=1)
    return gathered_loss(loss, len(parts))


def _centred(features: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Take a constant near the mean of every channel away, so that squares keep their digits."""
    mean = torch.where(share > 0, share * features.detach(), 0.0).sum((0, 2, 3), keepdim=True)
    return features - global_sum(mean)


def cell_weights(
    boxed: torch.Tensor, cells: torch.Tensor, reliability: torch.Tensor, *, gamma: float
) -> torch.Tensor:
    """Return ``a = v (1 within boxes, gamma elsewhere)``, 0 outside the picture.

    Args:
        boxed: (B, h, w) bool: the cell's centre lies in a box that counts on this level.
        cells: (B, h, w) bool: the cell lies inside the picture.
        reliability: (B,) float32 v of the RGB half.
        gamma: Weight outside boxes.
    """
    inner = torch.where(boxed, 1.0, gamma)
    return reliability[:, None, None] * inner * cells


def weighted_mean(distance: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return ``sum(a d) / max(1, sum(a))`` over every process, both (B, h, w)."""
    total = torch.where(weights > 0, weights * distance, 0.0).sum()
    return total / global_count(weights.sum())


def boxed_cells(
    boxes_xyxy: torch.Tensor, counted: torch.Tensor, *, cells_hw: tuple[int, int], stride: int
) -> torch.Tensor:
    """Return the cells whose centres lie in a box.

    Args:
        boxes_xyxy: (B, N, 4) pixels.
        counted: (B, N) bool: boxes that are looked at.
        cells_hw: (h, w).
        stride: Pixels a cell.

    Returns:
        (B, h, w) bool.
    """
    y, x = ((torch.arange(n, device=counted.device) + 0.5) * stride for n in cells_hw)
    left, top, right, bottom = boxes_xyxy[..., None].unbind(dim=2)  # each (B, N, 1)
    across = (x >= left) & (x < right) & counted[..., None]  # (B, N, w)
    down = (y >= top) & (y < bottom)  # (B, N, h)
    return (down[..., :, None] & across[..., None, :]).any(dim=1)
