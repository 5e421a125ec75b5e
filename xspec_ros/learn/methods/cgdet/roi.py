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

"""Features of boxes: which level a box belongs to, and what lies within it there.

The level rule is that of feature pyramids (Lin et al., https://arxiv.org/abs/1612.03144, equation
1) with thresholds for strides 8, 16, 32; the sampling is RoIAlign (He et al.,
https://arxiv.org/abs/1703.06870, section 3) with half-pixel alignment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.models.student import STRIDES

if TYPE_CHECKING:
    from collections.abc import Sequence

FINEST, COARSEST = 3, 5  # P3 has the stride STRIDES[0]
SIDE, AT_WIDTH = 64.0, 640.0  # a box of this side is P4's where a picture is this wide
SAMPLES = 2  # along a side of a bin


def box_levels(boxes_xyxy: torch.Tensor, width: int) -> torch.Tensor:
    """Return ``clamp(4 + floor(log2(sqrt(w h) / s0)), 3, 5)`` with ``s0 = 64 W / 640``.

    Args:
        boxes_xyxy: (..., 4) pixels.
        width: W, columns of a picture as the network takes it.

    Returns:
        (...) int64, 3 to 5: the number of the P.
    """
    sides = (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).float().clamp(min=0)
    relative = sides.prod(dim=-1).sqrt() / (SIDE * width / AT_WIDTH)
    level = 4 + torch.log2(relative + 1e-6).floor()  # what stands on a boundary goes up
    return level.clamp(FINEST, COARSEST).long()


def roi_align(
    features: torch.Tensor,
    boxes_xyxy: torch.Tensor,
    rows: torch.Tensor,
    *,
    stride: int,
    size: int,
) -> torch.Tensor:
    """Average bilinear samples in the bins of boxes, 2 x 2 a bin.

    All boxes of a picture are sampled at once, so that no map is copied for a box.

    Args:
        features: (B, C, h, w); pixel ``(i + 0.5) * stride`` is the centre of cell i.
        boxes_xyxy: (R, 4) pixels; samples outside the map take the value at its border.
        rows: (R,) int64, the picture of every box.
        stride: Pixels a cell.
        size: S, bins along a side.

    Returns:
        (R, C, S, S) float32.
    """
    count, channels, height, width = features.shape
    side = SAMPLES * size
    if len(rows) == 0:
        return features.new_zeros(0, channels, size, size, dtype=torch.float32)
    slot, most = _slots(rows, count)
    ticks = (torch.arange(side, device=features.device, dtype=torch.float32) + 0.5) / side
    corner, extent = boxes_xyxy[:, :2].float(), (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).float()
    points = corner[:, None] + ticks[None, :, None] * extent[:, None]  # (R, side, 2)
    points = points * (2.0 / (stride * torch.tensor([width, height], device=points.device))) - 1
    grid = points.new_zeros(count, most, side, side, 2)
    grid[rows, slot, ..., 0] = points[:, None, :, 0]
    grid[rows, slot, ..., 1] = points[:, :, None, 1]
    with torch.autocast(features.device.type, enabled=False):
        found = functional.grid_sample(
            features.float(),
            grid.reshape(count, most * side, side, 2),
            mode='bilinear',
            padding_mode='border',
            align_corners=False,
        )  # (B, C, most*side, side)
    bins = found.reshape(count, channels, most, size, SAMPLES, size, SAMPLES).mean(dim=(4, 6))
    return bins[rows, :, slot]  # (R, C, S, S)


def roi_features(
    pyramid: Sequence[torch.Tensor],
    boxes_xyxy: torch.Tensor,
    rows: torch.Tensor,
    *,
    levels: torch.Tensor,
    size: int,
) -> torch.Tensor:
    """Return the mean feature of every box on its level.

    Args:
        pyramid: P3, P4, P5, each (B, C, h, w).
        boxes_xyxy: (R, 4) pixels.
        rows: (R,) int64, the picture of every box.
        levels: (R,) int64 from ``box_levels``.
        size: Bins along a side.

    Returns:
        (R, C) float32.
    """
    parts, places = [], []
    for number, (features, stride) in enumerate(zip(pyramid, STRIDES, strict=True), FINEST):
        place = (levels == number).nonzero()[:, 0]
        bins = roi_align(features, boxes_xyxy[place], rows[place], stride=stride, size=size)
        parts.append(bins.mean(dim=(2, 3)))
        places.append(place)
    return torch.cat(parts)[torch.cat(places).argsort()]


def _slots(rows: torch.Tensor, count: int) -> tuple[torch.Tensor, int]:
    """Return (R,) the place of each box among those of its picture, and the most of a picture."""
    each = rows.bincount(minlength=count)  # (B,)
    order = rows.argsort(stable=True)
    first = each.cumsum(0) - each
    slot = torch.empty_like(rows)
    slot[order] = torch.arange(len(rows), device=rows.device) - first[rows[order]]
    return slot, int(each.max())
