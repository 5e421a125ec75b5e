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
from typing import ClassVar, Protocol, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        sibling: Builds a fresh network like the student for the camera named.
        teacher: A frozen network in evaluation mode, where the recipe names one.
        network_hw: Rows and columns of a whole picture at the scale of the crops; None: those of
            the crops.
    """

    student: nn.Module
    modality: Modality
    class_names: tuple[str, ...]
    detection_class_names: tuple[str, ...]
    steps: int
    sibling: Callable[[Modality], nn.Module]
    teacher: nn.Module | None = None
    network_hw: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a method must be given.

    Attributes:
        modalities: Pictures that every batch must hold; empty = those of the student.
        teacher: A frozen teacher network.
    """

    modalities: frozenset[str] = frozenset()
    teacher: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What an earlier stage left behind.

    Attributes:
        method: Name of its method.
        modality: Which picture its network takes.
        network: Its deployable weights, averaged.
        state: Its method's ``state_dict`` at the end.
    """

    method: str
    modality: Modality
    network: Mapping[str, torch.Tensor]
    state: Mapping[str, torch.Tensor]


class Method(Protocol):
    """Turns a batch into named losses; owns its networks, knows no loader, path or optimiser."""

    needs: ClassVar[Needs]
    student: nn.Module

    def train(self, mode: bool = True) -> object:  # as torch has it
        """Switch the norms of every network to training or evaluation."""
        ...

    def begin(self, start: Start) -> None:
        """Take over what an earlier stage left behind."""
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
