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

"""The auxiliary network: thermal and a second picture, for training only.

After Yin et al., "CrossMatch", ICCV 2023, where the second picture is depth. Here it is RGB, or
what thermal itself gives where there is no RGB; the fusion is our own.
"""

from __future__ import annotations

from typing import cast, TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

from xspec_ros.learn.methods.reduce import idle
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspec_ros.learn.models.student import Student

THERMAL_FIRST = 3.0  # bias of the gates: sigmoid(3) = 95 % thermal
STEEP = 4.0  # a step of 1 / STEEP from pixel to pixel reads 1 in the gradient image


class AuxiliaryNetwork(nn.Module):
    """Two backbones, a gate a level, one pyramid and its heads.

    Args:
        thermal: Student of thermal pictures, whose pyramid and heads answer.
        second: Student of the second picture; its backbone alone is kept.
    """

    def __init__(self, thermal: Student, second: Student) -> None:
        super().__init__()
        self.thermal, self.second = thermal, second
        for part in ('pyramid', 'detection', 'segmentation', 'level_norms'):
            delattr(second, part)
        widths = [thermal.feature_table[name][1] for name in ('C2', 'C3', 'C4', 'C5')]
        self.gates = nn.ModuleList(nn.Conv2d(2 * width, 1, 1) for width in widths)
        for gate in self.gates:  # both halves count alike at first
            nn.init.zeros_(cast('nn.Conv2d', gate).weight)
            nn.init.zeros_(cast('torch.Tensor', cast('nn.Conv2d', gate).bias))

    def trust_thermal(self) -> None:
        """Let the gates begin with thermal, for a second backbone that cannot see yet."""
        for gate in self.gates:
            nn.init.constant_(cast('torch.Tensor', cast('nn.Conv2d', gate).bias), THERMAL_FIRST)

    def levels(
        self, thermal: torch.Tensor, second: torch.Tensor, reliability: torch.Tensor
    ) -> list[torch.Tensor]:
        """Return C2..C5 of both pictures together.

        ``F = T + v (1 - a) (R - T)`` with ``a = sigmoid(gate([T; v R]))``: the page's
        ``a T + (1 - a) R`` at v = 1, T alone at v = 0. Pictures of v = 0 do not pass through the
        second backbone, whose norms therefore see none of the night.

        Args:
            thermal: (B, 1, H, W) in [0, 1].
            second: (B, C, H, W) in [0, 1].
            reliability: (B,) v in [0, 1], how far the second picture can be believed.
        """
        warm = cast('list[torch.Tensor]', self.thermal.backbone(_laid_out(thermal)))
        seen = self._second(second, reliability > 0, warm)
        fused = []
        for gate, t, r in zip(self.gates, warm, seen, strict=True):
            v = reliability.to(t.dtype)[:, None, None, None]
            share = v * (1 - torch.sigmoid(gate(torch.cat((t, v * r), dim=1))))  # (B, 1, h, w)
            fused.append(t + share * (r - t))
        return fused

    def take(
        self, weights: Mapping[str, torch.Tensor], source: Mapping[str, torch.Tensor]
    ) -> None:
        """Begin from another network.

        Args:
            weights: For everything but the second backbone.
            source: For that one, across cameras; where its names are others, ``weights`` again.
        """
        take_weights(self.thermal, weights)
        take_weights(self.second, {**weights, **source})

    def _second(
        self, picture: torch.Tensor, rows: torch.Tensor, like: Sequence[torch.Tensor]
    ) -> list[torch.Tensor]:
        """Return C2..C5 of the second picture, 0 in the pictures not named by (B,) bool."""
        if bool(rows.all()):
            return cast('list[torch.Tensor]', self.second.backbone(_laid_out(picture)))
        nothing = [torch.zeros_like(level) for level in like]
        if not bool(rows.any()):
            return [level + idle(self.second).to(level.dtype) for level in nothing]
        seen = self.second.backbone(_laid_out(picture[rows]))
        index = rows.nonzero()[:, 0]
        return [
            empty.index_copy(0, index, level.to(empty.dtype))
            for empty, level in zip(nothing, seen, strict=True)
        ]


@torch.no_grad()
def gradient_image(thermal: torch.Tensor) -> torch.Tensor:
    """Return the gradient magnitude (B, 1, H, W) in [0, 1] of a thermal picture (Sobel)."""
    with torch.autocast(thermal.device.type, enabled=False):
        smooth, slope = thermal.new_tensor([1.0, 2.0, 1.0]), thermal.new_tensor([-1.0, 0.0, 1.0])
        across = torch.outer(smooth, slope) / 8
        kernel = torch.stack((across, across.T))[:, None]  # (2, 1, 3, 3)
        padded = functional.pad(thermal, (1, 1, 1, 1), mode='replicate')
        steep = functional.conv2d(padded, kernel).square().sum(dim=1, keepdim=True).sqrt()
        return (STEEP * steep).clamp(max=1.0)


def _laid_out(picture: torch.Tensor) -> torch.Tensor:
    return picture.contiguous(memory_format=torch.channels_last)
