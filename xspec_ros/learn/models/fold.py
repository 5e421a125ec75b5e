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

"""Batch-norms folded into the convolutions beside them, for networks that only answer."""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from xspec_ros.learn.models.student import Student


def fold_norms(network: nn.Module) -> nn.Module:
    """Return a copy in evaluation mode with every batch-norm folded into its convolution.

    The exporter does so too, but not where branches share a convolution, and never into a
    convolution that follows. Norms that stand elsewhere stay as they are.
    """
    folded = copy.deepcopy(network).eval()
    for block in folded.modules():
        if isinstance(block, nn.Sequential):
            _fold_behind(block)
    for part in folded.modules():
        if isinstance(part, Student) and len(part.level_norms):
            _fold_levels(part)
    return folded


def _fold_behind(block: nn.Sequential) -> None:
    """Fold norms into the convolutions before them."""
    for index in range(len(block) - 1):
        first, second = block[index], block[index + 1]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            block[index] = fuse_conv_bn_eval(first, second)
            block[index + 1] = nn.Identity()


def _fold_levels(student: Student) -> None:
    """Fold the norms of C2..C5 into the one convolution that each level goes to.

    These are pointwise, so no padding stands between: the fold is exact.
    """
    pyramid = student.pyramid
    takers = (
        student.segmentation.detail,
        pyramid.lateral3,
        pyramid.lateral4,
        pyramid.context.reduce,
    )
    for norm, taker in zip(student.level_norms, takers, strict=True):
        _fold_before(cast('nn.BatchNorm2d', norm), cast('nn.Conv2d', taker[0]))
    student.level_norms = nn.ModuleList()


def _fold_before(norm: nn.BatchNorm2d, conv: nn.Conv2d) -> None:
    """Change a pointwise convolution so that it answers as if the norm stood before it."""
    mean, variance = (
        cast('torch.Tensor', norm.running_mean),
        cast('torch.Tensor', norm.running_var),
    )
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    shift = norm.bias - mean * scale
    weight = conv.weight[:, :, 0, 0]  # (out, in)
    bias = cast('torch.Tensor', conv.bias) + weight @ shift
    conv.weight = nn.Parameter((weight * scale)[:, :, None, None].detach())
    conv.bias = nn.Parameter(bias.detach())
