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

"""Losses of masked mutual learning: pure functions of tensors, float32 inside.

Kwon et al., "Boosting Cross-spectral Unsupervised Domain Adaptation for Thermal Semantic
Segmentation", https://arxiv.org/abs/2505.06951. docs/methods/masked_mutual.md has the table from
equations to functions. ``log_p`` is the log-softmax of logits at full resolution: scaling it by a
mask and normalising again gives what scaling the logits would, so every term shares it.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional

from xspec_ros.learn.methods.reduce import mean_over

Form = Literal['logits', 'weight', 'none']

NEVER = -1e4  # similarity or logit of a class that is left out


def log_probabilities(logits: torch.Tensor, size_hw: tuple[int, int]) -> torch.Tensor:
    """Upsample logits bilinearly and normalise them.

    Args:
        logits: (B, K, h, w) of any precision.
        size_hw: (H, W).

    Returns:
        (B, K, H, W) float32.
    """
    fine = functional.interpolate(
        logits.float(), size=size_hw, mode='bilinear', align_corners=False
    )
    return fine.log_softmax(dim=1)


def pixel_nll(log_p: torch.Tensor, label_map: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of every pixel.

    Args:
        log_p: (B, K, H, W).
        label_map: (B, H, W) int64; values of K and above count as no label.

    Returns:
        (B, H, W) float32; 0 where there is no label.
    """
    valid = label_map < log_p.shape[1]
    index = torch.where(valid, label_map, 0)[:, None]  # (B, 1, H, W)
    return torch.where(valid, -log_p.gather(1, index)[:, 0], 0.0)


def mutual_loss(
    log_student: torch.Tensor,
    log_teacher: torch.Tensor,
    weight: torch.Tensor,
    valid: torch.Tensor,
    *,
    form: Form = 'logits',
) -> torch.Tensor:
    """Teach one network by the other where the teacher's mask is active.

    ``logits``: ``mean_V KL(softmax(w sg(z_t)) || softmax(w z_s))``, a temperature of 1/w at a
    pixel; ``weight``: ``mean_V w KL(softmax(sg(z_t)) || softmax(z_s))``; ``none``: w = 1.

    Args:
        log_student: (B, K, H, W) log-probabilities of the network that learns.
        log_teacher: (B, K, H, W) the same of the other; it gets no gradient.
        weight: (B, H, W) mask of the teacher.
        valid: (B, H, W) bool: pixels with a label.
        form: Where the mask goes.

    Returns:
        () float32, at least 0.
    """
    log_q, log_p = log_student, log_teacher.detach()
    if form == 'logits':
        log_q = (weight[:, None] * log_q).log_softmax(dim=1)
        log_p = (weight[:, None] * log_p).log_softmax(dim=1)
    divergence = (log_p.exp() * (log_p - log_q)).sum(dim=1)  # (B, H, W)
    if form == 'weight':
        divergence = weight * divergence
    return mean_over(divergence, valid)


def prototype_loss(
    similarity: torch.Tensor, seen: torch.Tensor, label_map: torch.Tensor, tau: float
) -> torch.Tensor:
    """Classify pixels by their nearest prototype: ``mean_V CE(s / tau, y)``.

    Nearest upsampling gives every pixel of a cell the same similarities, so they stay at low
    resolution and the labels are sorted into cells.

    Args:
        similarity: (B, K, h, w) cosine of feature and prototype.
        seen: (K,) bool: the class has a prototype. Pixels of other classes do not count.
        label_map: (B, H, W) int64, H and W the same multiple of h and w.
        tau: Temperature.

    Returns:
        () float32.
    """
    count, cells = similarity.shape[1], similarity.shape[-2:]
    logits = (similarity.float() / tau).masked_fill(~seen[None, :, None, None], NEVER)
    labels = _by_cell(label_map, cells)  # (B, R, h, w)
    known = torch.where(labels < count, labels, 0)
    valid = (labels < count) & seen[known]
    nll = logits.logsumexp(dim=1, keepdim=True) - logits.gather(1, known)  # (B, R, h, w)
    return mean_over(nll, valid)


