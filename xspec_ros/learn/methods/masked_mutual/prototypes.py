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

"""Class prototypes shared by the modalities: gathered from sure pixels, moved slowly.

Kwon et al., https://arxiv.org/abs/2505.06951. Float32 throughout, without gradient but for the
features of ``cosine``.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import distributed
from torch.nn import functional

EPS = 1e-12  # least norm a cosine divides by


class ClassSums(NamedTuple):
    """Features summed by modality and class; sums of batches and processes add up.

    Attributes:
        total: (M, K, D) float32.
        pixels: (M, K) float32.
    """

    total: torch.Tensor
    pixels: torch.Tensor

    def plus(self, other: ClassSums | None) -> ClassSums:
        """Return both added; nothing adds nothing."""
        if other is None:
            return self
        return ClassSums(self.total + other.total, self.pixels + other.pixels)

    def over_processes(self) -> ClassSums:
        """Return the sums of every process of the run."""
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(self.total)
            distributed.all_reduce(self.pixels)
        return self


class Prototypes(NamedTuple):
    """One direction a class.

    Attributes:
        eta: (K, D) float32, unit length where seen.
        seen: (K,) bool.
    """

    eta: torch.Tensor
    seen: torch.Tensor


@torch.no_grad()
def sure_labels(
    log_p: torch.Tensor, label_map: torch.Tensor, cells_hw: torch.Size, theta: float
) -> torch.Tensor:
    """Return the label of every feature cell whose pixel the network is sure of.

    Args:
        log_p: (B, K, H, W) log-probabilities.
        label_map: (B, H, W) int64; values of K and above count as no label.
        cells_hw: (h, w) of the features.
        theta: The largest probability must be above it.

    Returns:
        (B, h, w) int64, K where there is no label or no confidence.
    """
    size = tuple(cells_hw)
    sure = functional.interpolate(log_p, size=size, mode='nearest').amax(dim=1).exp() > theta
    labels = functional.interpolate(label_map[:, None].float(), size=size, mode='nearest')
    count = log_p.shape[1]
    return torch.where(sure, labels[:, 0].long().clamp(max=count), count)


@torch.no_grad()
def class_sums(features: torch.Tensor, labels: torch.Tensor, num_classes: int) -> ClassSums:
    """Sum the features of every class, of one modality.

    Args:
        features: (B, D, h, w) of any precision.
        labels: (B, h, w) int64; K = left out.
        num_classes: K.

    Returns:
        Sums with M = 1.
    """
    member = functional.one_hot(labels.flatten(1), num_classes + 1)[..., :num_classes].float()
    with torch.autocast(features.device.type, enabled=False):  # else the product is bfloat16
        total = torch.einsum('bnk,bdn->kd', member, features.detach().float().flatten(2))
    return ClassSums(total[None], member.sum(dim=(0, 1))[None])


def stack_modalities(rgb: ClassSums, thermal: ClassSums) -> ClassSums:
    """Return the sums of both modalities, M = 2."""
    return ClassSums(
        torch.cat([rgb.total, thermal.total]), torch.cat([rgb.pixels, thermal.pixels])
    )


def batch_prototypes(
    sums: ClassSums, *, fusion: Literal['pooled', 'equal'], n_min: int
) -> Prototypes:
    """Fuse the modalities into one prototype a class.

    Args:
        sums: Of all modalities.
        fusion: Average over all pixels, or over the modalities that have any.
        n_min: Fewest pixels of all modalities together.

    Returns:
        Prototypes of the classes with enough pixels.
    """
    if fusion == 'pooled':
        direction = sums.total.sum(dim=0)  # (K, D); its length does not matter
    else:
        direction = (sums.total / sums.pixels.clamp(min=1.0)[..., None]).sum(dim=0)
    return Prototypes(functional.normalize(direction, dim=1, eps=EPS), sums.pixels.sum(0) >= n_min)


def moved(old: Prototypes, batch: Prototypes, mu: float) -> Prototypes:
    """Move prototypes towards those of a batch: ``normalise(mu eta + (1 - mu) batch)``.

    Args:
        old: Prototypes so far.
        batch: Prototypes of a batch; classes that it lacks stay bit by bit.
        mu: Share of the old.

    Returns:
        The new prototypes; a class seen for the first time takes that of the batch.
    """
    blend = functional.normalize(mu * old.eta + (1 - mu) * batch.eta, dim=1, eps=EPS)
    fresh = torch.where(old.seen[:, None], blend, batch.eta)
    return Prototypes(torch.where(batch.seen[:, None], fresh, old.eta), old.seen | batch.seen)


def cosine(features: torch.Tensor, eta: torch.Tensor) -> torch.Tensor:
    """Return the cosine of every feature with every prototype.

    Args:
        features: (B, D, h, w) of any precision.
        eta: (K, D); it gets no gradient.

    Returns:
        (B, K, h, w) float32.
    """
    with torch.autocast(features.device.type, enabled=False):
        unit = functional.normalize(features.float(), dim=1, eps=EPS)
        directions = functional.normalize(eta.detach().float(), dim=1, eps=EPS)
        return torch.einsum('bdhw,kd->bkhw', unit, directions)
