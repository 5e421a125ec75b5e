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

"""Raw detection levels to boxes and scores: pure tensor code, the same in loss and export."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.models.student import DetLevel

MAX_LOG_SIZE = 6.0  # e^6 strides: beyond any picture; keeps exp finite under bf16


class FlatLevels(NamedTuple):
    """All levels in one row of N cells, finest level first, each row by row.

    Attributes:
        cls: (B, N, C) class logits.
        box: (B, N, 4) raw box values.
        obj: (B, N) objectness logits.
        centre: (N, 2) x, y of each cell's centre in pixels.
        stride: (N,) stride of each cell.
    """

    cls: torch.Tensor
    box: torch.Tensor
    obj: torch.Tensor
    centre: torch.Tensor
    stride: torch.Tensor


def flatten_levels(det: Sequence[DetLevel]) -> FlatLevels:
    """Lay the levels out in one row, in float32."""
    centres, strides = [], []
    for level in det:
        height, width = level.obj.shape[-2:]
        ys = torch.arange(height, device=level.obj.device, dtype=torch.float32) + 0.5
        xs = torch.arange(width, device=level.obj.device, dtype=torch.float32) + 0.5
        grid_y = ys[:, None].expand(height, width)
        grid_x = xs[None, :].expand(height, width)
        centre = torch.stack((grid_x, grid_y), dim=-1).reshape(-1, 2) * level.stride  # (h*w, 2)
        centres.append(centre)
        strides.append(torch.full_like(centre[:, 0], level.stride))
    return FlatLevels(
        cls=torch.cat([lv.cls.flatten(2).transpose(1, 2) for lv in det], dim=1).float(),
        box=torch.cat([lv.box.flatten(2).transpose(1, 2) for lv in det], dim=1).float(),
        obj=torch.cat([lv.obj.flatten(2).transpose(1, 2) for lv in det], dim=1)[..., 0].float(),
        centre=torch.cat(centres),
        stride=torch.cat(strides),
    )


def to_xyxy(box: torch.Tensor, centre: torch.Tensor, stride: torch.Tensor) -> torch.Tensor:
    """Turn raw values into corners.

    Args:
        box: (..., N, 4) dx, dy (cells), log w, log h (strides).
        centre: (N, 2) pixels.
        stride: (N,) pixels.

    Returns:
        (..., N, 4) left, top, right, bottom in pixels of the network input.
    """
    middle = centre + box[..., :2] * stride[:, None]
    half = box[..., 2:].clamp(-MAX_LOG_SIZE, MAX_LOG_SIZE).exp() * (0.5 * stride[:, None])
    return torch.cat((middle - half, middle + half), dim=-1)


def decode_boxes(det: Sequence[DetLevel]) -> tuple[torch.Tensor, torch.Tensor]:
    """Decode every cell.

    Returns:
        boxes_xyxy (B, N, 4) in pixels of the network input; scores (B, N, C) in [0, 1],
        class probability times objectness.
    """
    flat = flatten_levels(det)
    scores = flat.cls.sigmoid() * flat.obj.sigmoid()[..., None]
    return to_xyxy(flat.box, flat.centre, flat.stride), scores
