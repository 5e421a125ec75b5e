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

"""Terms of cross-modal consistency training, as pure functions of tensors, float32 inside.

After Yin et al., "CrossMatch", ICCV 2023, https://doi.org/10.1109/ICCV51070.2023.01991;
docs/methods/crossmatch.md maps equations to functions. ``log_p`` is the log-softmax of a
student's logits on the strong view, shared by all terms.
"""

from __future__ import annotations

import math

import torch

from xspec_ros.learn.methods.masked_mutual.loss import pixel_nll
from xspec_ros.learn.methods.reduce import global_count, global_sum, mean_over


def self_training_loss(
    log_p: torch.Tensor, label_map: torch.Tensor, *, balance: float = 0.0
) -> torch.Tensor:
    """Return ``sum u w_y CE(z, y) / sum u w_y``: L_T and L_M.

    ``w_k = n_k ** -balance``, n_k the cells of a class in the batch: at 0 every cell counts
    alike, at 1 every class does.

    Args:
        log_p: (B, K, h, w).
        label_map: (B, h, w) int64, ``IGNORE`` where u = 0.
        balance: The exponent, 0 to 1.

    Returns:
        () float32; 0 with zero gradient without a label.
    """
    classes = log_p.shape[1]
    labelled = label_map < classes
    nll = pixel_nll(log_p, label_map)
    if balance == 0:
        return mean_over(nll, labelled)
    counts = global_sum(torch.bincount(label_map[labelled], minlength=classes))  # (K,)
    weights = counts.clamp(min=1).float() ** -balance
    weight = torch.where(labelled, weights[label_map.clamp(max=classes - 1)], 0.0)  # (B, h, w)
    return (weight * nll).sum() / global_count(weight.sum(), least=1e-12)


def consistency_loss(
    log_p: torch.Tensor, log_teacher: torch.Tensor, cells: torch.Tensor
) -> torch.Tensor:
    """Return ``mean w KL(teacher || student)``, ``w = max_k`` of the teacher: a half of L_X.

    Args:
        log_p: (B, K, h, w) student of the one stream.
        log_teacher: (B, K, h, w) teacher of the other; it gets no gradient.
        cells: (B, h, w) bool, inside the picture.

    Returns:
        () float32, at least 0.
    """
    target = log_teacher.detach()
    p = target.exp()
    divergence = (p * (target - log_p)).sum(dim=1)  # (B, h, w)
    return mean_over(p.amax(dim=1) * divergence, cells)


def diversity_loss(log_p: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """Return ``sum_k m_k log m_k + log K``, m the mean prediction: L_div.

    Args:
        log_p: (B, K, h, w).
        cells: (B, h, w) bool, inside the picture; where the mean is taken.

    Returns:
        () float32: 0 for a uniform mean, log K where one class takes all, 0 without a cell.
    """
    count = cells.sum()
    sums = torch.where(cells[:, None], log_p.exp(), 0.0).sum(dim=(0, 2, 3))  # (K,)
    own = sums / global_count(count)
    mean = global_count(own, least=0.0)  # over the cells of every process
    log_m = mean.clamp(min=1e-12).log()
    value = (mean * log_m).sum() + math.log(len(mean))
    # The gradient by this process's share of the mean; the average over processes is exact.
    slope = ((log_m + 1.0) * (own - own.detach())).sum()
    return torch.where(mean.sum() > 0, value + slope, 0.0 * slope)


def course(step: int, steps: int, *, start: float, end: float) -> float:
    """Return what goes linearly from ``start`` at step 0 to ``end`` at the last of ``steps``."""
    done = min(1.0, step / max(1, steps - 1))
    return start + (end - start) * done
