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

"""The deployable graphs: camera bytes in, final arrays out, whatever the engine.

Pre- and post-processing are tensor code around the network, so that they are the same in
onnxruntime, OpenVINO, TensorRT and torch, and Python touches no pixel. There is one graph a mode:
thermal, both cameras, RGB. Letters: B batch (always 1), H, W input size, C bytes a pixel, K
classes, N anchors, M candidates of the suppression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import nn, Tensor
from torch.nn import functional

from xspec_ros.learn.models.decode import decode_boxes
from xspec_ros.learn.models.fold import fold_norms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.result import Mode
    from xspec_ros.learn.models.student import DetLevel, StudentOutput

Answer: TypeAlias = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""labels (1, H, W) uint8, confidence (1, H, W) uint8, boxes (1, 100, 4) float32 in input pixels,
scores (1, 100) float32 (0 for unused rows), classes (1, 100) int32."""

CANDIDATES = 300
MAX_BOXES = 100
SUPPRESSION_IOU = 0.65
SUPPRESSION_ROUNDS = 12
MIN_RANGE = 1e-6
LABEL_STRIDE = 2  # resolution of the argmax, in pixels of the network's input


class DeployGraph(nn.Module):
    """A network with its pre- and post-processing, for one frame of any size.

    The picture is stretched to ``network_hw`` (bilinear, aspect ratio not kept: 640x480 on a
    640x512 network is a stretch of 7 %) and boxes are scaled back, so one file takes any size.

    Args:
        network: Returns ``StudentOutput`` for pictures in [0, 1]; a copy of it is kept.
        network_hw: Rows and columns the network works at, multiples of 32.
        half: Run the network in float16; pre- and post-processing stay in float32.
    """

    def __init__(
        self, network: nn.Module, network_hw: tuple[int, int], *, half: bool = False
    ) -> None:
        super().__init__()
        self.dtype = torch.float16 if half else torch.float32
        self.network = fold_norms(network).to(self.dtype)
        self.network_hw = network_hw

    def thermal_picture(self, thermal: Tensor, tone: Tensor) -> Tensor:
        """Return the network's (1, 1, h, w) in [0, 1] for camera bytes (1, H, W, C)."""
        picture = tone_map(combine_bytes(thermal), tone)  # (1, 1, H, W)
        return stretch(picture, self.network_hw).to(self.dtype)

    def rgb_picture(self, rgb: Tensor) -> Tensor:
        """Return the network's (1, 3, h, w) in [0, 1] for camera bytes (1, H, W, 3).

        The bytes are stretched and then scaled: fewer passes over the larger picture.
        """
        planes = stretch(rgb.permute(0, 3, 1, 2).float(), self.network_hw)
        return (planes / 255.0).to(self.dtype)

    def decide(self, out: StudentOutput, height: int, width: int) -> Answer:
        """Return the final arrays, in pixels of a picture of this size."""
        labels, confidence = segment(out.seg_logits.float(), self.network_hw, height, width)
        boxes, scores, classes = detect(out.det, self.network_hw, height, width)
        return labels, confidence, boxes, scores, classes


class ThermalGraph(DeployGraph):
    """Thermal alone; see ``DeployGraph``."""

    def forward(self, thermal: Tensor, tone: Tensor) -> Answer:
        """Answer one frame.

        Args:
            thermal: (1, H, W, C) uint8, C in {1, 2}: the camera's bytes, little-endian.
            tone: (2,) float32: low and high in counts.

        Returns:
            See ``Answer``.
        """
        out = self.network(self.thermal_picture(thermal, tone))
        return self.decide(out, thermal.shape[1], thermal.shape[2])


class FusedGraph(DeployGraph):
    """Both cameras on the thermal grid; see ``DeployGraph``."""

    def forward(self, thermal: Tensor, rgb: Tensor, tone: Tensor) -> Answer:
        """Answer one pair.

        Args:
            thermal: (1, H, W, C) uint8, C in {1, 2}: the camera's bytes, little-endian.
            rgb: (1, H, W, 3) uint8, red first.
            tone: (2,) float32: low and high in counts.

        Returns:
            See ``Answer``.
        """
        out = self.network(self.thermal_picture(thermal, tone), self.rgb_picture(rgb))
        return self.decide(out, thermal.shape[1], thermal.shape[2])


class RgbGraph(DeployGraph):
    """RGB alone; see ``DeployGraph``."""

    def forward(self, rgb: Tensor) -> Answer:
        """Answer one frame.

        Args:
            rgb: (1, H, W, 3) uint8, red first.

        Returns:
            See ``Answer``, in pixels of the RGB picture.
        """
        out = self.network(self.rgb_picture(rgb))
        return self.decide(out, rgb.shape[1], rgb.shape[2])


