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

"""Named, weighted terms of the method from what the students say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.learn.methods.crm.loss import growth
from xspec_ros.learn.methods.crossmatch.loss import (
    consistency_loss,
    diversity_loss,
    self_training_loss,
)
from xspec_ros.learn.methods.masked_mutual.loss import log_probabilities

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch

    from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
    from xspec_ros.learn.methods.crossmatch.lesson import Lesson, Moment
    from xspec_ros.learn.models.student import DetLevel, StudentOutput

    Compare = Callable[[Sequence[DetLevel]], Sequence[torch.Tensor]]


def pixel_terms(
    students: Sequence[StudentOutput], lesson: Lesson, *, moment: Moment, args: CrossmatchArgs
) -> dict[str, torch.Tensor]:
    """Return self-training, consistency and the diversity guard.

    Args:
        students: Answers of the thermal and perhaps of the auxiliary network, strong view.
        lesson: What they are to learn.
        moment: Where in the run; during the warm-up there are labels alone.
        args: Weights.
    """
    size = (lesson.cells.shape[-2], lesson.cells.shape[-1])
    log_p = [log_probabilities(each.seg_logits, size) for each in students]
    terms = {
        'seg': args.self_training
        * self_training_loss(log_p[0], lesson.label_map, balance=args.balance)
    }
    if len(log_p) > 1:
        loss = self_training_loss(log_p[1], lesson.label_map, balance=args.balance)
        terms['seg_auxiliary'] = args.auxiliary_weight * loss
    if moment.warming:
        return terms
    if len(log_p) > 1 and args.consistency > 0:
        weight = args.consistency * growth(moment.step, moment.steps, args.ramp)
        of_thermal, of_auxiliary = lesson.log_teachers
        here = consistency_loss(log_p[0], of_auxiliary, lesson.cells)
        there = consistency_loss(log_p[1], of_thermal, lesson.cells)
        terms['consistency'] = weight * here
        terms['consistency_auxiliary'] = weight * args.asymmetry * there
    if args.diversity > 0:
        terms['diversity'] = args.diversity * diversity_loss(log_p[0], lesson.cells)
    return terms


def box_terms(
    students: Sequence[StudentOutput], compare: Compare, *, args: CrossmatchArgs
) -> dict[str, torch.Tensor]:
    """Return the box terms of both networks.

    Args:
        students: Answers of the thermal and perhaps of the auxiliary network, strong view.
        compare: Box, objectness and class loss of raw levels.
        args: Weights.
    """
    weights = (args.box, args.objectness, args.classification)
    terms = {
        name: args.detection * weight * loss
        for name, weight, loss in zip(
            ('box', 'obj', 'cls'), weights, compare(students[0].det), strict=True
        )
    }
    for student in students[1:]:
        losses = compare(student.det)
        total = sum(
            (weight * loss for weight, loss in zip(weights, losses, strict=True)),
            start=losses[0].new_zeros(()),
        )
        terms['det_auxiliary'] = args.auxiliary_weight * args.detection * total
    return terms
