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

"""The default student: one light network for segmentation and detection of a thermal picture.

MobileNetV2-style backbone (C2..C5), light feature pyramid (P3..P5), a decoupled anchor-free head
(Ge et al., "YOLOX", https://arxiv.org/abs/2107.08430) and a segmentation head at stride 4.
"""

from __future__ import annotations

import math
from typing import cast, NamedTuple, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.learn.models.blocks import (
    BN_EPS,
    BN_MOMENTUM,
    conv_bn,
    init_weights,
    over_levels,
    PoolingPyramid,
    scaled,
    separable,
    upsample_to,
)
from xspec_ros.learn.models.encoders import build_encoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STRIDES = (8, 16, 32)
PRIOR = 0.01  # share of cells that hold an object, before anything is learnt

PYRAMID = 96
EMBEDDING = 64


class DetLevel(NamedTuple):
    """Raw head output at one stride.

    Attributes:
        cls: (B, C, h, w) class logits.
        box: (B, 4, h, w) centre offset (cells) and log size (strides): dx, dy, log w, log h.
        obj: (B, 1, h, w) objectness logits.
        stride: Pixels a cell.
    """

    cls: torch.Tensor
    box: torch.Tensor
    obj: torch.Tensor
    stride: int


class StudentOutput(NamedTuple):
    """What the network says of a batch.

    Attributes:
        seg_logits: (B, K, H/4, W/4).
        det: One level a stride, finest first.
    """

    seg_logits: torch.Tensor
    det: list[DetLevel]


class Pyramid(nn.Module):
    """Top-down fusion of C3..C5 into P3..P5 of one width.

    Args:
        widths: Channels of C3, C4, C5.
        channels: Channels of every P.
    """

    def __init__(self, widths: list[int], channels: int) -> None:
        super().__init__()
        self.context = PoolingPyramid(widths[2], channels)
        self.lateral3 = conv_bn(widths[0], channels)
        self.lateral4 = conv_bn(widths[1], channels)
        self.smooth3 = separable(channels, channels)
        self.smooth4 = separable(channels, channels)

    def forward(self, c3: torch.Tensor, c4: torch.Tensor, c5: torch.Tensor) -> list[torch.Tensor]:
        """Return P3, P4, P5, each (B, channels, H/s, W/s)."""
        p5 = self.context(c5)
        p4 = self.smooth4(self.lateral4(c4) + upsample_to(p5, c4))
        p3 = self.smooth3(self.lateral3(c3) + upsample_to(p4, c3))
        return [p3, p4, p5]


class DetectionHead(nn.Module):
    """Stem, class branch, box branch and objectness; towers shared by levels, norms included.

    In training a shared norm takes its statistics over the cells of all levels, as its running
    ones do: with those of each level apart, as in a call a level, the deployed head answers with
    statistics that it was never trained with, and its boxes come out a tenth too large.

    Args:
        channels: Width of P3..P5.
        num_classes: Detection classes.
    """

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.stems = nn.ModuleList(conv_bn(channels, channels) for _ in STRIDES)
        self.cls_tower = nn.Sequential(
            separable(channels, channels), separable(channels, channels)
        )
        self.box_tower = nn.Sequential(
            separable(channels, channels), separable(channels, channels)
        )
        self.cls_out = nn.ModuleList(nn.Conv2d(channels, num_classes, 1) for _ in STRIDES)
        self.box_out = nn.ModuleList(nn.Conv2d(channels, 4, 1) for _ in STRIDES)
        self.obj_out = nn.ModuleList(nn.Conv2d(channels, 1, 1) for _ in STRIDES)

    def forward(self, pyramid: list[torch.Tensor]) -> list[DetLevel]:
        """Return the raw levels of P3..P5."""
        stems = [stem(feature) for stem, feature in zip(self.stems, pyramid, strict=True)]
        about_class = over_levels(self.cls_tower, stems)
        about_box = over_levels(self.box_tower, stems)
        return [
            DetLevel(
                cls=self.cls_out[index](about_class[index]),
                box=self.box_out[index](about_box[index]),
                obj=self.obj_out[index](about_box[index]),
                stride=stride,
            )
            for index, stride in enumerate(STRIDES)
        ]

    def init_biases(self) -> None:
        """Start with rare objects, small outputs and boxes of one cell."""
        for outputs in (self.cls_out, self.box_out, self.obj_out):
            for layer in outputs:
                conv = cast('nn.Conv2d', layer)
                nn.init.normal_(conv.weight, std=0.01)
                bias = 0.0 if outputs is self.box_out else -math.log((1 - PRIOR) / PRIOR)
                nn.init.constant_(cast('torch.Tensor', conv.bias), bias)


