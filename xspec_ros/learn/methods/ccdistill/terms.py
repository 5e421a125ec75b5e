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

"""The terms of cross-domain correlation distillation from what networks see of the domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.methods.ccdistill.loss import (
    content_degree,
    gram,
    gram_rows,
    match,
    Quadruple,
    residuals,
    style_degree,
)
from xspec_ros.learn.methods.crm.loss import box_supervision, inside_cells
from xspec_ros.learn.methods.supervised.segmentation_loss import segmentation_cross_entropy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs
    from xspec_ros.learn.methods.ccdistill.domains import Rows
    from xspec_ros.learn.models.student import DetLevel

    Seen = Mapping[str, Mapping[str, torch.Tensor]]  # features by domain and name
    Make = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

STYLE = ('C2', 'C3')


def pixel_term(
    logits: torch.Tensor, label_map: torch.Tensor, class_weights: torch.Tensor
) -> torch.Tensor:
    """Return the cross-entropy of a domain, logits bilinear to the size of the labels.

    Args:
        logits: (M, K, h, w).
        label_map: (M, H, W) int64.
        class_weights: (K,).
    """
    fine = functional.interpolate(
        logits.float(), size=label_map.shape[-2:], mode='bilinear', align_corners=False
    )
    return segmentation_cross_entropy(fine, label_map, class_weights)


def coarse_term(
    logits: torch.Tensor, label_map: torch.Tensor, class_weights: torch.Tensor
) -> torch.Tensor:
    """Return the same with the label in the middle of every cell."""
    middle = functional.interpolate(
        label_map[:, None].float(), size=logits.shape[-2:], mode='nearest-exact'
    )
    return segmentation_cross_entropy(logits, middle[:, 0].long(), class_weights)


def box_term(det: Sequence[DetLevel], batch: Batch, rows: torch.Tensor) -> torch.Tensor:
    """Return the box losses of some pictures of a batch, given raw levels of those alone."""
    own = batch._replace(
        boxes_xyxy=batch.boxes_xyxy[rows],
        box_classes=batch.box_classes[rows],
        box_crowd=batch.box_crowd[rows],
        has_boxes=batch.has_boxes[rows],
    )
    return box_supervision(det, own)


def directions(
    features: Mapping[str, torch.Tensor], batch: Batch, rows: Rows, *, stride: int, make: Make
) -> Quadruple:
    """Return the directions of matched pictures.

    Args:
        features: (M, C, h, w) of four domains, in the order of ``Quadruple``.
        batch: What of its pictures is inside.
        rows: Which of them the domains come from.
        stride: Pixels a cell.
        make: Makes directions (M, R, D) of features and the cells that lie in the picture.
    """
    made = [
        make(each, inside_cells(batch.inside[rows.of(domain)], stride))
        for domain, each in features.items()
    ]
    return match(Quadruple(*made))


def styles(features: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Return the style of pictures as directions (B, C, C)."""
    return gram_rows(gram(features, cells))


def style_term(
    seen: Seen,
    batch: Batch,
    rows: Rows,
    *,
    table: Mapping[str, tuple[int, int]],
    args: CcDistillArgs,
) -> torch.Tensor:
    """Return L_CDS, averaged over the levels.

    Args:
        seen: Features of ``sd``, ``sn``, ``td`` and ``tn``.
        batch: What of its pictures is inside.
        rows: Which of them the domains come from.
        table: Stride and width of every feature.
        args: How degrees are compared.
    """
    found: list[torch.Tensor] = []
    for level in STYLE:
        features = {domain: seen[domain][level] for domain in ('sd', 'sn', 'td', 'tn')}
        matched = directions(features, batch, rows, stride=table[level][0], make=styles)
        found += residuals(
            matched, style_degree, distance=args.distance, stop_source=args.stop_source
        )
    return torch.stack(found).sum() / len(STYLE)


def content_term(matched: Quadruple, args: CcDistillArgs) -> torch.Tensor:
    """Return L_CDC."""
    both = residuals(matched, content_degree, distance=args.distance, stop_source=args.stop_source)
    return both.inherent + both.illumination
