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

"""Guidance of the student's pyramid by the teacher's, level by level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from xspec_ros.learn.methods.cgdet.loss import (
    boxed_cells,
    cell_weights,
    correlation_loss,
    feature_distance,
    weighted_mean,
)
from xspec_ros.learn.methods.cgdet.roi import box_levels, FINEST
from xspec_ros.learn.methods.cgdet.sampling import usable
from xspec_ros.learn.methods.crm.loss import inside_cells
from xspec_ros.learn.models.student import STRIDES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.cgdet.args import CgdetArgs


def guidance_weights(
    batch: Batch, reliability: torch.Tensor, args: CgdetArgs, *, width: int
) -> list[torch.Tensor]:
    """Return the weight of every cell of P3, P4 and P5, each (B, h, w) float32.

    Args:
        batch: Boxes, and what lies inside the pictures.
        reliability: (B,) float32 of the RGB halves.
        args: Which boxes count on which level, and what the other cells weigh.
        width: Columns of a whole picture at the scale of the boxes.
    """
    objects, levels = usable(batch), box_levels(batch.boxes_xyxy, width)
    found = []
    for number, stride in enumerate(STRIDES, FINEST):
        counted = objects if args.levels == 'all' else objects & (levels == number)
        cells = inside_cells(batch.inside, stride)
        size = (cells.shape[1], cells.shape[2])
        boxed = boxed_cells(batch.boxes_xyxy, counted, cells_hw=size, stride=stride)
        found.append(cell_weights(boxed, cells, reliability, gamma=args.gamma))
    return found


def guidance_loss(
    student: Sequence[torch.Tensor],
    teacher: Sequence[torch.Tensor],
    weights: Sequence[torch.Tensor],
    args: CgdetArgs,
) -> torch.Tensor:
    """Return ``L_cms``, the mean over levels of the weighted mean distance.

    Args:
        student: Adapted P3, P4, P5, each (B, C, h, w).
        teacher: The same of the teacher, constants.
        weights: From ``guidance_weights``.
        args: The distance.
    """
    levels = zip(student, teacher, weights, strict=True)
    if args.guidance == 'correlation':
        return torch.stack([correlation_loss(*level) for level in levels]).mean()
    terms = [
        weighted_mean(feature_distance(ours, theirs, kind=args.guidance, beta=args.beta), weight)
        for ours, theirs, weight in levels
    ]
    return torch.stack(terms).mean()
