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


"""Backbones by name: from a picture to the features C2..C5 at strides 4, 8, 16, 32."""

from __future__ import annotations

import torch
from torch import nn

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models.blocks import (
    conv_bn,
    FusedResidual,
    init_weights,
    InvertedResidual,
    scaled,
)

# channels, blocks, expansion of C2 (stride 4), C3 (8), C4 (16, in two widths), C5 (32)
STAGES: tuple[tuple[tuple[int, int, int], ...], ...] = (
    ((24, 2, 2),),
    ((40, 3, 4),),
    ((64, 3, 4), (96, 3, 4)),
    ((160, 3, 5),),
)
STEM = 16


class Backbone(nn.Module):
    """The light backbone, in the manner of MobileNetV2.

    Args:
        in_channels: 1 for thermal, 3 for RGB.
        width: Multiplies every width.
    """

    def __init__(self, in_channels: int, width: float) -> None:
        super().__init__()
        channels = scaled(STEM, width)
        self.stem = conv_bn(in_channels, channels, 3, stride=2)
        self.widths: list[int] = []
        self.stages = nn.ModuleList()
        for groups in STAGES:
            block = InvertedResidual if self.stages else FusedResidual
            blocks: list[nn.Module] = []
            for base, count, expand in groups:
                out = scaled(base, width)
                for _ in range(count):
                    stride = 1 if blocks else 2
                    blocks.append(block(channels, out, stride=stride, expand=expand))
                    channels = out
            self.stages.append(nn.Sequential(*blocks))
            self.widths.append(channels)
        init_weights(self)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Map (B, in, H, W) to C2..C5."""
        x = self.stem(x)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        return levels


def build_encoder(name: str, in_channels: int, *, width: float = 1.0) -> nn.Module:
    """Build a backbone with random weights.

    Args:
        name: ``light``.
        in_channels: 1 for thermal, 3 for RGB.
        width: Multiplies every width of the light backbone.

    Returns:
        A module that maps (B, in, H, W) to C2..C5 and says their channels in ``widths``.

    Raises:
        ConfigError: The name is unknown.
    """
    if name != 'light':
        message = f'unknown encoder {name!r}'
        raise ConfigError(message, hint='known: light')
    return Backbone(in_channels, width)
