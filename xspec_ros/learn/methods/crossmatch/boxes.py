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

"""Pseudo-boxes: what one or two teachers see, as truth for the detection loss.

Chosen here: the paper is of segmentation alone. Boxes of a picture come from the deployed
decoding and suppression. Letter N: boxes of a picture.
"""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch
from torch.nn.utils.rnn import pad_sequence

from xspec_ros.learn.batch import NO_BOX
from xspec_ros.learn.methods.distil.loss import box_distance
from xspec_ros.learn.methods.supervised.assignment import pairwise_iou
from xspec_ros.learn.methods.supervised.detection_loss import BoxTruth, detection_loss
from xspec_ros.learn.models.deploy import detect
from xspec_ros.learn.models.student import DetLevel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs


class Found(NamedTuple):
    """Boxes of one picture.

    Attributes:
        boxes_xyxy: (N, 4) float32 pixels.
        scores: (N,) float32.
        classes: (N,) int64.
        teacher: (N,) int64, number of the teacher that sees it.
    """

    boxes_xyxy: torch.Tensor
    scores: torch.Tensor
    classes: torch.Tensor
    teacher: torch.Tensor


class Judged(NamedTuple):
    """What is made of the boxes of one picture.

    Attributes:
        boxes_xyxy: (N, 4) float32 pixels.
        classes: (N,) int64.
        crowd: (N,) bool: a region to ignore, not an object.
    """

    boxes_xyxy: torch.Tensor
    classes: torch.Tensor
    crowd: torch.Tensor


def compared_boxes(
    det: Sequence[DetLevel],
    told: Sequence[Sequence[DetLevel]],
    truth: BoxTruth,
    *,
    inside: torch.Tensor,
    args: CrossmatchArgs,
) -> Sequence[torch.Tensor]:
    """Return box, objectness and class loss of raw levels.

    Dense answers are compared cell by cell with the mean of the teachers' logits: what they are
    unsure of stays unsure.

    Args:
        det: Raw levels of a student.
        told: Raw levels of every teacher.
        truth: What was made of them as boxes.
        inside: (B, H, W) bool, where the picture shows something.
        args: Which of the two, and the rule.
    """
    if args.boxes == 'pseudo':
        return detection_loss(det, truth)[:3]
    mean = [_mean_level(levels) for levels in zip(*told, strict=True)]
    known = inside & truth.labelled[:, None, None]
    return box_distance(det, mean, known, score=args.box_ignore)


def _mean_level(levels: Sequence[DetLevel]) -> DetLevel:
    cls, box, obj = (
        torch.stack(kind).mean(dim=0) for kind in zip(*(x[:3] for x in levels), strict=True)
    )
    return DetLevel(cls, box, obj, levels[0].stride)


@torch.no_grad()
def box_truth(
    teachers: Sequence[Sequence[DetLevel]],
    inside: torch.Tensor,
    labelled: torch.Tensor,
    args: CrossmatchArgs,
) -> BoxTruth:
    """Return the pseudo-boxes of a batch.

    Args:
        teachers: Raw levels of (B, ...) pictures, of one teacher or two.
        inside: (B, H, W) bool; a box whose centre lies outside is none.
        labelled: (B,) bool: pictures that the teachers know anything of.
        args: The rule.

    Returns:
        Boxes to learn, and regions to ignore as ``crowd``.
    """
    rows = []
    for index, shown in enumerate(inside):
        seen = [_found(levels, index, shown, number) for number, levels in enumerate(teachers)]
        rows.append(judged(Found(*(torch.cat(parts) for parts in zip(*seen, strict=True))), args))
    return BoxTruth(
        boxes_xyxy=pad_sequence([row.boxes_xyxy for row in rows], batch_first=True),
        classes=pad_sequence([r.classes for r in rows], batch_first=True, padding_value=NO_BOX),
        crowd=pad_sequence([row.crowd for row in rows], batch_first=True),
        labelled=labelled,
    )


def objects(truth: BoxTruth | None, pictures: int) -> list[torch.Tensor]:
    """Return the boxes (N, 4) to learn of every picture, on the CPU; none without a truth."""
    if truth is None:
        return [torch.zeros(0, 4)] * pictures
    real = (truth.classes != NO_BOX) & ~truth.crowd
    return [
        boxes[chosen] for boxes, chosen in zip(truth.boxes_xyxy.cpu(), real.cpu(), strict=True)
    ]


@torch.no_grad()
def judged(found: Found, args: CrossmatchArgs) -> Judged:
    """Decide which boxes of a picture are learnt and which are regions to ignore.

    A box is learnt when another teacher sees it too (same class, IoU and both scores above the
    rule's), or when its score needs no confirmation; of several such boxes of one object the
    surest stays. Another box above ``box_ignore`` is a region to ignore, unless it shows an
    object that is learnt.

    Args:
        found: Boxes of all teachers.
        args: The rule.
    """
    order = found.scores.argsort(descending=True, stable=True)
    boxes, scores, classes, teacher = (values[order] for values in found)
    same = pairwise_iou(boxes, boxes) > args.box_overlap  # (N, N)
    same &= classes[:, None] == classes
    likely = scores > args.box_score
    other = teacher[:, None] != teacher
    counts = likely & (same & other & likely).any(dim=1)
    counts |= scores > args.box_sure
    surer = same.tril(diagonal=-1)  # the column is a surer box of the same object
    learnt = counts & ~(surer & counts).any(dim=1)
    crowd = ~counts & (scores > args.box_ignore) & ~(same & learnt).any(dim=1)
    chosen = learnt | crowd
    return Judged(boxes[chosen], classes[chosen], crowd[chosen])


def _found(levels: Sequence[DetLevel], index: int, inside: torch.Tensor, teacher: int) -> Found:
    """Return one teacher's boxes of one picture whose centre lies inside it, (H, W) bool."""
    height, width = inside.shape
    of_one = [
        level._replace(**{k: getattr(level, k)[index : index + 1] for k in ('cls', 'box', 'obj')})
        for level in levels
    ]
    with torch.autocast(inside.device.type, enabled=False):
        found = detect(of_one, (height, width), height, width)
    boxes, scores, classes = (tensor[0] for tensor in found)
    columns, rows = ((boxes[:, :2] + boxes[:, 2:]) / 2).long().unbind(dim=1)
    shown = inside[rows.clamp(max=height - 1), columns.clamp(max=width - 1)] & (scores > 0)
    number = torch.full_like(classes[shown], teacher)
    return Found(boxes[shown], scores[shown], classes[shown].long(), number)
