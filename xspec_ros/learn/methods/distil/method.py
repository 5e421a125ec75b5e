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

"""Distillation: a student of one camera learns the answers of a frozen teacher.

The teacher sees clean pairs, by night too; no labels are needed. A fusion network answers from
both cameras, a plain network from its own, which makes this ordinary (cross-modal) distillation.
"""

from __future__ import annotations

from typing import cast, ClassVar, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import Batch, StepOutput
from xspec_ros.learn.methods.distil.args import DistilArgs
from xspec_ros.learn.methods.distil.inherit import fold_level_norms, is_fusion, path_weights
from xspec_ros.learn.methods.distil.loss import box_distance, hard_distance, soft_distance
from xspec_ros.learn.methods.method import Needs
from xspec_ros.learn.methods.stage import take_stage
from xspec_ros.learn.models.fusion import FusionNetwork
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from xspec_ros.learn.methods.method import MethodContext, Start
    from xspec_ros.learn.models.student import Student, StudentOutput


class Distil(nn.Module):
    """A student and its teacher.

    Args:
        context: Student, its modality, and the teacher.
        args: Weights of the terms.

    Raises:
        ConfigError: There is no teacher, or the student is a fusion network.
    """

    args_type = DistilArgs
    needs: ClassVar[Needs] = Needs(modalities=frozenset({'thermal', 'rgb'}), teacher=True)

    def __init__(self, context: MethodContext, args: DistilArgs) -> None:
        super().__init__()
        if context.teacher is None:
            message = 'method distil has no teacher'
            raise ConfigError(message, hint='set teacher: the run whose network is to teach')
        if isinstance(context.student, FusionNetwork):
            message = 'method distil teaches a network of one camera, not a fusion network'
            raise ConfigError(message, hint='set network.name: student')
        self.student: nn.Module = context.student
        self.modality = context.modality
        self.args = args
        self.with_boxes = args.box + args.objectness + args.classification > 0
        self._student.detection.requires_grad_(self.with_boxes)  # else no term reaches it
        # In a tuple, so that it is no part of the state: the recipe names it again.
        self._teachers = (context.teacher.eval().requires_grad_(False),)

    def begin(self, start: Start) -> None:
        """Go on from distil, a fusion network's path of the same camera, or another network.

        Raises:
            DataError: The weights do not fit.
        """
        if start.method == 'distil':
            take_stage(self, start)
            return
        weights = dict(start.network)
        if is_fusion(weights):
            weights = path_weights(weights, self.modality)
        if not any(name.startswith('level_norms.') for name in self.student.state_dict()):
            weights = fold_level_norms(weights)
        take_weights(self.student, weights)

    def training_step(self, batch: Batch, step: int) -> StepOutput:  # noqa: ARG002
        """Return the losses of one batch."""
        image = batch.thermal if self.modality == 'thermal' else batch.rgb
        truth = self._teach(batch)
        named = self._student.features(_laid_out(image, batch))
        args, inside = self.args, batch.inside
        ours, theirs = self._student.segmentation.classifier(named['S']), truth.seg_logits
        soft = soft_distance(ours, theirs, inside, temperature=args.temperature)
        hard = hard_distance(ours, theirs, inside, confidence=args.confidence)
        terms = {'soft': args.soft * soft, 'hard': args.hard * hard}
        if self.with_boxes:
            det = self._student.detection([named['P3'], named['P4'], named['P5']])
            boxes = box_distance(det, truth.det, inside, score=args.score)
            terms['box'] = args.box * boxes.box
            terms['obj'] = args.objectness * boxes.obj
            terms['cls'] = args.classification * boxes.cls
        return StepOutput.total(terms)

    def after_step(self, step: int) -> None:
        """Do nothing: the teacher stands still."""

    @property
    def _student(self) -> Student:
        return cast('Student', self.student)

    @torch.no_grad()
    def _teach(self, batch: Batch) -> StudentOutput:
        """Return the teacher's answer to clean pictures."""
        teacher = self._teachers[0].to(batch.label_map.device)
        if isinstance(teacher, FusionNetwork):
            thermal, rgb = _laid_out(batch.thermal, batch), _laid_out(batch.rgb, batch)
            return cast('StudentOutput', teacher(thermal, rgb))
        first = next(layer for layer in teacher.modules() if isinstance(layer, nn.Conv2d))
        image = batch.rgb if first.in_channels == 3 else batch.thermal
        return cast('StudentOutput', teacher(_laid_out(image, batch)))


def _laid_out(image: torch.Tensor | None, batch: Batch) -> torch.Tensor:
    """Return pictures with channels last.

    Raises:
        DataError: The batch does not hold them.
    """
    if image is None:
        message = f'a batch without pairs: {batch.names[:4]}'
        raise DataError(message, hint='distil needs thermal and rgb of every picture')
    return image.contiguous(memory_format=torch.channels_last)