def night_loss(
    log_p: torch.Tensor,
    similarity: torch.Tensor,
    seen: torch.Tensor,
    inside: torch.Tensor,
    *,
    tau: float,
    theta: float,
) -> torch.Tensor:
    """Pull features towards the prototypes that the network's own answer names.

    ``mean KL(P_A || Q)`` over pixels with ``max P > theta``: P is the answer, without gradient;
    A the classes that are an arg-max somewhere in the picture and own a prototype; P_A is P over
    A, normalised; Q the softmax over A of ``similarity / tau``.

    Args:
        log_p: (B, K, H, W) answer.
        similarity: (B, K, h, w) cosine of feature and prototype.
        seen: (K,) bool: the class has a prototype.
        inside: (B, H, W) bool: the pixel lies in the picture.
        tau: Temperature.
        theta: Least confidence.

    Returns:
        () float32.
    """
    log_p = log_p.detach()
    best, winner = log_p.max(dim=1)  # (B, H, W)
    active = _active(winner, inside, log_p.shape[1]) & seen  # (B, K)
    absent = ~active[:, :, None, None]
    log_target = log_p.masked_fill(absent, NEVER).log_softmax(dim=1)
    fine = functional.interpolate(
        similarity.float() / tau, size=log_p.shape[-2:], mode='bilinear', align_corners=False
    )
    log_q = fine.masked_fill(absent, NEVER).log_softmax(dim=1)
    divergence = (log_target.exp() * (log_target - log_q)).sum(dim=1)  # (B, H, W)
    taught = inside & (best.exp() > theta) & active.any(dim=1)[:, None, None]
    return mean_over(divergence, taught)


def official_night_loss(
    log_p: torch.Tensor, similarity: torch.Tensor, seen: torch.Tensor, inside: torch.Tensor
) -> torch.Tensor:
    """Return the night term as the released code computes it, for comparison.

    Both sides are probabilities, multiplied by the set of active classes and put through a
    softmax again; no temperature, no confidence. The value stays below about 0.08 for 19 classes.

    Args:
        log_p: (B, K, H, W) answer.
        similarity: (B, K, h, w) cosine of feature and prototype.
        seen: (K,) bool: the class has a prototype; the similarity to others counts as -1.
        inside: (B, H, W) bool: the pixel lies in the picture.

    Returns:
        () float32.
    """
    log_p = log_p.detach()
    active = _active(log_p.argmax(dim=1), inside, log_p.shape[1])[:, :, None, None].float()
    known = similarity.float().masked_fill(~seen[None, :, None, None], -1.0)
    fine = functional.interpolate(
        known, size=log_p.shape[-2:], mode='bilinear', align_corners=False
    )
    log_target = (log_p.exp() * active).log_softmax(dim=1)
    log_q = (fine.softmax(dim=1) * active).log_softmax(dim=1)
    return mean_over((log_target.exp() * (log_target - log_q)).sum(dim=1), inside)


def _active(winner: torch.Tensor, inside: torch.Tensor, num_classes: int) -> torch.Tensor:
    """Return (B, K) bool: the class is the arg-max somewhere inside the picture."""
    found = torch.zeros(len(winner), num_classes + 1, dtype=torch.bool, device=winner.device)
    index = torch.where(inside, winner, num_classes).flatten(1)  # (B, H*W)
    return found.scatter(1, index, value=True)[:, :num_classes]


def _by_cell(label_map: torch.Tensor, cells_hw: torch.Size) -> torch.Tensor:
    """Return (B, R, h, w): the R labels of every cell."""
    rows, columns = cells_hw
    down, across = label_map.shape[-2] // rows, label_map.shape[-1] // columns
    split = label_map.reshape(-1, rows, down, columns, across)
    return split.permute(0, 2, 4, 1, 3).flatten(1, 2)  # (B, down*across, h, w)
