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

"""Masked mutual learning with prototypes: a thermal network without thermal labels.

Kwon et al., "Boosting Cross-spectral Unsupervised Domain Adaptation for Thermal Semantic
Segmentation", ICRA 2025, https://arxiv.org/abs/2505.06951. docs/methods/masked_mutual.md says
which equation is which function and where this differs.
"""

from __future__ import annotations

from typing import cast, ClassVar, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import StepOutput
from xspec_ros.learn.methods.masked_mutual.args import MaskedMutualArgs
from xspec_ros.learn.methods.masked_mutual.prototypes import (
    batch_prototypes,
    ClassSums,
    moved,
    Prototypes,
)
from xspec_ros.learn.methods.masked_mutual.terms import box_terms, day_terms, night_term, View
from xspec_ros.learn.methods.method import Needs
from xspec_ros.learn.methods.reduce import idle
from xspec_ros.learn.models.norms import tie_convolutions
from xspec_ros.learn.models.student import Student
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.method import MethodContext, Start


class MaskedMutual(nn.Module):
    """An RGB and a thermal network that teach each other; the thermal one is deployed.

    They have encoders and norms of their own and share the convolutions of the pyramid and the
    segmentation head. Nothing but ``student`` is needed after training.

    Args:
        context: Thermal student and how to build its RGB sibling.
        args: Weights and constants.

    Raises:
        ConfigError: The student is no thermal network for a single camera.
    """

    args_type = MaskedMutualArgs
    needs: ClassVar[Needs] = Needs(modalities=frozenset({'thermal', 'rgb'}))

    def __init__(self, context: MethodContext, args: MaskedMutualArgs) -> None:
        super().__init__()
        student, rgb = context.student, context.sibling('rgb')
        if context.modality != 'thermal' or not isinstance(student, Student):
            message = f'masked_mutual trains no {type(student).__name__} for {context.modality}'
            raise ConfigError(message, hint='set network.name: student, input.modality: thermal')
        self.student, self.rgb, self.args = student, cast('Student', rgb), args
        del self.rgb.detection  # the RGB branch has no boxes to learn from
        tie_convolutions(student.pyramid, self.rgb.pyramid)
        tie_convolutions(student.segmentation, self.rgb.segmentation)
        student.detection.requires_grad_(args.detection > 0)
        embedding = student.feature_table['S'][1]
        self.embed = nn.Conv2d(embedding, args.embedding, 1, bias=False)
        classes = len(context.class_names)
        self.eta: torch.Tensor
        self.seen: torch.Tensor
        self.register_buffer('eta', torch.zeros(classes, args.embedding))
        self.register_buffer('seen', torch.zeros(classes, dtype=torch.bool))
        self._gathered: ClassSums | None = None  # since the last step of the optimiser

    def begin(self, start: Start) -> None:
        """Go on from an earlier stage, or from the network of an RGB teacher.

        Args:
            start: Of this method: everything is taken, strictly, prototypes included. Of
                another: its weights for both networks.
        """
        if start.method == 'masked_mutual':
            self.load_state_dict(start.state)
            return
        for network in (self.rgb, self.student):
            take_weights(network, start.network)

    def training_step(self, batch: Batch, step: int) -> StepOutput:  # noqa: ARG002
        """Return the losses of one batch.

        Raises:
            DataError: Thermal or RGB is missing.
            ConfigError: The prototypes are frozen and there are none.
        """
        if batch.thermal is None or batch.rgb is None:
            message = f'a batch without thermal or RGB pictures: {batch.names[:4]}'
            raise DataError(message, hint='masked_mutual needs pairs of both')
        if self.args.frozen() and not bool(self.seen.any()):
            message = 'the prototypes are frozen but there are none'
            raise ConfigError(message, hint='begin from a stage 1, or set prototypes: ema')
        day = (batch.day == 1) | ((batch.day < 0) & batch.has_masks)
        named = self.student.features(_channels_last(batch.thermal))
        thermal = self._view(self.student, named['S'])
        rgb = self._rgb_view(batch.rgb[day], named['S'])
        known = Prototypes(self.eta, self.seen)
        of_day = day_terms(rgb, thermal.of(day), batch.label_map[day], known=known, args=self.args)
        if not self.args.frozen():
            self._gathered = of_day.sums.plus(self._gathered)
        terms = of_day.terms
        if self.args.stage == 2:
            night = thermal.of(~day)
            terms['psl'] = night_term(night, batch.inside[~day], known=known, args=self.args)
        if self.args.detection > 0:
            levels = self.student.detection([named['P3'], named['P4'], named['P5']])
            terms |= box_terms(levels, batch, day, args=self.args)
        out = StepOutput.total(terms)
        return out if bool(day.any()) else out._replace(loss=out.loss + idle(self.rgb))

    @torch.no_grad()
    def after_step(self, step: int) -> None:  # noqa: ARG002
        """Move the prototypes by all that was seen since the last step of the optimiser."""
        if self._gathered is None:
            return
        args, sums = self.args, self._gathered.over_processes()
        seen_now = batch_prototypes(sums, fusion=args.fusion, n_min=args.n_min)
        new = moved(Prototypes(self.eta, self.seen), seen_now, args.mu)
        self.eta.copy_(new.eta)
        self.seen.copy_(new.seen)
        self._gathered = None

    def _view(self, network: Student, embedding: torch.Tensor) -> View:
        return View(network.segmentation.classifier(embedding), self.embed(embedding))

    def _rgb_view(self, image: torch.Tensor, like: torch.Tensor) -> View:
        if len(image) == 0:  # heads take an empty batch, norms do not
            return self._view(self.rgb, like[:0].detach())
        return self._view(self.rgb, self.rgb.features(_channels_last(image))['S'])


def _channels_last(image: torch.Tensor) -> torch.Tensor:
    return image.contiguous(memory_format=torch.channels_last)
