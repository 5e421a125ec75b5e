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

"""What trains beside the deployed network: an RGB branch and a project head."""

from __future__ import annotations

from typing import cast, TYPE_CHECKING

import torch
from torch import nn
from torch.func import functional_call

from xspec_ros.learn.models.blocks import conv_bn, init_weights
from xspec_ros.learn.models.norms import tie_convolutions

if TYPE_CHECKING:
    from xspec_ros.learn.models.student import Student


def rgb_branch(student: Student, sibling: Student) -> Student:
    """Make the student's sibling its branch for RGB, in place.

    Both have every weight in common but their norms and the first convolution, whose inputs
    differ. The branch has no boxes to learn from.

    Args:
        student: Thermal network.
        sibling: The same for RGB.

    Returns:
        The sibling.
    """
    del sibling.detection
    first = next(layer for layer in sibling.modules() if isinstance(layer, nn.Conv2d))
    own = dict(first._parameters)
    tie_convolutions(student, sibling)
    first._parameters.update(own)
    return sibling


class ProjectHead(nn.Module):
    """Content embeddings of P4, and the classifier that they are learnt by.

    Args:
        channels: Of P4.
        embedding: Length of an embedding.
        num_classes: K.
    """

    def __init__(self, channels: int, embedding: int, num_classes: int) -> None:
        super().__init__()
        self.project = nn.Sequential(
            conv_bn(channels, channels), nn.Conv2d(channels, embedding, 1)
        )
        self.classifier = nn.Conv2d(embedding, num_classes, 1)
        init_weights(self)

    def forward(self, p4: torch.Tensor) -> torch.Tensor:
        """Return class logits (B, K, h, w) of P4 (B, C, h, w)."""
        return cast('torch.Tensor', self.classifier(self.project(p4)))

    def embed(self, p4: torch.Tensor) -> torch.Tensor:
        """Return embeddings (B, D, h, w) of P4 with the head itself as a constant.

        The gradient passes through to P4. Norms take their running statistics and leave them
        alone: an embedding depends on no other picture of the batch.
        """
        constant = {name: weight.detach() for name, weight in self.project.named_parameters()}
        was = self.project.training
        self.project.eval()
        try:
            return cast('torch.Tensor', functional_call(self.project, constant, (p4,)))
        finally:
            self.project.train(was)