class SegmentationHead(nn.Module):
    """Fuse C2 and P3 at stride 4 into the embedding S, then classify each cell.

    Args:
        c2_channels: Channels of C2.
        p3_channels: Channels of P3.
        embedding: Channels of S.
        num_classes: K.
    """

    def __init__(
        self, c2_channels: int, p3_channels: int, embedding: int, *, num_classes: int
    ) -> None:
        super().__init__()
        self.detail = conv_bn(c2_channels, embedding)
        self.context = conv_bn(p3_channels, embedding)
        self.fuse = nn.Sequential(separable(embedding, embedding), separable(embedding, embedding))
        self.classifier = nn.Conv2d(embedding, num_classes, 1)

    def embed(self, c2: torch.Tensor, p3: torch.Tensor) -> torch.Tensor:
        """Return S, (B, embedding, H/4, W/4)."""
        x = self.detail(c2) + upsample_to(self.context(p3), c2)
        return cast('torch.Tensor', self.fuse(x))


class Student(nn.Module):
    """The whole network.

    Args:
        num_classes: Segmentation classes K.
        num_detection_classes: Detection classes C.
        width: Multiplies every width of the light network; 1 is the shipped size.
        in_channels: 1 for thermal, 3 for RGB.
        encoder: Backbone, a name that ``build_encoder`` knows.
        level_norms: Put a batch-norm on each of C2..C5 before the head, for heads that
            several encoders share.
    """

    def __init__(
        self,
        num_classes: int,
        num_detection_classes: int,
        *,
        width: float = 1.0,
        in_channels: int = 1,
        encoder: str = 'light',
        level_norms: bool = False,
    ) -> None:
        super().__init__()
        pyramid, embedding = scaled(PYRAMID, width), scaled(EMBEDDING, width)
        self.backbone = build_encoder(encoder, in_channels, width=width)
        widths = cast('list[int]', self.backbone.widths)
        self.level_norms = nn.ModuleList(
            nn.BatchNorm2d(channels, eps=BN_EPS, momentum=BN_MOMENTUM)
            for channels in (widths if level_norms else ())
        )
        self.pyramid = Pyramid(widths[1:], pyramid)
        self.detection = DetectionHead(pyramid, num_detection_classes)
        self.segmentation = SegmentationHead(
            widths[0], pyramid, embedding, num_classes=num_classes
        )
        names = ('C2', 'C3', 'C4', 'C5', 'P3', 'P4', 'P5', 'S')
        channels = (*widths, pyramid, pyramid, pyramid, embedding)
        strides = (4, 8, 16, 32, 8, 16, 32, 4)
        self.feature_table = {
            name: (stride, count)
            for name, stride, count in zip(names, strides, channels, strict=True)
        }
        for head in (self.pyramid, self.detection, self.segmentation):
            init_weights(head)
        self.detection.init_biases()

    def neck(self, levels: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return C2..C5 and P3..P5 by name, given C2..C5."""
        if self.level_norms:
            levels = [norm(level) for norm, level in zip(self.level_norms, levels, strict=True)]
        c2, c3, c4, c5 = levels
        p3, p4, p5 = self.pyramid(c3, c4, c5)
        return {'C2': c2, 'C3': c3, 'C4': c4, 'C5': c5, 'P3': p3, 'P4': p4, 'P5': p5}

    def head_features(self, levels: Sequence[torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return every named feature for C2..C5; ``feature_table`` has stride and width."""
        named = self.neck(levels)
        return named | {'S': self.segmentation.embed(named['C2'], named['P3'])}

    def features(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return every named feature of (B, in, H, W)."""
        return self.head_features(self.backbone(x))

    def heads(self, named: Mapping[str, torch.Tensor]) -> StudentOutput:
        """Answer for named features."""
        det = self.detection([named['P3'], named['P4'], named['P5']])
        return StudentOutput(self.segmentation.classifier(named['S']), det)

    def answer(self, levels: Sequence[torch.Tensor]) -> StudentOutput:
        """Answer for C2..C5."""
        return self.heads(self.head_features(levels))

    def forward(self, x: torch.Tensor) -> StudentOutput:
        """Answer for pictures.

        Args:
            x: (B, in, H, W) in [0, 1] after the tone mapping; H and W multiples of 32.

        Returns:
            Segmentation logits at stride 4 and raw detection levels.
        """
        return self.answer(self.backbone(x))
