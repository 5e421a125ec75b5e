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

"""Building blocks of the light networks: convolution, inverted residual, separable convolution.

ReLU6 everywhere: it is bounded, so int8 ranges are known, and every engine fuses it.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

BN_MOMENTUM = 0.03  # small crops, small batches: slow statistics carry over to full frames
BN_EPS = 1e-3


def scaled(channels: int, width: float) -> int:
    """Return channels times width, as a multiple of 8."""
    return max(8, round(channels * width / 8) * 8)


def conv_bn(
    in_channels: int,
    out_channels: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    groups: int = 1,
    act: bool = True,
) -> nn.Sequential:
    """Build convolution, batch-norm and (unless ``act`` is off) ReLU6.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        kernel: Odd kernel size; padding keeps the size at stride 1.
        stride: Stride.
        groups: Convolution groups.
        act: Append ReLU6.

    Returns:
        (B, in, H, W) -> (B, out, H / stride, W / stride).
    """
    layers: list[nn.Module] = [
        nn.Conv2d(
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=groups,
            bias=False,
        ),
        nn.BatchNorm2d(out_channels, eps=BN_EPS, momentum=BN_MOMENTUM),
    ]
    if act:
        layers.append(nn.ReLU6(inplace=True))
    return nn.Sequential(*layers)


def separable(in_channels: int, out_channels: int, kernel: int = 3) -> nn.Sequential:
    """Build a depthwise convolution followed by a pointwise one.

    Returns:
        (B, in, H, W) -> (B, out, H, W).
    """
    return nn.Sequential(
        conv_bn(in_channels, in_channels, kernel, groups=in_channels),
        conv_bn(in_channels, out_channels),
    )


def over_levels(tower: nn.Sequential, levels: list[torch.Tensor]) -> list[torch.Tensor]:
    """Run a tower on every level of a pyramid; norms in training see all of them at once.

    Args:
        tower: Layers in order, in sequences of any depth.
        levels: Each (B, C, h, w).

    Returns:
        Each (B, C', h, w).
    """
    for layer in tower:
        if isinstance(layer, nn.Sequential):
            levels = over_levels(layer, levels)
        elif isinstance(layer, nn.BatchNorm2d) and layer.training:
            cells = torch.cat([level.flatten(2) for level in levels], dim=2)[..., None]
            sizes = [level.shape[2] * level.shape[3] for level in levels]
            parts = layer(cells)[..., 0].split(sizes, dim=2)
            levels = [  # copies: the next layer works in place
                part.reshape(level.shape).clone(memory_format=torch.channels_last)
                for part, level in zip(parts, levels, strict=True)
            ]
        else:
            levels = [layer(level) for level in levels]
    return levels


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, depthwise, project; a shortcut where shapes allow.

    Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    https://arxiv.org/abs/1801.04381, figure 4.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        stride: 1 or 2.
        expand: Widening of the inner layer; 1 leaves the expansion out.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, expand: int) -> None:
        super().__init__()
        inner = in_channels * expand
        layers: list[nn.Module] = [conv_bn(in_channels, inner)] if expand != 1 else []
        layers.append(conv_bn(inner, inner, 3, stride=stride, groups=inner))
        layers.append(conv_bn(inner, out_channels, act=False))
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, in, H, W) to (B, out, H / stride, W / stride)."""
        y = cast('torch.Tensor', self.layers(x))
        return x + y if self.shortcut else y


class FusedResidual(nn.Module):
    """A dense 3x3 convolution that expands, a pointwise one that projects.

    For the finest levels: there depthwise layers are bound by memory, and one dense layer is
    faster forward and backward (Tan and Le, https://arxiv.org/abs/2104.00298, section 3.2).

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
        stride: 1 or 2.
        expand: Widening of the inner layer.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int, expand: int) -> None:
        super().__init__()
        inner = in_channels * expand
        self.layers = nn.Sequential(
            conv_bn(in_channels, inner, 3, stride=stride),
            conv_bn(inner, out_channels, act=False),
        )
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, in, H, W) to (B, out, H / stride, W / stride)."""
        y = cast('torch.Tensor', self.layers(x))
        return x + y if self.shortcut else y


class PoolingPyramid(nn.Module):
    """Three chained 5x5 max-pools side by side: a wide view for a few multiplications.

    He et al., "Spatial Pyramid Pooling", https://arxiv.org/abs/1406.4729, in its chained form.

    Args:
        in_channels: Channels in.
        out_channels: Channels out.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.reduce = conv_bn(in_channels, out_channels)
        self.fuse = conv_bn(4 * out_channels, out_channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (B, in, H, W) to (B, out, H, W)."""
        levels = [self.reduce(x)]
        for _ in range(3):
            levels.append(functional.max_pool2d(levels[-1], 5, stride=1, padding=2))
        return cast('torch.Tensor', self.fuse(torch.cat(levels, dim=1)))  # (B, 4*out, H, W) in


def upsample_to(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Resize (B, C, h, w) bilinearly to the rows and columns of ``like``."""
    return functional.interpolate(x, size=like.shape[-2:], mode='bilinear', align_corners=False)


def init_weights(module: nn.Module) -> None:
    """Initialise convolutions after He (fan-out) and norms to identity, in place."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode='fan_out', nonlinearity='relu')
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)
