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

"""Which boxes of a batch are compared: the labelled ones, jittered copies, background."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

import torch

from xspec_ros.learn.batch import NO_BOX
from xspec_ros.learn.methods.draws import picture_generator
from xspec_ros.learn.methods.supervised.assignment import pairwise_iou

if TYPE_CHECKING:
    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.methods.cgdet.args import CgdetArgs

LEAST_SIDE_PX = 4.0  # there is nothing to see in smaller boxes
JITTER = 0.08  # of a side, each edge: the IoU with the box stays at 0.7 and above
BACKGROUND = -1  # class of boxes that show no object
APART = 0.3  # IoU below which a box shows none of the objects
TRIES = 8  # background boxes that are drawn for one that is wanted
BACKGROUND_SIDES = (16.0, 96.0)  # pixels


class Rois(NamedTuple):
    """Boxes to be compared, on the device of the batch.

    Attributes:
        boxes_xyxy: (R, 4) float32 pixels within the picture.
        rows: (R,) int64, the picture of every box.
        classes: (R,) int64, ``BACKGROUND`` for no object.
        weights: (R,) float32, how sure the label is; 0 for background.
    """

    boxes_xyxy: torch.Tensor
    rows: torch.Tensor
    classes: torch.Tensor
    weights: torch.Tensor

    def at(self, index: torch.Tensor) -> Rois:
        """Return the boxes at (M,) places."""
        return Rois(*(values[index] for values in self))


def clipped(boxes_xyxy: torch.Tensor, size_hw: tuple[int, int]) -> torch.Tensor:
    """Return (..., 4) boxes cut at the border of the picture."""
    height, width = size_hw
    return torch.minimum(
        boxes_xyxy.float().clamp(min=0), boxes_xyxy.new_tensor([width, height, width, height])
    )


def usable(batch: Batch) -> torch.Tensor:
    """Return (B, N) bool: boxes of objects, large enough to see something in."""
    size_hw = (batch.label_map.shape[-2], batch.label_map.shape[-1])
    boxes = clipped(batch.boxes_xyxy, size_hw)
    large = (boxes[..., 2:] - boxes[..., :2]).amin(dim=-1) >= LEAST_SIDE_PX
    labelled = (batch.box_classes != NO_BOX) & ~batch.box_crowd & batch.has_boxes[:, None]
    return large & labelled


@torch.no_grad()
def draw_rois(batch: Batch, args: CgdetArgs, *, step: int) -> Rois:
    """Draw the boxes of a batch without replacement.

    A picture's draws depend on the seed, the step and its name, not on its place in the batch.

    Args:
        batch: The labels.
        args: How many of what.
        step: Step of the run.
    """
    size_hw = (batch.label_map.shape[-2], batch.label_map.shape[-1])
    device, keep = batch.boxes_xyxy.device, usable(batch).cpu()
    boxes, classes = batch.boxes_xyxy.cpu(), batch.box_classes.cpu()
    scores = torch.ones(keep.shape) if batch.box_scores is None else batch.box_scores.cpu()
    drawn, ranks = [], []
    for row, name in enumerate(batch.names):
        generator = picture_generator(args.seed, step, name)
        own = clipped(boxes[row][keep[row]], size_hw)
        both = torch.cat((own, clipped(jittered(own, generator), size_hw)))
        rank = torch.rand(len(both), generator=generator)
        chosen = rank.argsort()[: args.rois_a_picture]
        found = Rois(
            both,
            torch.full((len(both),), row),
            classes[row][keep[row]].repeat(2),
            scores[row][keep[row]].repeat(2),
        )
        drawn.append(found.at(chosen))
        ranks.append(rank[chosen])
        if args.background and bool(batch.has_boxes[row]):
            known = boxes[row][classes[row] != NO_BOX]
            drawn.append(_background(known, row, size_hw, args.background, generator=generator))
            ranks.append(torch.zeros(len(drawn[-1].rows)))
    together = Rois(*(torch.cat(parts) for parts in zip(*drawn, strict=True)))
    few = together.at(_few_a_class(together.classes, torch.cat(ranks), args.rois_a_class))
    return Rois(*(values.to(device) for values in few))


def jittered(boxes_xyxy: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Move every edge of (N, 4) boxes by up to ``JITTER`` of the side it bounds."""
    sides = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).repeat(1, 2)  # (N, 4)
    shift = 2 * torch.rand(len(boxes_xyxy), 4, generator=generator) - 1
    return boxes_xyxy + JITTER * shift * sides


def _few_a_class(classes: torch.Tensor, rank: torch.Tensor, most: int) -> torch.Tensor:
    """Return the places of the ``most`` lowest ranks of every class, background all."""
    order = rank.argsort(stable=True)
    sorted_classes = classes[order]
    kept = []
    for number in sorted(set(classes.tolist())):
        of_class = order[sorted_classes == number]
        kept.append(of_class if number == BACKGROUND else of_class[:most])
    return torch.cat(kept) if kept else order


def _background(
    known: torch.Tensor,
    row: int,
    size_hw: tuple[int, int],
    count: int,
    *,
    generator: torch.Generator,
) -> Rois:
    """Return up to ``count`` boxes of a picture that show none of the (N, 4) known ones."""
    extent = torch.tensor([size_hw[1], size_hw[0]], dtype=torch.float32)
    low, high = torch.tensor(BACKGROUND_SIDES).log()
    drawn = torch.rand(count * TRIES, 4, generator=generator)
    sides = torch.minimum((low + drawn[:, :2] * (high - low)).exp(), extent)
    corner = drawn[:, 2:] * (extent - sides)
    boxes = torch.cat((corner, corner + sides), dim=1)
    free = boxes[(pairwise_iou(boxes, known.float()) < APART).all(dim=1)][:count]
    rows = torch.full((len(free),), row)
    return Rois(free, rows, torch.full_like(rows, BACKGROUND), torch.zeros(len(free)))
