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

"""What a method sees: pictures and the labels that exist, as tensors of one size."""

from __future__ import annotations

from typing import NamedTuple

import torch

IGNORE = 255  # pixel without a label
COMPLEMENT = 254  # pixel known to be none of the classes that its data set annotates
NO_BOX = -1


class Batch(NamedTuple):
    """One batch; every picture has the same size.

    A named tuple, since Fabric looks for tensors in tuples but not in frozen dataclasses.

    Attributes:
        thermal: (B, 1, H, W) float32 in [0, 1], or None when nothing here needs it.
        rgb: (B, 3, H, W) float32 in [0, 1], or None.
        label_map: (B, H, W) int64 class ids, ``IGNORE`` or ``COMPLEMENT``.
        inside: (B, H, W) bool: the pixel shows the scene, in both cameras where there are two;
            padding and borders without a registered partner are not.
        has_masks: (B,) bool: the picture has pixel labels.
        mask_classes: (B, K) bool: classes that the picture's data set annotates.
        boxes_xyxy: (B, N, 4) float32 pixels, padded.
        box_classes: (B, N) int64, ``NO_BOX`` where padded.
        box_crowd: (B, N) bool: a region to ignore, not an object.
        has_boxes: (B,) bool: the picture has box labels (none at all is a valid label).
        day: (B,) int64: 1 day, 0 night, -1 unknown.
        names: Name of every sample.
        box_scores: (B, N) float32 in [0, 1], how sure the label of a box is; padded with 1. None:
            every label is.
    """

    thermal: torch.Tensor | None
    rgb: torch.Tensor | None
    label_map: torch.Tensor
    inside: torch.Tensor
    has_masks: torch.Tensor
    mask_classes: torch.Tensor
    boxes_xyxy: torch.Tensor
    box_classes: torch.Tensor
    box_crowd: torch.Tensor
    has_boxes: torch.Tensor
    day: torch.Tensor
    names: tuple[str, ...]
    box_scores: torch.Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """Return the batch on another device."""
        moved = {name: tensor.to(device) for name, tensor in self.tensors().items()}
        return Batch(**{**self._asdict(), **moved})

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return every tensor by name, for saving."""
        named = self._asdict()
        return {name: value for name, value in named.items() if isinstance(value, torch.Tensor)}


class StepOutput(NamedTuple):
    """Total loss and what it is made of.

    Attributes:
        loss: () float32, the weighted sum of the terms; backward starts here.
        terms: Every term after its weight, detached; they sum to ``loss``.
    """

    loss: torch.Tensor
    terms: dict[str, torch.Tensor]

    @classmethod
    def total(cls, terms: dict[str, torch.Tensor]) -> StepOutput:
        """Sum weighted terms into the loss."""
        loss = torch.stack([term.float() for term in terms.values()]).sum()
        return cls(loss=loss, terms={name: term.detach() for name, term in terms.items()})