def deploy(
    network: nn.Module, mode: Mode, network_hw: tuple[int, int], *, half: bool = False
) -> DeployGraph:
    """Return the deployable graph of a mode; see ``DeployGraph`` for the arguments.

    Args:
        network: What ``graphs`` has for the mode.
        mode: ``thermal``, ``fused`` or ``rgb``.
        network_hw: Rows and columns.
        half: Run in float16.
    """
    kinds: dict[Mode, type[DeployGraph]] = {
        'thermal': ThermalGraph,
        'fused': FusedGraph,
        'rgb': RgbGraph,
    }
    return kinds[mode](network, network_hw, half=half).eval()


def combine_bytes(thermal: Tensor) -> Tensor:
    """Return counts (1, 1, H, W) float32 from bytes (1, H, W, C) uint8, C in {1, 2}.

    The second byte is weighed by ``C - 1``: one graph serves both widths without a branch. The
    permute comes first: picking from the last axis is ten times slower in onnxruntime.
    """
    planes = thermal.permute(0, 3, 1, 2).float()  # (1, C, H, W)
    return planes[:, :1] + planes[:, -1:] * (256.0 * (thermal.shape[3] - 1))


def tone_map(counts: Tensor, tone: Tensor) -> Tensor:
    """Map [low, high] to [0, 1] and clip; an empty range gives zeros and ones, never NaN."""
    low, high = tone[0], tone[1]
    return ((counts - low) / (high - low).clamp(min=MIN_RANGE)).clamp(0.0, 1.0)


