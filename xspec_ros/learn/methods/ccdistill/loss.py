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

"""Degrees of difference between domains, and how far they stray: pure functions, float32 inside.

After Gao et al., "Cross-Domain Correlation Distillation for Unsupervised Domain Adaptation in
Nighttime Semantic Segmentation", https://arxiv.org/abs/2205.00858; docs/methods/ccdistill.md says
what is known of it and what is chosen. Both kinds of knowledge take one form here: every picture
has R directions, unit vectors, zero where nothing is known; a degree is made of cosines between
the directions of two pictures.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TYPE_CHECKING

import torch
from torch.nn import functional

from xspec_ros.learn.methods.reduce import mean_over

if TYPE_CHECKING:
    from collections.abc import Callable

    Degree = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

Distance = Literal['l1', 'l2']

EPS = 1e-12  # least norm a cosine divides by
SILENT = 1e-6  # norm of a Gram row (unit RMS features) below which its channel says nothing


class Quadruple(NamedTuple):
    """Directions of matched pictures of the four domains, each (M, R, D) float32.

    Attributes:
        sd: Source by day.
        sn: Source by night.
        td: Target by day.
        tn: Target by night.
    """

    sd: torch.Tensor
    sn: torch.Tensor
    td: torch.Tensor
    tn: torch.Tensor

    def known(self) -> torch.Tensor:
        """Return (M, R) bool: all four have the direction."""
        return torch.stack([each.detach().any(dim=-1) for each in self]).all(dim=0)

    def over_batch(self) -> Quadruple:
        """Return the pictures in the place of the cells: (R, M, D)."""
        return Quadruple(*(each.transpose(0, 1) for each in self))


class Residuals(NamedTuple):
    """How far the two kinds of difference stray, each () float32 and at least 0."""

    inherent: torch.Tensor
    illumination: torch.Tensor


def match(domains: Quadruple) -> Quadruple:
    """Give every night target a partner of each other domain, turn by turn.

    Args:
        domains: Directions of any numbers of pictures.

    Returns:
        M = pictures of ``tn``, picture i with number i modulo their count of the others; M = 0
        where a domain is empty.
    """
    counts = [len(each) for each in domains]
    turn = torch.arange(counts[-1] if min(counts) else 0, device=domains.tn.device)
    return Quadruple(*(each[turn % max(len(each), 1)] for each in domains))


def embeddings(features: torch.Tensor, cells: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """Pool features to a grid and bring each place to unit length.

    Args:
        features: (B, D, h, w) of any precision, out of the project head.
        cells: (B, h, w) bool: the cell lies in the picture.
        grid: Rows and columns; N is their product.

    Returns:
        (B, N, D) float32; zero where no cell of the place lies in the picture.
    """
    inside = torch.where(cells[:, None], features.float(), 0.0)
    pooled = functional.adaptive_avg_pool2d(inside, grid)  # length does not matter, nor the area
    return functional.normalize(pooled.flatten(2).transpose(1, 2), dim=2, eps=EPS)


def gram(features: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Return ``F F^T / area`` of features at unit RMS: the style of a picture.

    Args:
        features: (B, C, h, w) of any precision.
        cells: (B, h, w) bool: the cell lies in the picture.

    Returns:
        (B, C, C) float32; zero for a picture of no area.
    """
    with torch.autocast(features.device.type, enabled=False):  # else the product is bfloat16
        inside = torch.where(cells[:, None], features.float(), 0.0).flatten(2)  # (B, C, h*w)
        area = cells.flatten(1).sum(dim=1).clamp(min=1)[:, None, None].float()
        power = inside.square().mean(dim=1, keepdim=True).sum(dim=2, keepdim=True) / area
        unit = inside * (power + EPS).rsqrt()
        return unit @ unit.transpose(1, 2) / area


def gram_rows(style: torch.Tensor) -> torch.Tensor:
    """Return the rows of (B, C, C) Gram matrices at unit length, zero for silent channels."""
    silent = style.detach().norm(dim=2, keepdim=True) < SILENT  # 1 / norm would be their gradient
    return functional.normalize(style.masked_fill(silent, 0.0), dim=2, eps=EPS)


def content_degree(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return ``c_XY``: the cosine of every place with every other, (M, N, N) for (M, N, D)."""
    with torch.autocast(x.device.type, enabled=False):
        return x @ y.transpose(1, 2)


def style_degree(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return ``s_XY``: the cosine row by row, (M, C) for Gram rows (M, C, C)."""
    return (x * y).sum(dim=2)


def residuals(
    domains: Quadruple, degree: Degree, *, distance: Distance = 'l1', stop_source: bool = True
) -> Residuals:
    """Compare the same kind of difference in two places; the teacher's is a constant.

    ``inherent``: source against target, by night as by day, mean abs(sg(q_SdTd) - q_SnTn).
    ``illumination``: day against night, in the target as in the source,
    mean abs(sg(q_SdSn) - q_TdTn).

    Args:
        domains: Matched directions.
        degree: ``content_degree`` or ``style_degree``.
        distance: Absolute or squared difference.
        stop_source: Only the night target gets a gradient; else also the source's synthetic
            night (inherent) and the day target (illumination).

    Returns:
        Means over what all four domains know.
    """
    held = Quadruple(*(each.detach() for each in domains))
    partner = held if stop_source else domains
    known = domains.known()[..., None].float()
    valid = degree(known, known) > 0  # a pair of places counts when both do

    def stray(teacher: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
        gap = teacher - student
        return mean_over(gap.abs() if distance == 'l1' else gap.square(), valid)

    return Residuals(
        inherent=stray(degree(held.sd, held.td), degree(partner.sn, domains.tn)),
        illumination=stray(degree(held.sd, held.sn), degree(partner.td, domains.tn)),
    )
