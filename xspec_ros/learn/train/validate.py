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
from typing import cast, TYPE_CHECKING

import cv2
import numpy as np
import torch

from xspec_ros.core.metrics import Scorer
from xspec_ros.core.radiometry import apply_tone, tone_range
from xspec_ros.core.result import Detections
from xspec_ros.core.truth import Boxes
from xspec_ros.learn.models import graphs
from xspec_ros.learn.models.deploy import detect, label_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import nn

    from xspec_ros.core.result import Mode
    from xspec_ros.learn.data.picture import Picture, PictureSet
    from xspec_ros.learn.models.student import StudentOutput
    from xspec_ros.learn.train.recipe import Recipe

MIN_SCORE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """How a picture becomes the network's input.

    Attributes:
        mode: Which of the network's graphs is measured: ``thermal``, ``fused`` or ``rgb``.
        network_hw: Rows and columns.
        percentiles: Of the tone mapping.
    """

    mode: Mode
    network_hw: tuple[int, int]
    percentiles: tuple[float, float]

    def tensors(self, picture: Picture) -> tuple[torch.Tensor, ...]:
        """Return the graph's inputs, each (1, C, H, W) float32 in [0, 1]; thermal comes first.

        Raises:
            ValueError: The picture lacks a camera that the mode needs.
        """
        images: list[NDArray[np.float32]] = []
        if self.mode != 'rgb':
            if picture.thermal is None:
                message = f'{picture.name} has no thermal picture'
                raise ValueError(message)
            low, high = tone_range(picture.thermal, *self.percentiles)
            images.append(np.asarray(apply_tone(picture.thermal, low, high), np.float32))
        if self.mode != 'thermal':
            if picture.rgb is None:
                message = f'{picture.name} has no rgb picture'
                raise ValueError(message)
            images.append(picture.rgb.astype(np.float32) / 255.0)
        return tuple(self._stretched(image) for image in images)

    def _stretched(self, image: NDArray[np.float32]) -> torch.Tensor:
        height, width = self.network_hw
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        return torch.from_numpy(resized.reshape(1, height, width, -1)).permute(0, 3, 1, 2)


def preparation(recipe: Recipe) -> Preparation:
    """Return how the recipe's network is fed."""
    spec = recipe.input
    return Preparation(
        mode=spec.modality,
        network_hw=spec.network_hw,
        percentiles=(spec.low_percentile, spec.high_percentile),
    )


def evaluate(
    network: nn.Module,
    sources: Sequence[PictureSet],
    preparation: Preparation,
    *,
    class_names: Sequence[str],
    detection_class_names: Sequence[str],
    background: bool = False,
) -> dict[str, object]:
    """Measure a network on whole pictures; every decision is made by the deployed graph's code.

    Args:
        network: In eval mode; one that has a graph for the preparation's mode.
        sources: Labelled pictures, with at most one kind of label each being enough; for mode
            ``fused`` both cameras on one grid.
        preparation: Mode and input contract.
        class_names: Segmentation classes.
        detection_class_names: Detection classes.
        background: Count classes given on pixels that are known to have none (sources with
            ``other: complement``) as false alarms.

    Returns:
        ``summarise``'s figures over all sources, and the same for each under ``sources``.
    """

    def scorer() -> Scorer:
        return Scorer(
            names=class_names, detection_names=detection_class_names, background=background
        )

    total = scorer()
    apart: dict[str, object] = {}
    for pictures in sources:
        own = scorer()
        for picture in pictures:
            label_map, detections = answer(network, picture, preparation)
            for each in (total, own):
                each.add(label_map, detections, truth=picture.label_map, boxes=_boxes(picture))
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
    network_hw = preparation.network_hw
    output = forward(network, picture, preparation)
    height, width = picture.size_hw
    label_map = label_pixels(output.seg_logits.float(), network_hw, height, width)
    found = detect(output.det, network_hw, height, width)
    boxes, scores, classes = (tensor[0].cpu().numpy() for tensor in found)
    detections = Detections(boxes_xyxy=boxes, scores=scores, class_ids=classes)
    return label_map[0].cpu().numpy(), detections.at_least(MIN_SCORE)


def forward(network: nn.Module, picture: Picture, preparation: Preparation) -> StudentOutput:
    """Return the raw answer to one picture of the graph that the preparation names."""
    mode = preparation.mode
    graph = graphs(network, 'rgb' if mode == 'rgb' else 'thermal')[mode]
    device = next((weight.device for weight in graph.parameters()), torch.device('cpu'))
    inputs = [
        x.to(device).contiguous(memory_format=torch.channels_last)
        for x in preparation.tensors(picture)
    ]
    return cast('StudentOutput', graph(*inputs))


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
