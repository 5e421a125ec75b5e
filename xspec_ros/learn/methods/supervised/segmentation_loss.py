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

"""Pixel losses: cross-entropy on labelled pixels, the complement loss on excluded ones."""

from __future__ import annotations

import torch
from torch.nn import functional

from xspec_ros.learn.batch import COMPLEMENT
from xspec_ros.learn.methods.reduce import global_count

NEVER = -1e4  # logit of a class that is left out


def segmentation_cross_entropy(
    logits: torch.Tensor, label_map: torch.Tensor, class_weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Average the cross-entropy over labelled pixels.

    Args:
        logits: (B, K, H, W).
        label_map: (B, H, W) int64; values of K and above do not count.
        class_weights: (K,) weight of a pixel by its label; the mean is over summed weights.

    Returns:
        () float32; 0 with zero gradient when no pixel is labelled.
    """
    num_classes = logits.shape[1]
    target = torch.where(label_map < num_classes, label_map, -100)
    total = functional.cross_entropy(
        logits.float(), target, weight=class_weights, ignore_index=-100, reduction='sum'
    )
    labelled = target[target >= 0]
    if class_weights is None:
        return total / global_count(labelled.new_tensor(labelled.numel()))
    return total / global_count(class_weights[labelled].sum(), least=1e-6)


def complement_loss(
    logits: torch.Tensor, label_map: torch.Tensor, mask_classes: torch.Tensor
) -> torch.Tensor:
    """Average ``-log(1 - sum of p_k over annotated k)`` over excluded pixels.

    A data set that annotates a few classes says of an unlabelled pixel only that it is none of
    them. The loss pushes their summed probability to 0 and leaves the others alone.

    Args:
        logits: (B, K, H, W).
        label_map: (B, H, W) int64; ``COMPLEMENT`` marks the pixels.
        mask_classes: (B, K) bool, classes that the picture's data set annotates.

    Returns:
        () float32; 0 with zero gradient when no pixel is marked.
    """
    excluded = label_map == COMPLEMENT  # (B, H, W)
    rows = excluded.flatten(1).any(dim=1)
    values, where = logits[rows].float(), excluded[rows]  # (M, K, H, W), (M, H, W)
    annotated = mask_classes[rows][:, :, None, None]
    # 1 - sum of p_k = the others' share, so -log of it is a difference of two log-sums: exact
    # where the sum of p_k is almost 1, and one pass over the classes.
    others = values.masked_fill(annotated, NEVER).logsumexp(dim=1)
    total = (values.logsumexp(dim=1) - others)[where].sum()
    return total / global_count(excluded.sum())
