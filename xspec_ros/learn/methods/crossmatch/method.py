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

"""Source-free adaptation by cross-modal consistency: unlabelled pairs and a frozen source.

After Yin, Hu, Liu, Wang, Xiang, Zimmermann, "CrossMatch: Source-Free Domain Adaptive Semantic
Segmentation via Cross-Modal Consistency Training", ICCV 2023,
https://doi.org/10.1109/ICCV51070.2023.01991. docs/methods/crossmatch.md says what is known of it
and what is chosen here.
"""

from __future__ import annotations

from functools import partial
from typing import cast, ClassVar, TYPE_CHECKING

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import Batch, StepOutput
from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
from xspec_ros.learn.methods.crossmatch.auxiliary import AuxiliaryNetwork
from xspec_ros.learn.methods.crossmatch.boxes import box_truth, compared_boxes, objects
from xspec_ros.learn.methods.crossmatch.denoise import Medians, moved_medians
from xspec_ros.learn.methods.crossmatch.lesson import Lesson, lesson_of, Moment, source_alone
from xspec_ros.learn.methods.crossmatch.sights import present, Sight, strong_sight, weak_sight
from xspec_ros.learn.methods.crossmatch.streams import answer, answers, Teachers
from xspec_ros.learn.methods.crossmatch.terms import box_terms, pixel_terms
from xspec_ros.learn.methods.method import Needs
from xspec_ros.learn.methods.reduce import global_sum
from xspec_ros.learn.methods.reliability import rgb_reliability
from xspec_ros.learn.methods.stage import take_stage
from xspec_ros.learn.models.norms import frozen_statistics, tie_convolutions
from xspec_ros.learn.models.student import Student
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from xspec_ros.learn.methods.method import MethodContext, Start
    from xspec_ros.learn.models.student import DetLevel, StudentOutput

LONGEST_NIGHT = 200  # steps in which an RGB source must have seen the day


