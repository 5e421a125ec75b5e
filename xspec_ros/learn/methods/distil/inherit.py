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

"""One path of a fusion network as the start of a network without level norms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from xspec_ros.learn.models.blocks import BN_EPS

if TYPE_CHECKING:
    from collections.abc import Mapping

# The one convolution (and its norm) that reads C2, C3, C4, C5, in that order.
READERS = (
    'segmentation.detail',
    'pyramid.lateral3',
    'pyramid.lateral4',
    'pyramid.context.reduce',
)


def is_fusion(weights: Mapping[str, torch.Tensor]) -> bool:
    """Tell whether weights by name are those of a fusion network."""
    return any(name.startswith('fused.') for name in weights)


def path_weights(weights: Mapping[str, torch.Tensor], path: str) -> dict[str, torch.Tensor]:
    """Return the weights of one path under the names of a student.

    Args:
        weights: Of a fusion network.
        path: ``thermal`` or ``rgb``.
    """
    prefix = f'{path}.'
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def fold_level_norms(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights without level norms that answer the same in evaluation mode.

    A level norm is ``s * x + t`` a channel, and a pointwise convolution W followed by a norm
    reads it: W takes the factor s, and the norm's running mean gives way by ``W t``.

    Args:
        weights: Of a student, with or without level norms.
    """
    folded = {k: v for k, v in weights.items() if not k.startswith('level_norms.')}
    if len(folded) == len(weights):
        return folded
    for index, reader in enumerate(READERS):
        gamma, beta, mean, var = (
            weights[f'level_norms.{index}.{key}'].double()
            for key in ('weight', 'bias', 'running_mean', 'running_var')
        )
        scale = gamma / torch.sqrt(var + BN_EPS)
        kernel = weights[f'{reader}.0.weight'].double()  # (out, in, 1, 1)
        offset = kernel[:, :, 0, 0] @ (beta - mean * scale)  # (out,)
        old = weights[f'{reader}.1.running_mean']
        folded[f'{reader}.0.weight'] = (kernel * scale[None, :, None, None]).to(old.dtype)
        folded[f'{reader}.1.running_mean'] = (old.double() - offset).to(old.dtype)
    return folded
