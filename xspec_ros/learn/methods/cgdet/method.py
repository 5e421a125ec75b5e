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

"""Contrast-guided cross-modal distillation: a thermal detector that an RGB network guides.

Kim and An, "Contrast-Guided Cross-Modal Distillation for Thermal Object Detection",
https://arxiv.org/abs/2511.01435. docs/methods/cgdet.md says which equation is which function and
what is a choice of this package.
"""

from __future__ import annotations

from typing import ClassVar, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import DataError
from xspec_ros.learn.batch import StepOutput
from xspec_ros.learn.methods.cgdet.args import CgdetArgs
from xspec_ros.learn.methods.cgdet.embedding import build_projector, embed, of_all_processes
from xspec_ros.learn.methods.cgdet.guidance import guidance_loss, guidance_weights
from xspec_ros.learn.methods.cgdet.loss import contrast_loss, Embedded
from xspec_ros.learn.methods.cgdet.memory import EmbeddingQueue
from xspec_ros.learn.methods.cgdet.networks import (
    build_adapters,
    inherit_heads,
    LEVELS,
    pyramid_of,
    rgb_teacher,
    thermal_student,
)
from xspec_ros.learn.methods.cgdet.night import NightRule, NightTeacher
from xspec_ros.learn.methods.cgdet.sampling import draw_rois
from xspec_ros.learn.methods.crm.loss import growth
from xspec_ros.learn.methods.gather import gathered_loss
from xspec_ros.learn.methods.method import Needs
from xspec_ros.learn.methods.reliability import rgb_reliability
from xspec_ros.learn.methods.stage import take_stage
from xspec_ros.learn.methods.supervised.args import weights_in_order
from xspec_ros.learn.methods.supervised.terms import supervised_terms
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.method import MethodContext, Start


class Cgdet(nn.Module):
    """A thermal student, its RGB teacher, and what only training has.

    Args:
        context: Thermal student, teacher, class names.
        args: Weights and constants.

    Raises:
        ConfigError: The student is no thermal network of one camera, the teacher no RGB one.
    """

    args_type = CgdetArgs
    needs: ClassVar[Needs] = Needs(modalities=frozenset({'thermal', 'rgb'}), teacher=True)

    def __init__(self, context: MethodContext, args: CgdetArgs) -> None:
        super().__init__()
        self.student = thermal_student(context)
        teacher = rgb_teacher(context)
        # In a tuple, so that it is no part of the state: the recipe names it again.
        self._teachers = (teacher,)
        self.args, self.steps, self.network_hw = args, context.steps, context.network_hw
        weights = weights_in_order(args.base.class_weights, context.class_names)
        self.class_weights: torch.Tensor
        self.register_buffer('class_weights', torch.tensor(weights), persistent=False)
        if args.inherit:
            inherit_heads(self.student, teacher)
        with torch.random.fork_rng(devices=[]):  # the student's run is the same without them
            self.adapters = build_adapters(self.student, teacher, inherit=args.inherit)
            self.projector = build_projector(self.student.feature_table['P3'][1], args)
        self.adapters.requires_grad_(args.guidance_weight > 0)
        self.projector.requires_grad_(args.contrast_weight > 0)
        classes = len(context.detection_class_names)
        self.queue = EmbeddingQueue(classes, args.queue, args.embedding) if args.queue else None
        self._pending: list[Embedded] = []  # for the queue, since the last step of the optimiser
        self.night: NightTeacher | None = None
        if args.night_score is not None:
            rule = NightRule(args.night_score, args.night_ignore, args.night_weight)
            self.night = NightTeacher(self.student, rule)

    def begin(self, start: Start) -> None:
        """Go on from an earlier stage of cgdet, or take the weights of another network.

        Raises:
            DataError: The state or the weights do not fit.
        """
        if start.method == 'cgdet':
            take_stage(self, start)
            return
        take_weights(self.student, start.network)
        if self.night is not None:
            self.night.follow(self.student, 0.0)

    def training_step(self, batch: Batch, step: int) -> StepOutput:
        """Return the losses of one batch.

        Raises:
            DataError: Thermal is missing.
        """
        if batch.thermal is None:
            message = f'a batch without thermal pictures: {batch.names[:4]}'
            raise DataError(message, hint='the sources of the recipe need that modality')
        args, image = self.args, batch.thermal.contiguous(memory_format=torch.channels_last)
        if self.night is not None and step >= args.night_from * self.steps:
            batch = self.night.label(batch)
        named = self.student.features(image)
        pyramid = [named[level] for level in LEVELS]
        output = self.student.heads(named)
        terms = supervised_terms(output, batch, args.base, self.class_weights)
        grown = growth(step, self.steps, args.ramp)
        if args.contrast_weight > 0:
            terms['contrast'] = grown * args.contrast_weight * self._contrast(pyramid, batch, step)
        if args.guidance_weight > 0:
            terms['guidance'] = grown * args.guidance_weight * self._guidance(pyramid, batch)
        return StepOutput.total(terms)

    @torch.no_grad()
    def after_step(self, step: int) -> None:
        """Keep the embeddings of the step, and move the average of the student."""
        for rois in self._pending:
            if self.queue is not None:
                self.queue.push(rois)
        self._pending = []
        if self.night is not None:  # a young average must forget its start
            self.night.follow(self.student, min(self.args.night_decay, (1 + step) / (10 + step)))

    def _width(self, batch: Batch) -> int:
        """Return the columns of a whole picture at the scale of the crops."""
        return batch.label_map.shape[-1] if self.network_hw is None else self.network_hw[1]

    def _contrast(self, pyramid: list[torch.Tensor], batch: Batch, step: int) -> torch.Tensor:
        """Return L_rcs over the boxes of every process."""
        args = self.args
        drawn = draw_rois(batch, args, step=step)
        own = embed(pyramid, drawn, self.projector, size=args.roi_size, width=self._width(batch))
        rois, processes = of_all_processes(own)
        memory = None
        if self.queue is not None:
            memory = self.queue.memory()
            self._pending.append(rois._replace(z=rois.z.detach()))
        loss = contrast_loss(rois, tau=args.tau, memory=memory)
        return gathered_loss(loss, processes)

    def _guidance(self, pyramid: list[torch.Tensor], batch: Batch) -> torch.Tensor:
        """Return L_cms over the pictures whose RGB can be believed."""
        reliability = rgb_reliability(batch)
        weights = guidance_weights(batch, reliability, self.args, width=self._width(batch))
        rows = reliability.nonzero()[:, 0]  # of the others the teacher is not asked
        adapted = [
            adapter(features[rows])
            for adapter, features in zip(self.adapters, pyramid, strict=True)
        ]
        taught = adapted if batch.rgb is None or len(rows) == 0 else self._teach(batch.rgb[rows])
        return guidance_loss(adapted, taught, [each[rows] for each in weights], self.args)

    def _teach(self, rgb: torch.Tensor) -> list[torch.Tensor]:
        """Return the teacher's P3 to P5."""
        return pyramid_of(self._teachers[0].to(rgb.device), rgb)