class Crossmatch(nn.Module):
    """A thermal student, an auxiliary network, their teachers and the frozen source.

    Nothing but ``student`` is needed after training.

    Args:
        context: Thermal student, how to build its siblings, and the source as ``teacher``.
        args: Weights and constants.

    Raises:
        ConfigError: The student is no thermal network, or the source none of a single camera.
    """

    args_type = CrossmatchArgs
    needs: ClassVar[Needs] = Needs(teacher=True)

    def __init__(self, context: MethodContext, args: CrossmatchArgs) -> None:
        super().__init__()
        self.student, source = _checked(context)
        self.args, self.steps = args, context.steps
        first = next(layer for layer in source.modules() if isinstance(layer, nn.Conv2d))
        self.rgb_source = first.in_channels == 3
        self.auxiliary: AuxiliaryNetwork | None = None
        if args.auxiliary != 'none':
            second = context.sibling('rgb' if args.auxiliary == 'rgb' else 'thermal')
            thermal = cast('Student', context.sibling('thermal'))
            self.auxiliary = AuxiliaryNetwork(thermal, cast('Student', second))
            if not self.rgb_source:  # its second backbone starts from weights for thermal
                self.auxiliary.trust_thermal()
            for part in ('pyramid', 'detection', 'segmentation') if args.share_head else ():
                tie_convolutions(getattr(self.student, part), getattr(thermal, part))
            thermal.detection.requires_grad_(args.detection > 0)
        self.student.detection.requires_grad_(args.detection > 0)
        self.teachers = Teachers(self.students, listening=args.norms == 'adapted')
        self.medians: torch.Tensor
        self.seen: torch.Tensor
        self.days: torch.Tensor
        count = len(context.class_names)
        self.register_buffer('medians', torch.full((count,), args.tau_max))
        self.register_buffer('seen', torch.zeros(count, dtype=torch.bool))
        self.register_buffer('days', torch.zeros((), dtype=torch.int64))  # pictures of it so far
        # In a tuple, so that it is no part of the state: the recipe names it again.
        self._sources = (source.eval().requires_grad_(requires_grad=False),)
        # Since the last step of the optimiser, in this process.
        self._counts: torch.Tensor | None = None
        self._days = torch.zeros((), dtype=torch.int64)

    def train(self, mode: bool = True) -> Crossmatch:  # as torch has it
        """Switch the students to training, but for norms that stay as they are."""
        super().train(mode)
        if self.args.norms == 'frozen':
            for layer in self.students.modules():
                if isinstance(layer, _BatchNorm):
                    layer.eval()
        return self

    @property
    def students(self) -> nn.ModuleDict:
        """The networks that are trained, by stream."""
        streams: dict[str, nn.Module] = {'thermal': self.student}
        if self.auxiliary is not None:
            streams['auxiliary'] = self.auxiliary
        return nn.ModuleDict(streams)

    def begin(self, start: Start) -> None:
        """Go on from this method, or begin every network from another one.

        Args:
            start: Of this method: its whole state. Of another: its weights for all networks but
                the second backbone, which takes those of the source, across cameras.

        Raises:
            DataError: The weights do not fit.
        """
        if start.method == 'crossmatch':
            take_stage(self, start)
            return
        take_weights(self.student, start.network)
        if self.auxiliary is not None:
            self.auxiliary.take(start.network, self._sources[0].state_dict())
        self.teachers.restart(self.students)

    def training_step(self, batch: Batch, step: int) -> StepOutput:
        """Return the losses of one batch: the weak view."""
        args = self.args
        moment = Moment(step - args.warmup, max(1, self.steps - args.warmup))
        day = rgb_reliability(batch)
        self._days = self._days + (day > 0).sum()
        weak = weak_sight(batch, day, args.auxiliary)
        lesson, told = self._taught(batch, weak, day, moment)
        truth = box_truth(told, batch.inside, lesson.labelled, args) if told else None
        boxes = objects(truth, len(batch.names))
        strong = strong_sight(batch, weak, boxes, args, step=step)
        with frozen_statistics(self.students):  # they borrow the teachers'
            found = answers(self.students, strong, boxes=args.detection > 0)
        terms = pixel_terms(found, lesson, moment=moment, args=args)
        if truth is not None:
            compare = partial(
                compared_boxes, told=told, truth=truth, inside=batch.inside, args=args
            )
            terms |= box_terms(found, compare, args=args)
        if not moment.warming:
            self._counts = lesson.counts + (0 if self._counts is None else self._counts)
        return StepOutput.total(terms)

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Move teachers and thresholds.

        Raises:
            DataError: The source takes RGB and there has been none by day.
        """
        self.teachers.follow(self.students, self.args.ema)
        if self._counts is not None:
            momentum = self.args.tau_momentum
            moved = moved_medians(Medians(self.medians, self.seen), self._counts, momentum)
            self.medians.copy_(moved.values)
            self.seen.copy_(moved.seen)
            self._counts = None
        self.days += global_sum(self._days)
        self._days = torch.zeros_like(self._days)
        night = self.rgb_source and step + 1 == min(LONGEST_NIGHT, self.steps)
        if night and int(self.days) == 0:
            message = f'an RGB source, but no picture by day in the first {step + 1} steps'
            raise DataError(message, hint='add pairs of the day, or adapt a thermal model')

    @torch.no_grad()
    def _taught(
        self, batch: Batch, weak: Sight, day: torch.Tensor, moment: Moment
    ) -> tuple[Lesson, list[list[DetLevel]]]:
        """Return what source and teachers say of the weak view, and their raw boxes."""
        args, with_boxes = self.args, self.args.detection > 0
        alone = source_alone(moment, args)
        source = self._ask_source(batch, boxes=with_boxes and alone)
        teachers = answers(self.teachers.networks, weak, boxes=with_boxes and not alone)
        lesson = lesson_of(
            source.seg_logits,
            teachers,
            batch.inside,
            reliability=day if self.rgb_source else torch.ones_like(day),
            medians=self.medians,
            moment=moment,
            args=args,
        )
        told = [each.det for each in ([source] if alone else teachers)]
        return lesson, told if with_boxes else []

    def _ask_source(self, batch: Batch, *, boxes: bool) -> StudentOutput:
        source = self._sources[0].to(batch.label_map.device)
        picture = present(batch, 'rgb' if self.rgb_source else 'thermal')
        levels = source.backbone(picture.contiguous(memory_format=torch.channels_last))
        return answer(source, levels, boxes=boxes)


def _checked(context: MethodContext) -> tuple[Student, Student]:
    """Return student and source."""
    student, source = context.student, context.teacher
    if context.modality != 'thermal' or not isinstance(student, Student):
        message = f'crossmatch trains no {type(student).__name__} for {context.modality}'
        raise ConfigError(message, hint='set network.name: student, input.modality: thermal')
    if source is None:
        message = 'method crossmatch has no source model'
        raise ConfigError(message, hint='set teacher: the run or model to adapt from')
    if not isinstance(source, Student):
        message = f'the source of crossmatch is a {type(source).__name__}'
        raise ConfigError(message, hint='take a network of one camera, RGB or thermal')
    return student, source
