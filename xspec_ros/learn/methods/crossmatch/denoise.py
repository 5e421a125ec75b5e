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

"""Pseudo-labels of source and teachers together, and which of them to believe.

After Yin et al., "CrossMatch", ICCV 2023, https://doi.org/10.1109/ICCV51070.2023.01991, of which
the summary alone is known: the rule here is our own. Letters: B batch, K classes, h, w cells.
Nothing here has a gradient.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from xspec_ros.learn.batch import IGNORE
from xspec_ros.learn.methods.reduce import global_sum

LOG_LEAST = math.log(1e-6)  # smallest probability that enters the product
BINS = 1000  # of a histogram of confidences: medians are exact to half a bin


class Labels(NamedTuple):
    """What a distribution says of every cell.

    Attributes:
        winner: (B, h, w) int64 most probable class.
        confidence: (B, h, w) float32 its probability.
    """

    winner: torch.Tensor
    confidence: torch.Tensor


@torch.no_grad()
def denoised(
    log_source: torch.Tensor,
    log_thermal: torch.Tensor,
    log_auxiliary: torch.Tensor,
    *,
    gamma: float,
    beta: float,
) -> torch.Tensor:
    """Return ``q = P0 ** gamma * p_T ** beta * p_M ** (1 - beta)``, normalised.

    Args:
        log_source: (B, K, h, w) log-probabilities of the source, P0.
        log_thermal: (B, K, h, w) of the thermal teacher, p_T.
        log_auxiliary: (B, K, h, w) of the auxiliary teacher, p_M.
        gamma: How far the source counts.
        beta: How the teachers share the rest.

    Returns:
        (B, K, h, w) log q.
    """
    product = gamma * log_source.clamp(min=LOG_LEAST)
    product += beta * log_thermal.clamp(min=LOG_LEAST)
    product += (1 - beta) * log_auxiliary.clamp(min=LOG_LEAST)
    return product.log_softmax(dim=1)


@torch.no_grad()
def labels_of(log_p: torch.Tensor) -> Labels:
    """Return the most probable class of log-probabilities (B, K, h, w)."""
    best, winner = log_p.max(dim=1)
    return Labels(winner, best.exp())


@torch.no_grad()
def kept(
    labels: Labels,
    cells: torch.Tensor,
    threshold: torch.Tensor,
    *,
    agree: torch.Tensor | None,
    agree_confidence: float,
) -> torch.Tensor:
    """Return the label map that is learnt: ``IGNORE`` where ``u = 0``.

    ``u = 1`` where ``conf > tau`` of the class, and the teachers agree or ``conf`` is above
    ``agree_confidence``.

    Args:
        labels: The labels.
        cells: (B, h, w) bool, inside the picture.
        threshold: (K,) tau.
        agree: (B, h, w) bool, both teachers say the same class; None when nobody disagrees.
        agree_confidence: See above.

    Returns:
        (B, h, w) int64.
    """
    chosen = cells & (labels.confidence > threshold[labels.winner])
    if agree is not None:
        chosen &= agree | (labels.confidence > agree_confidence)
    return torch.where(chosen, labels.winner, IGNORE)


@torch.no_grad()
def confidence_counts(labels: Labels, cells: torch.Tensor, num_classes: int) -> torch.Tensor:
    """Return a histogram of confidence a class; those of batches and processes add up.

    Args:
        labels: The labels.
        cells: (B, h, w) bool, inside the picture.
        num_classes: K.

    Returns:
        (K, ``BINS``) int64.
    """
    bins = (labels.confidence * BINS).long().clamp(max=BINS - 1)
    index = (labels.winner * BINS + bins)[cells]
    return torch.bincount(index, minlength=num_classes * BINS).reshape(num_classes, BINS)


class Medians(NamedTuple):
    """Moving medians of confidence.

    Attributes:
        values: (K,) float32.
        seen: (K,) bool: classes of which there has been a cell.
    """

    values: torch.Tensor
    seen: torch.Tensor


@torch.no_grad()
def moved_medians(medians: Medians, counts: torch.Tensor, momentum: float) -> Medians:
    """Move the median of every class that was seen; every process has to ask.

    At first sight a class takes the median as it is: a high start would leave rare and unsure
    classes without a label until they are forgotten.

    Args:
        medians: Before.
        counts: (K, ``BINS``) int64 of this process since the last step.
        momentum: Share of the old that stays.

    Returns:
        The medians after; those of classes without a cell stay bit by bit.
    """
    counts = global_sum(counts)
    total = counts.sum(dim=1)  # (K,)
    below = counts.cumsum(dim=1) * 2 < total[:, None]  # (K, BINS)
    median = (below.sum(dim=1) + 0.5) / BINS
    moved = torch.where(medians.seen, medians.values.lerp(median, 1 - momentum), median)
    return Medians(torch.where(total > 0, moved, medians.values), medians.seen | (total > 0))
