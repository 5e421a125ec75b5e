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

"""Cross-domain correlation distillation: differences between cameras and hours stay the same.

Built after Gao et al., "Cross-Domain Correlation Distillation for Unsupervised Domain Adaptation
in Nighttime Semantic Segmentation", CVPR 2022, https://arxiv.org/abs/2205.00858.
docs/methods/ccdistill.md says what is known of it and what is chosen here.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import cast, ClassVar, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.batch import StepOutput
from xspec_ros.learn.methods.ccdistill.args import CcDistillArgs
from xspec_ros.learn.methods.ccdistill.collapse import CollapseWatch
from xspec_ros.learn.methods.ccdistill.domains import (
    arrange,
    domain_pictures,
    pair_rows,
    rgb_rows,
    SOURCE,
)
from xspec_ros.learn.methods.ccdistill.loss import embeddings
from xspec_ros.learn.methods.ccdistill.networks import ProjectHead, rgb_branch
from xspec_ros.learn.methods.ccdistill.terms import (
    box_term,
    coarse_term,
    content_term,
    directions,
    pixel_term,
    style_term,
)
from xspec_ros.learn.methods.crm.loss import growth
from xspec_ros.learn.methods.distil.loss import hard_distance
from xspec_ros.learn.methods.method import Needs
from xspec_ros.learn.methods.reduce import idle
from xspec_ros.learn.methods.stage import take_stage
from xspec_ros.learn.methods.supervised.args import weights_in_order
from xspec_ros.learn.models.average import move_average
from xspec_ros.learn.models.student import Student
from xspec_ros.learn.models.transfer import take_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.ccdistill.domains import Rows
    from xspec_ros.learn.methods.ccdistill.terms import Seen
    from xspec_ros.learn.methods.method import MethodContext, Start


class CcDistill(nn.Module):
    """One network for the four domains.

    A thermal student has an RGB branch that shares all its weights but the first convolution and
    the norms. An RGB student sees all four domains itself; its target is never paired.

    Args:
        context: The student and how to build its RGB sibling.
        args: Weights and constants.

    Raises:
        ConfigError: The student is a fusion network, or a class weight names an unknown class.
    """

    args_type = CcDistillArgs
    needs: ClassVar[Needs] = Needs()  # RGB of a thermal student's batches is asked for by step

    def __init__(self, context: MethodContext, args: CcDistillArgs) -> None:
        super().__init__()
        student, thermal = context.student, context.modality == 'thermal'
        if not isinstance(student, Student):
            message = f'method ccdistill cannot train a {type(student).__name__}'
            raise ConfigError(message, hint='set network.name: student')
        self.student, self.args, self.steps = student, args, context.steps
        sibling = cast('Student', context.sibling('rgb')) if thermal else None
        self.rgb = None if sibling is None else rgb_branch(student, sibling)
        self.paired = thermal and args.pairing == 'paired'
        self.labelled = ('sd', 'sn', 'td') if self.paired else ('sd', 'sn')
        self.boxed = 'td' if thermal else 'sd'
        self.with_boxes = args.detection > 0 and self.boxed in self.labelled
        student.detection.requires_grad_(self.with_boxes)  # else no term reaches it
        channels = student.feature_table['P4'][1]
        self.head = ProjectHead(channels, args.embedding, len(context.class_names))
        self.head.requires_grad_(args.aux > 0)
        averaged = args.self_training > 0
        self.average = copy.deepcopy(student).eval().requires_grad_(False) if averaged else None
        weights = weights_in_order(args.class_weights, context.class_names)
        self.class_weights: torch.Tensor
        self.register_buffer('class_weights', torch.tensor(weights), persistent=False)
        self._watch = CollapseWatch()

    def train(self, mode: bool = True) -> CcDistill:
        """Switch all but the averaged network, which stays in evaluation mode."""
        super().train(mode)
        if self.average is not None:
            self.average.eval()
        return self

    def begin(self, start: Start) -> None:
        """Go on from ccdistill, or from another network on both branches.

        Raises:
            DataError: The weights do not fit.
        """
        if start.method == 'ccdistill':
            take_stage(self, start)
            return
        for network in (self.student, self.rgb):
            if network is not None:
                take_weights(network, start.network)
        if self.average is not None:
            move_average(self.average, self.student, 0.0)

    def training_step(self, batch: Batch, step: int) -> StepOutput:
        """Return the losses of one batch.

        Raises:
            DataError: RGB, or thermal of a thermal student, is missing.
        """
        args = self.args
        target = batch.rgb if self.rgb is None else batch.thermal
        if target is None or batch.rgb is None:
            message = f'a batch without pictures of every camera: {batch.names[:4]}'
            raise DataError(message, hint='ccdistill needs rgb, and thermal for a thermal student')
        sort = rgb_rows if self.rgb is None else pair_rows
        rows = sort(batch, arrange(batch.names, seed=args.seed, step=step))
        pictures = domain_pictures(batch.rgb, target, batch, rows=rows, args=args, step=step)
        seen = self._look(pictures)
        terms = self._supervised(seen, batch, rows)
        ramp = growth(step, self.steps, args.ramp)
        if args.content > 0:
            terms['content'] = ramp * args.content * self._content(seen, batch, rows)
        if args.style > 0:
            table = self.student.feature_table
            style = style_term(seen, batch, rows, table=table, args=args)
            terms['style'] = ramp * args.style * style
        if self.average is not None:
            taught = self._self_training(seen, pictures['tn'], batch.inside[rows.night])
            terms['self'] = ramp * args.self_training * taught
        out = StepOutput.total(terms)
        reached = rows.whole() and (self.rgb is None or self.paired)  # else not every weight is
        return out if reached else out._replace(loss=out.loss + idle(self))

    def after_step(self, step: int) -> None:  # noqa: ARG002
        """Move the averaged network; look whether content still tells places apart."""
        if self.average is not None:
            move_average(self.average, self.student, self.args.ema)
        self._watch.step()

    def _look(self, pictures: Mapping[str, torch.Tensor]) -> Seen:
        """Return features by domain and name: one pass a camera."""
        if self.rgb is None:
            return _features(self.student, pictures)
        source = {domain: each for domain, each in pictures.items() if domain in SOURCE}
        target = {domain: each for domain, each in pictures.items() if domain not in SOURCE}
        return {**_features(self.rgb, source), **_features(self.student, target)}

    def _supervised(self, seen: Seen, batch: Batch, rows: Rows) -> dict[str, torch.Tensor]:
        """Return L_sup by domain, L_aux and L_det."""
        args, classifier = self.args, self.student.segmentation.classifier
        weights = {'sd': args.source, 'sn': args.source_night, 'td': args.target}
        terms, maps, levels = {}, [], []
        for domain in self.labelled:
            if domain in seen:
                has = batch.has_masks[rows.of(domain)]
                maps.append(batch.label_map[rows.of(domain)[has]])
                levels.append(seen[domain]['P4'][has])
                pixels = pixel_term(
                    classifier(seen[domain]['S'])[has], maps[-1], self.class_weights
                )
                terms[f'seg_{domain}'] = weights[domain] * pixels
        if args.aux > 0:
            logits = self.head(torch.cat(levels))
            terms['aux'] = args.aux * coarse_term(logits, torch.cat(maps), self.class_weights)
        if self.with_boxes:
            det = self.student.detection([seen[self.boxed][name] for name in ('P3', 'P4', 'P5')])
            terms['det'] = args.detection * box_term(det, batch, rows.of(self.boxed))
        return terms

    def _content(self, seen: Seen, batch: Batch, rows: Rows) -> torch.Tensor:
        """Return L_CDC; places are told apart only where all four show the same pixels."""
        args, stride = self.args, self.student.feature_table['P4'][0]
        night = 'ts' if args.sees_synthetic_night() else 'tn'
        aligned = self.paired and night == 'ts' and args.content_over == 'cells'
        make = partial(embeddings, grid=args.grid if aligned else (1, 1))
        embedded = {name: self.head.embed(seen[name]['P4']) for name in ('sd', 'sn', 'td', night)}
        matched = directions(embedded, batch, rows, stride=stride, make=make)
        if args.content_over == 'batch':
            matched = matched.over_batch()
        self._watch.see(matched)
        return content_term(matched, args)

    def _self_training(
        self, seen: Seen, pictures: torch.Tensor, inside: torch.Tensor
    ) -> torch.Tensor:
        """Return L_st of night pictures, given what of them is inside."""
        ours = self.student.segmentation.classifier(seen['tn']['S'])
        average = cast('Student', self.average)
        with torch.no_grad():
            named = _features(average, {'tn': pictures})['tn']
            theirs = average.segmentation.classifier(named['S'])
        return hard_distance(ours, theirs, inside, confidence=self.args.confidence)


def _features(network: Student, pictures: Mapping[str, torch.Tensor]) -> Seen:
    """Return features by domain and name: one pass of all pictures."""
    sizes = [len(each) for each in pictures.values()]
    image = torch.cat(list(pictures.values()))
    if len(image):
        named = network.features(image.contiguous(memory_format=torch.channels_last))
    else:  # not every encoder takes an empty batch
        height, width = image.shape[-2:]
        named = {
            name: image.new_zeros(0, channels, height // stride, width // stride)
            for name, (stride, channels) in network.feature_table.items()
        }
    parts = {name: feature.split_with_sizes(sizes) for name, feature in named.items()}
    return {
        domain: {name: part[number] for name, part in parts.items()}
        for number, domain in enumerate(pictures)
    }
