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

"""Complementary random masking: a fusion network that no single camera carries.

Shin et al., "Complementary Random Masking for RGB-Thermal Semantic Segmentation", ICRA 2024,
https://arxiv.org/abs/2303.17386.
"""

from __future__ import annotations

from typing import cast, ClassVar, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import Batch, StepOutput
from xspec_ros.learn.methods.crm.args import CrmArgs
from xspec_ros.learn.methods.crm.loss import (
    box_supervision,
    cell_weights,
    growth,
    inside_cells,
    self_distillation,
    supervision,
)
from xspec_ros.learn.methods.crm.masks import draw_masks, grid_of, hide
from xspec_ros.learn.methods.method import Needs
from xspec_ros.learn.methods.stage import take_stage
from xspec_ros.learn.models.fusion import FusionNetwork
from xspec_ros.learn.models.norms import frozen_statistics
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from xspec_ros.learn.methods.method import MethodContext, Start
    from xspec_ros.learn.models.student import Student

    Features = dict[str, dict[str, torch.Tensor]]

MID_GREY = 0.5  # pictures are in [0, 1]


class Crm(nn.Module):
    """A fusion network, and what hidden pixels read while it learns.

    Args:
        context: The network, of name ``fusion``.
        args: Masks and weights.

    Raises:
        ConfigError: The network is another one.
    """

    args_type = CrmArgs
    needs: ClassVar[Needs] = Needs(modalities=frozenset({'thermal', 'rgb'}))

    def __init__(self, context: MethodContext, args: CrmArgs) -> None:
        super().__init__()
        if not isinstance(context.student, FusionNetwork):
            message = f'method crm cannot train a {type(context.student).__name__}'
            raise ConfigError(message, hint='set network.name: fusion')
        self.student: nn.Module = context.student
        self.args = args
        self.steps = context.steps
        self.tokens = nn.ParameterDict(
            {n: MID_GREY + 0.02 * torch.randn(1, c, 1, 1) for n, c in (('thermal', 1), ('rgb', 3))}
        ).requires_grad_(args.strategy != 'none')
        for path in self._paths().values():  # what no term reaches is not trained
            path.detection.requires_grad_(args.detection > 0)

    def begin(self, start: Start) -> None:
        """Go on from crm, another fusion network, or a network of one camera for every path.

        Raises:
            DataError: The weights do not fit.
        """
        if start.method == 'crm':
            take_stage(self, start)
        elif any(name.startswith('fused.') for name in start.network):
            take_weights(self.student, start.network)
        else:
            for path in self._paths().values():
                take_weights(path, start.network)

    def training_step(self, batch: Batch, step: int) -> StepOutput:
        """Return the losses of one batch of pairs."""
        if batch.thermal is None or batch.rgb is None:
            message = f'a batch without pairs: {batch.names[:4]}'
            raise DataError(message, hint='crm needs thermal and rgb of every picture')
        features = self._features(batch.thermal, batch.rgb)
        clean = self._logits(features)
        terms = self._supervised(clean, batch)
        if self.args.detection > 0:
            terms |= self._boxes(features, batch)
        if self.args.strategy != 'none':
            with frozen_statistics(self.student):  # clean passes are what is deployed
                terms |= self._masked(clean['fused'], batch, step)
        return StepOutput.total(terms)

    def after_step(self, step: int) -> None:
        """Do nothing: there is no teacher."""

    def _paths(self) -> dict[str, Student]:
        network = cast('FusionNetwork', self.student)
        return {'fused': network.fused, 'thermal': network.thermal, 'rgb': network.rgb}

    def _features(self, thermal: torch.Tensor, rgb: torch.Tensor) -> Features:
        """Return what the heads read, by path and name."""
        network = cast('FusionNetwork', self.student)
        warm = network.thermal.backbone(thermal.contiguous(memory_format=torch.channels_last))
        seen = network.rgb.backbone(rgb.contiguous(memory_format=torch.channels_last))
        levels = {'fused': network.fuse(warm, seen), 'thermal': warm, 'rgb': seen}
        return {name: path.head_features(levels[name]) for name, path in self._paths().items()}

    def _logits(self, features: Features) -> dict[str, torch.Tensor]:
        """Return (B, K, H/4, W/4) of every path."""
        return {n: p.segmentation.classifier(features[n]['S']) for n, p in self._paths().items()}

    def _supervised(self, clean: dict[str, torch.Tensor], batch: Batch) -> dict[str, torch.Tensor]:
        """Return L_MWS."""
        weights = {'fused': 1.0, 'thermal': self.args.mws, 'rgb': self.args.mws}
        return {f'sup_{n}': weights[n] * self._labels(z, batch) for n, z in clean.items()}

    def _labels(self, seg_logits: torch.Tensor, batch: Batch) -> torch.Tensor:
        return supervision(seg_logits, batch, complement=self.args.complement)

    def _boxes(self, features: Features, batch: Batch) -> dict[str, torch.Tensor]:
        terms = {}
        for name, path in self._paths().items():
            det = path.detection([features[name][level] for level in ('P3', 'P4', 'P5')])
            terms[f'det_{name}'] = self.args.detection * box_supervision(det, batch)
        return terms

    def _masked(self, reference: torch.Tensor, batch: Batch, step: int) -> dict[str, torch.Tensor]:
        """Return L_mask, L_SDC and L_SDN."""
        args = self.args
        thermal, rgb = cast('torch.Tensor', batch.thermal), cast('torch.Tensor', batch.rgb)
        masks = draw_masks(batch.names, grid_of(thermal, args.patch), args, step=step)
        thermal = hide(thermal, masks.thermal, self.tokens['thermal'])
        hat = self._logits(self._features(thermal, hide(rgb, masks.rgb, self.tokens['rgb'])))
        cells, u = inside_cells(batch.inside), growth(step, self.steps, args.ramp)
        weights = cell_weights(
            reference, cells, batch.has_masks, unlabelled_weight=u, confidence=args.confidence
        )
        far = {n: self_distillation(reference, z, weights, cells) for n, z in hat.items()}
        return {
            'mask': args.mask * self._labels(hat['fused'], batch),
            'sdc': args.sdc * far['fused'],
            'sdn': args.sdn * (far['rgb'] + far['thermal']),
        }
