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

"""The two streams, as students and as the slow teachers that follow them."""

from __future__ import annotations

import copy
from typing import cast, TYPE_CHECKING

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from xspec_ros.learn.models.average import copy_buffers, move_average, move_weights
from xspec_ros.learn.models.student import StudentOutput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.methods.crossmatch.auxiliary import AuxiliaryNetwork
    from xspec_ros.learn.methods.crossmatch.sights import Sight
    from xspec_ros.learn.models.student import Student


def answers(streams: nn.ModuleDict, sight: Sight, *, boxes: bool) -> list[StudentOutput]:
    """Return the answer of the thermal network, and of the auxiliary one where there is one.

    Args:
        streams: ``thermal`` and perhaps ``auxiliary``.
        sight: Pictures.
        boxes: Run the detection heads; without, there are no levels.
    """
    student = cast('Student', streams['thermal'])
    picture = sight.thermal.contiguous(memory_format=torch.channels_last)
    found = [answer(student, student.backbone(picture), boxes=boxes)]
    if 'auxiliary' in streams and sight.second is not None:
        auxiliary = cast('AuxiliaryNetwork', streams['auxiliary'])
        levels = auxiliary.levels(sight.thermal, sight.second, sight.reliability)
        found.append(answer(auxiliary.thermal, levels, boxes=boxes))
    return found


def answer(network: Student, levels: Sequence[torch.Tensor], *, boxes: bool) -> StudentOutput:
    """Return the answer to C2..C5; without ``boxes`` it has no detection levels."""
    named = network.head_features(levels)
    det = network.detection([named['P3'], named['P4'], named['P5']]) if boxes else []
    return StudentOutput(network.segmentation.classifier(named['S']), det)


class Teachers(nn.Module):
    """Averaged copies of the students, whose norms always normalise by running statistics.

    They alone see the pictures as the camera sends them, so these statistics are theirs: in
    training mode every answer moves them, and the students, whose own pictures are disturbed,
    borrow them. What is deployed is normalised by what it will meet.

    Args:
        students: ``thermal`` and perhaps ``auxiliary``; what they share, the copies share.
        listening: Let what is seen move the statistics; otherwise they stay as they are.
    """

    def __init__(self, students: nn.ModuleDict, *, listening: bool = True) -> None:
        super().__init__()
        self.networks = copy.deepcopy(students).eval().requires_grad_(requires_grad=False)
        self.moves: torch.Tensor
        self.register_buffer('moves', torch.zeros((), dtype=torch.int64))
        for layer in self.networks.modules():
            if listening and isinstance(layer, _BatchNorm):
                layer.register_forward_pre_hook(self._meet)

    def train(self, mode: bool = True) -> Teachers:
        """Let statistics move or stand still; the networks stay in evaluation mode."""
        super().train(mode=False)
        self.training = mode
        return self

    def follow(self, students: nn.ModuleDict, ema: float) -> None:
        """Move by ``min(ema, 1 - 1 / (t + 1))`` at move t: a copy at first, then ever slower.

        Weights go from the students to the teachers, the norms' statistics the other way.
        """
        move_weights(self.networks, students, min(ema, 1 - 1 / (int(self.moves) + 1)))
        copy_buffers(students, self.networks)
        self.moves += 1

    def restart(self, students: nn.ModuleDict) -> None:
        """Become copies."""
        move_average(self.networks, students, 0.0)
        self.moves.zero_()

    @torch.no_grad()
    def _meet(self, layer: nn.Module, inputs: tuple[torch.Tensor]) -> None:
        """Let a norm move its running statistics by what it is about to see."""
        norm = cast('_BatchNorm', layer)
        if not self.training or norm.running_mean is None or norm.running_var is None:
            return
        var, mean = torch.var_mean(inputs[0].float(), dim=(0, 2, 3))
        norm.running_mean.lerp_(mean, norm.momentum or 0.0)
        norm.running_var.lerp_(var, norm.momentum or 0.0)
