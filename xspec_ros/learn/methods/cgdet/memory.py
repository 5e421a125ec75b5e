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

"""Embeddings of earlier steps, so that a class that is rare in a batch has company."""

from __future__ import annotations

import torch
from torch import nn

from xspec_ros.learn.methods.cgdet.loss import Embedded


class EmbeddingQueue(nn.Module):
    """The latest embeddings of every class; a part of the method's state.

    Args:
        classes: K.
        size: Embeddings kept of a class.
        embedding: Their length D.
    """

    def __init__(self, classes: int, size: int, embedding: int) -> None:
        super().__init__()
        self.z: torch.Tensor
        self.pushed: torch.Tensor
        self.register_buffer('z', torch.zeros(classes, size, embedding))
        self.register_buffer('pushed', torch.zeros(classes, dtype=torch.int64))

    def memory(self) -> Embedded:
        """Return what is kept; a copy, since the next push writes over it."""
        size = self.z.shape[1]
        held = torch.arange(size, device=self.z.device) < self.pushed[:, None]  # (K, size)
        classes = held.nonzero()[:, 0]
        return Embedded(self.z[held], classes, torch.zeros_like(self.z[held][:, 0]))

    @torch.no_grad()
    def push(self, rois: Embedded) -> None:
        """Put embeddings in the place of the oldest of their class."""
        size = self.z.shape[1]
        for number in range(len(self.z)):
            new = rois.z[rois.classes == number][-size:].detach()
            places = (self.pushed[number] + torch.arange(len(new), device=new.device)) % size
            self.z[number, places] = new
            self.pushed[number] += len(new)
