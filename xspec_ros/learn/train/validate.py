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

"""Validation while training: whole pictures, prepared as deployment prepares them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from xspec_ros.core.metrics import Scorer
from xspec_ros.core.radiometry import apply_tone, tone_range
from xspec_ros.core.result import Detections
from xspec_ros.core.truth import Boxes
from xspec_ros.learn.models.decode import decode_boxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import Modality
    from xspec_ros.learn.data.picture import Picture, PictureSet

MAX_BOXES = 300
MIN_SCORE = 0.01
NMS_IOU = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """How a picture becomes the network's input.

    Attributes:
        modality: ``thermal`` or ``rgb``.
        network_hw: Rows and columns.
        percentiles: Of the tone mapping.
    """

    modality: Modality
    network_hw: tuple[int, int]
    percentiles: tuple[float, float]

    def tensor(self, picture: Picture) -> torch.Tensor:
        """Return (1, C, H, W) float32 in [0, 1]."""
        if self.modality == 'thermal' and picture.thermal is not None:
            low, high = tone_range(picture.thermal, *self.percentiles)
            image = np.asarray(apply_tone(picture.thermal, low, high), np.float32)[..., None]
        elif self.modality == 'rgb' and picture.rgb is not None:
            image = picture.rgb.astype(np.float32) / 255.0
        else:
            message = f'{picture.name} has no {self.modality} picture'
            raise ValueError(message)
        height, width = self.network_hw
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        return torch.from_numpy(resized.reshape(1, height, width, -1)).permute(0, 3, 1, 2)


def evaluate(
    network: nn.Module,
    sources: Sequence[PictureSet],
    preparation: Preparation,
    *,
    class_names: Sequence[str],
    detection_class_names: Sequence[str],
) -> dict[str, object]:
    """Measure a network on whole pictures.

    Args:
        network: In eval mode.
        sources: Labelled pictures, with at most one kind of label each being enough.
        preparation: Input contract.
        class_names: Segmentation classes.
        detection_class_names: Detection classes.

    Returns:
        ``summarise``'s figures over all sources, and the same for each under ``sources``.
    """
    total = Scorer(names=class_names, detection_names=detection_class_names)
    apart: dict[str, object] = {}
    for pictures in sources:
        own = Scorer(names=class_names, detection_names=detection_class_names)
        for picture in pictures:
            label_map, detections = answer(network, picture, preparation)
            for scorer in (total, own):
                scorer.add(label_map, detections, truth=picture.label_map, boxes=_boxes(picture))
        apart[pictures.title] = own.summary()
    return total.summary() | {'sources': apart}


@torch.no_grad()
def answer(
    network: nn.Module, picture: Picture, preparation: Preparation
) -> tuple[NDArray[np.uint8], Detections]:
    """Run one picture.

    Returns:
        (H, W) uint8 label map and boxes, both in the picture's own pixels.
    """
    height, width = picture.size_hw
    x = preparation.tensor(picture).contiguous(memory_format=torch.channels_last)
    output = network(x)
    logits = functional.interpolate(
        output.seg_logits.float(), size=(height, width), mode='bilinear', align_corners=False
    )
    label_map = logits.argmax(dim=1)[0].to(torch.uint8).numpy()
    boxes, scores = decode_boxes(output.det)
    scale = torch.tensor([width, height, width, height]) / torch.tensor(
        [preparation.network_hw[1], preparation.network_hw[0]] * 2
    )
    return label_map, select(boxes[0] * scale, scores[0], size_hw=(height, width))


def select(boxes: torch.Tensor, scores: torch.Tensor, *, size_hw: tuple[int, int]) -> Detections:
    """Keep the best boxes, the overlapping ones of one class suppressed.

    Args:
        boxes: (N, 4) corners.
        scores: (N, C).
        size_hw: Boxes are clipped to it.
    """
    best, classes = scores.max(dim=1)
    top = best.topk(min(MAX_BOXES * 3, len(best)))
    index = top.indices[top.values >= MIN_SCORE]
    height, width = size_hw
    limit = torch.tensor([width, height, width, height], dtype=torch.float32)
    kept_boxes = torch.minimum(boxes[index].clamp(min=0), limit).numpy()
    kept_scores, kept_classes = best[index].numpy(), classes[index].numpy()
    keep = suppress(kept_boxes, kept_classes)
    return Detections(
        boxes_xyxy=kept_boxes[keep].astype(np.float32),
        scores=kept_scores[keep].astype(np.float32),
        class_ids=kept_classes[keep].astype(np.int32),
    )


def suppress(boxes: NDArray[np.float32], classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices that greedy suppression keeps of boxes sorted by score."""
    alive = np.ones(len(boxes), bool)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i in range(len(boxes)):
        if not alive[i]:
            continue
        corner = np.minimum(boxes[i, 2:], boxes[i + 1 :, 2:])
        side = (corner - np.maximum(boxes[i, :2], boxes[i + 1 :, :2])).clip(0)
        inter = side[:, 0] * side[:, 1]
        overlap = inter / np.maximum(area[i] + area[i + 1 :] - inter, 1e-6)
        alive[i + 1 :] &= ~((overlap > NMS_IOU) & (classes[i + 1 :] == classes[i]))
    return np.flatnonzero(alive)[:MAX_BOXES]


def figure(metrics: dict[str, object]) -> float | None:
    """Return the one number that ``best`` is chosen by: the mean of mIoU and mAP50 there are."""
    present = [v for key in ('miou', 'map50') if isinstance(v := metrics[key], float)]
    return sum(present) / len(present) if present else None


def _boxes(picture: Picture) -> Boxes | None:
    if not picture.has_boxes:
        return None
    return Boxes(
        boxes_xyxy=picture.boxes_xyxy,
        class_ids=picture.box_classes.astype(np.int32),
        crowd=picture.box_crowd,
    )
