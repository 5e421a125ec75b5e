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

"""Plain supervised training: masks and boxes, each where a picture has them."""

from __future__ import annotations

from typing import ClassVar, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import DataError
from xspec_ros.learn.batch import Batch, StepOutput
from xspec_ros.learn.methods.method import Needs
from xspec_ros.learn.methods.supervised.args import SupervisedArgs, weights_in_order
from xspec_ros.learn.methods.supervised.terms import supervised_terms
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from xspec_ros.learn.methods.method import MethodContext, Start
    from xspec_ros.learn.models.student import StudentOutput


class Supervised(nn.Module):
    """One student, the labels of its own modality.

    Args:
        context: Student, modality and class names.
        args: Weights of the terms.

    Raises:
        ConfigError: A class weight names an unknown class.
    """

    args_type = SupervisedArgs
    needs: ClassVar[Needs] = Needs()

    def __init__(self, context: MethodContext, args: SupervisedArgs) -> None:
        super().__init__()
        self.student = context.student
        self.modality = context.modality
        self.args = args
        weights = weights_in_order(args.class_weights, context.class_names)
        self.class_weights: torch.Tensor
        self.register_buffer('class_weights', torch.tensor(weights), persistent=False)

    def begin(self, start: Start) -> None:
        """Take the weights of another network, across cameras too."""
        take_weights(self.student, start.network)

    def training_step(self, batch: Batch, step: int) -> StepOutput:  # noqa: ARG002
        """Return the losses of one batch."""
        image = batch.thermal if self.modality == 'thermal' else batch.rgb
        if image is None:
            message = f'a batch without {self.modality} pictures: {batch.names[:4]}'
            raise DataError(message, hint='the sources of the recipe need that modality')
        output: StudentOutput = self.student(image.contiguous(memory_format=torch.channels_last))
        return StepOutput.total(supervised_terms(output, batch, self.args, self.class_weights))

    def after_step(self, step: int) -> None:
        """Do nothing: there is no teacher."""