def stretch(picture: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Resize (1, C, H, W) bilinearly to (1, C, h, w), as ``interpolate`` does.

    Coordinates are whole-number arithmetic and rows are picked, never columns: engines round the
    coordinates of their own resize differently, OpenVINO's takes up to three times as long, and
    onnxruntime is slow at picking along the last axis.
    """
    rows = _stretch_rows(picture[0], size_hw[0])
    columns = _stretch_rows(rows.permute(0, 2, 1), size_hw[1])
    return columns.permute(0, 2, 1)[None]


def _stretch_rows(planes: Tensor, target: int) -> Tensor:
    """Resize (C, rows, columns) to the target number of rows."""
    source = planes.shape[1]
    place = torch.arange(target, device=planes.device) * 2 + 1  # half pixels of the target
    scaled = place * source - target  # in 1 / (2 * target) of a source pixel
    low = torch.div(scaled, 2 * target, rounding_mode='floor')
    share = (scaled - low * (2 * target)).float() / (2 * target)
    last = torch.full_like(low, 1) * (source - 1)
    above = planes.index_select(1, torch.minimum(low.clamp(min=0), last))
    below = planes.index_select(1, torch.minimum((low + 1).clamp(min=0), last))
    return above + (below - above) * share[:, None]


def nearest(plane: Tensor, height: int, width: int) -> Tensor:
    """Resize (h, w) to (H, W) by the nearest pixel; see ``stretch`` for the how."""
    rows = _nearest_rows(plane, height)
    return _nearest_rows(rows.T, width).T


def _nearest_rows(plane: Tensor, target: int) -> Tensor:
    # twice the fraction plus one half: never a whole number, so that an engine which divides by
    # way of a reciprocal (OpenVINO) cannot fall below it
    odd = torch.arange(target, device=plane.device) * 2 + 1
    index = torch.div(odd * plane.shape[0] * 2 + 1, 4 * target, rounding_mode='floor')
    return plane.index_select(0, index)


def segment(
    logits: Tensor, network_hw: tuple[int, int], height: int, width: int
) -> tuple[Tensor, Tensor]:
    """Return the label map and its confidence at input size; the softmax stays at low resolution.

    Args:
        logits: (1, K, h, w) float32.
        network_hw: Size of the network input.
        height: H.
        width: W.

    Returns:
        labels (1, H, W) uint8 and confidence (1, H, W) uint8, 255 = certain.
    """
    top = logits.amax(dim=1, keepdim=True)
    best = 1.0 / (logits - top).exp().sum(dim=1, keepdim=True)  # (1, 1, h, w): softmax of the top
    best = upsample(best, network_hw[0] // logits.shape[2])
    confidence = (best * 255.0 + 0.5).clamp(0.0, 255.0).to(torch.uint8)
    labels = label_pixels(logits, network_hw, height, width)
    return labels, nearest(confidence[0, 0], height, width)[None]


def label_pixels(logits: Tensor, network_hw: tuple[int, int], height: int, width: int) -> Tensor:
    """Return the label map (1, H, W) uint8 of logits (1, K, h, w) float32.

    Logits are upsampled to half the network size before the argmax; from there to the input size
    the nearest label is taken. docs/export.md has the accuracy and the time of that choice. The
    argmax runs over the last axis: twice as fast in OpenVINO as over the first.
    """
    size_hw = (network_hw[0] // LABEL_STRIDE, network_hw[1] // LABEL_STRIDE)
    fine = functional.interpolate(logits, size=size_hw, mode='bilinear')
    labels = fine.permute(0, 2, 3, 1).argmax(dim=-1).to(torch.uint8)  # (1, rows, columns)
    return nearest(labels[0], height, width)[None]


def upsample(plane: Tensor, factor: int) -> Tensor:
    """Upsample (1, 1, h, w) bilinearly by a whole factor, as one convolution and a shuffle.

    The same values as ``interpolate``, five times as fast in OpenVINO for a single channel.
    """
    offsets = (torch.arange(factor, dtype=torch.float32) + 0.5) / factor - 0.5
    taps = torch.stack(((-offsets).clamp(min=0.0), 1.0 - offsets.abs(), offsets.clamp(min=0.0)))
    kernel = taps.T[:, None, :, None] * taps.T[None, :, None, :]  # (f, f, 3, 3)
    kernel = kernel.reshape(factor * factor, 1, 3, 3).to(plane.device)
    padded = functional.pad(plane, (1, 1, 1, 1), mode='replicate')
    return functional.pixel_shuffle(functional.conv2d(padded, kernel), factor)


def detect(
    levels: Sequence[DetLevel], network_hw: tuple[int, int], height: int, width: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Decode, choose the best, suppress, and scale to input pixels.

    Args:
        levels: The head's raw outputs.
        network_hw: Size the boxes are decoded at.
        height: H.
        width: W.

    Returns:
        boxes (1, 100, 4) float32, scores (1, 100) float32, classes (1, 100) int32.
    """
    boxes, scores = decode_boxes(levels)  # (1, N, 4), (1, N, C)
    boxes, scores = boxes[0].float(), scores[0].float()
    count = scores.shape[1]
    flat = scores.reshape(-1)  # (N*C,)
    best, index = flat.topk(min(CANDIDATES, flat.shape[0]))
    classes = index % count
    chosen = boxes[torch.div(index, count, rounding_mode='floor')]  # (M, 4)
    kept = best * suppress(chosen, classes)
    final, order = kept.topk(min(MAX_BOXES, kept.shape[0]))
    scale = _edges(chosen, height, width) / _network_edges(chosen, network_hw)
    edges = _edges(chosen, height, width)
    out = torch.minimum((chosen[order] * scale).clamp(min=0.0), edges)
    return out[None], final[None], classes[order].to(torch.int32)[None]


def suppress(boxes: Tensor, classes: Tensor) -> Tensor:
    """Non-maximum suppression a class as a fixed number of matrix products.

    ``keep`` is iterated to the fixed point of "kept unless a kept, better box overlaps", which is
    greedy suppression; every round settles at least one more link of a chain of overlaps, and
    chains longer than the rounds do not occur in pictures.

    Args:
        boxes: (M, 4) float32, best first.
        classes: (M,) int64.

    Returns:
        (M,) float32: 1 for kept boxes, 0 for suppressed ones.
    """
    same = classes[:, None] == classes[None]
    overlap = pairwise_iou(boxes) > SUPPRESSION_IOU  # (M, M)
    rivals = (overlap & same).to(boxes.dtype).triu(diagonal=1)
    keep = torch.ones_like(boxes[:, 0])
    for _ in range(SUPPRESSION_ROUNDS):
        keep = 1.0 - (keep[None] @ rivals)[0].clamp(max=1.0)
    return keep


def pairwise_iou(boxes: Tensor) -> Tensor:
    """Return the (M, M) intersection over union of (M, 4) boxes with themselves."""
    left, top, right, bottom = (boxes[:, i : i + 1] for i in range(4))  # (M, 1) each
    width = (torch.minimum(right, right.T) - torch.maximum(left, left.T)).clamp(min=0.0)
    height = (torch.minimum(bottom, bottom.T) - torch.maximum(top, top.T)).clamp(min=0.0)
    inner = width * height
    area = (right - left) * (bottom - top)
    return inner / (area + area.T - inner).clamp(min=MIN_RANGE)


def _edges(like: Tensor, height: int, width: int) -> Tensor:
    """Return (W, H, W, H) as a tensor; H and W are symbols while exporting."""
    zero = like[0] * 0.0  # (4,): keeps H and W out of a constant
    pick = like.new_tensor([1.0, 0.0, 1.0, 0.0])
    return zero + pick * width + (1.0 - pick) * height


def _network_edges(like: Tensor, network_hw: tuple[int, int]) -> Tensor:
    rows, columns = network_hw
    return like.new_tensor([columns, rows, columns, rows])
