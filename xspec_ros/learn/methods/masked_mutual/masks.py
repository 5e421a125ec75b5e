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

"""Masks of mutual learning: how far a network's answer at a pixel is to be learnt from.

Kwon et al., "Boosting Cross-spectral Unsupervised Domain Adaptation for Thermal Semantic
Segmentation", https://arxiv.org/abs/2505.06951. With ``p_m`` the probability that network m gives
the label, ``nll_m = -log p_m``. Pixel by pixel: nothing here mixes pictures of a batch.
"""

from __future__ import annotations

from typing import NamedTuple

import torch


class Masks(NamedTuple):
    """Mask w_m of each network as a teacher, (B, H, W) float32 in [0, 1], without gradient."""

    rgb: torch.Tensor
    thermal: torch.Tensor


def inter_spectral(nll: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Return ``a = exp(-nll) / (exp(-nll) + exp(-other))``, equal to ``p / (p + p_other)``.

    Args:
        nll: Any shape: cross-entropy of the network that teaches.
        other: The same of the other network.

    Returns:
        The shape of ``nll``, in [0, 1].
    """
    return torch.sigmoid(other - nll)


def intra_spectral(nll: torch.Tensor) -> torch.Tensor:
    """Return ``b = 2 (1 - sigmoid(nll))``, equal to ``2 p / (1 + p)``, in [0, 1]."""
    return 2 * torch.sigmoid(-nll)


@torch.no_grad()
def spectral_masks(
    nll_rgb: torch.Tensor,
    nll_thermal: torch.Tensor,
    valid: torch.Tensor,
    *,
    inter: bool = True,
    intra: bool = True,
) -> Masks:
    """Return ``w_m = a_m b_m``.

    Args:
        nll_rgb: (B, H, W) cross-entropy of the RGB network against the label.
        nll_thermal: (B, H, W) the same of the thermal network.
        valid: (B, H, W) bool: the pixel has a label; the masks are 0 elsewhere.
        inter: Leave out the factor a when off.
        intra: Leave out the factor b when off.
    """
    weights = []
    for nll, other in ((nll_rgb, nll_thermal), (nll_thermal, nll_rgb)):
        weight = valid.float()
        if inter:
            weight = weight * inter_spectral(nll, other)
        if intra:
            weight = weight * intra_spectral(nll)
        weights.append(weight)
    return Masks(*weights)
