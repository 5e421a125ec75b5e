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

"""The interface every training method meets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import nn

    from xspec_ros.core.frame import Modality
    from xspec_ros.learn.batch import Batch, StepOutput


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodContext:
    """What a method is built from.

    Attributes:
        student: The deployable network.
        modality: Which picture the student takes.
        class_names: Segmentation classes in id order.
        detection_class_names: Detection classes in id order.
        steps: Length of the run in optimiser steps.
    """

    student: nn.Module
    modality: Modality
    class_names: tuple[str, ...]
    detection_class_names: tuple[str, ...]
    steps: int


class Method(Protocol):
    """Turns a batch into named losses; owns its networks, knows no loader, path or optimiser."""

    student: nn.Module

    def train(self, mode: bool = True) -> object:  # as torch has it
        """Switch the norms of every network to training or evaluation."""
        ...

    def training_step(self, batch: Batch, step: int) -> StepOutput:
        """Return the losses of one batch."""
        ...

    def after_step(self, step: int) -> None:
        """Move what moves after the optimiser's step: teachers, prototypes, thresholds."""
        ...

    def state_dict(self) -> dict[str, torch.Tensor]:
        """Return everything that exact resume needs."""
        ...

    def load_state_dict(self, state_dict: Mapping[str, torch.Tensor]) -> object:
        """Take back what ``state_dict`` gave."""
        ...
