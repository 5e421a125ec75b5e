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

"""Boxes of night pictures that nobody has labelled: those of an average of the student."""

from __future__ import annotations

import copy
from typing import NamedTuple, TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.learn.batch import Batch, NO_BOX
from xspec_ros.learn.models.average import move_average
from xspec_ros.learn.models.deploy import detect
from xspec_ros.learn.models.student import DetLevel

if TYPE_CHECKING:
    from xspec_ros.learn.models.student import Student


class NightRule(NamedTuple):
    """What becomes of a box.

    Attributes:
        score: It is a label from here on.
        ignore: It is a region to ignore from here on.
        weight: Times its score, what it counts in losses that weigh boxes.
    """

    score: float
    ignore: float
    weight: float


class NightTeacher(nn.Module):
    """An average of the student, in evaluation mode whatever the method is in.

    Args:
        student: Where it starts.
        rule: What becomes of its boxes.
    """

    def __init__(self, student: Student, rule: NightRule) -> None:
        super().__init__()
        self.network = copy.deepcopy(student).eval().requires_grad_(requires_grad=False)
        self.rule = rule

    def train(self, mode: bool = True) -> NightTeacher:  # noqa: ARG002  # as torch has it
        """Stay in evaluation mode."""
        super().train(mode=False)
        return self

    def follow(self, student: Student, decay: float) -> None:
        """Move towards the student; a decay of 0 makes a copy of it."""
        move_average(self.network, student, decay)

    @torch.no_grad()
    def label(self, batch: Batch) -> Batch:
        """Return the batch with boxes on the night pictures that have no box labels.

        Args:
            batch: With thermal pictures.
        """
        rows = ((batch.day == 0) & ~batch.has_boxes).nonzero()[:, 0]
        if batch.thermal is None or len(rows) == 0:
            return batch
        named = self.network.neck(self.network.backbone(batch.thermal[rows]))
        levels = self.network.detection([named['P3'], named['P4'], named['P5']])
        height, width = batch.thermal.shape[-2:]
        found = [
            detect([_one(level, place) for level in levels], (height, width), height, width)
            for place in range(len(rows))
        ]
        boxes, scores, classes = (torch.cat(parts) for parts in zip(*found, strict=True))
        return self._with_boxes(batch, rows, boxes, scores, classes.long())

    def _with_boxes(
        self,
        batch: Batch,
        rows: torch.Tensor,
        boxes: torch.Tensor,
        scores: torch.Tensor,
        classes: torch.Tensor,
    ) -> Batch:
        """Return the batch with (M, X, 4) boxes, best first, in M of its rows."""
        least = min(self.rule.ignore, self.rule.score)
        kept = (scores >= least) & (scores > 0)  # (M, X); what is suppressed has 0
        most = max(batch.box_classes.shape[1], int(kept.sum(dim=1).max()))
        wide = _widened(batch, most)
        of_box = {
            'boxes_xyxy': torch.where(kept[..., None], boxes, 0.0),
            'box_classes': torch.where(kept, classes, NO_BOX),
            'box_crowd': kept & (scores < self.rule.score),
            'box_scores': torch.where(kept, self.rule.weight * scores, 1.0),
        }
        count = min(most, kept.shape[1])
        for name, values in of_box.items():
            wide[name][rows, :count] = values[:, :count]
        has_boxes = batch.has_boxes.clone()
        has_boxes[rows] = True
        return Batch(**{**batch._asdict(), **wide, 'has_boxes': has_boxes})


def _one(level: DetLevel, place: int) -> DetLevel:
    """Return one picture of a level."""
    cls, box, obj = (values[place : place + 1] for values in level[:3])
    return DetLevel(cls, box, obj, level.stride)


def _widened(batch: Batch, count: int) -> dict[str, torch.Tensor]:
    """Return copies of what a batch says of boxes, with room for ``count`` a picture."""
    scores = batch.box_scores
    if scores is None:
        scores = torch.ones_like(batch.boxes_xyxy[..., 0])
    padding = {
        'boxes_xyxy': (batch.boxes_xyxy, 0.0),
        'box_classes': (batch.box_classes, NO_BOX),
        'box_crowd': (batch.box_crowd, False),
        'box_scores': (scores, 1.0),
    }
    wide = {}
    for name, (values, fill) in padding.items():
        new = values.new_full((len(values), count, *values.shape[2:]), fill)
        new[:, : values.shape[1]] = values
        wide[name] = new
    return wide
