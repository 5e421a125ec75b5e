"""The deployable graph: camera bytes in, final arrays out, whatever the engine.

Pre- and post-processing are tensor code around the student, so that they are the same in
onnxruntime, OpenVINO, TensorRT and torch, and Python touches no pixel. Letters: B batch (always
1), H, W input size, C bytes a pixel, K classes, N anchors, M candidates of the suppression.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn, Tensor
from torch.nn import functional

from xspec_ros.learn.models.decode import decode_boxes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.learn.models.student import DetLevel

CANDIDATES = 300
MAX_BOXES = 100
SUPPRESSION_IOU = 0.65
SUPPRESSION_ROUNDS = 12
MIN_RANGE = 1e-6


class DeployGraph(nn.Module):
    """A student with its pre- and post-processing, for one picture of any size.

    The picture is stretched to ``network_hw`` (bilinear, aspect ratio not kept: 640x480 on a
    640x512 network is a stretch of 7 %) and boxes are scaled back, so one file takes any size.

    Args:
        student: Returns ``StudentOutput`` for (1, 1, h, w) in [0, 1].
        network_hw: Rows and columns the student works at, multiples of 32.
        half: Run the student in float16; pre- and post-processing stay in float32.
    """

    def __init__(
        self, student: nn.Module, network_hw: tuple[int, int], *, half: bool = False
    ) -> None:
        super().__init__()
        self.dtype = torch.float16 if half else torch.float32
        self.student = student.to(self.dtype)
        self.network_hw = network_hw

    def forward(
        self, thermal: Tensor, tone: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Answer one frame.

        Args:
            thermal: (1, H, W, C) uint8, C in {1, 2}: the camera's bytes, little-endian.
            tone: (2,) float32: low and high in counts.

        Returns:
            labels (1, H, W) uint8, confidence (1, H, W) uint8, boxes (1, 100, 4) float32 in input
            pixels, scores (1, 100) float32 (0 for unused rows), classes (1, 100) int32.
        """
        height, width = thermal.shape[1], thermal.shape[2]
        picture = tone_map(combine_bytes(thermal), tone)  # (1, 1, H, W)
        picture = functional.interpolate(picture, size=self.network_hw, mode='bilinear')
        out = self.student(picture.to(self.dtype))
        labels, confidence = segment(out.seg_logits.float(), height, width)
        boxes, scores, classes = detect(out.det, self.network_hw, height, width)
        return labels, confidence, boxes, scores, classes


def combine_bytes(thermal: Tensor) -> Tensor:
    """Return counts (1, 1, H, W) float32 from bytes (1, H, W, C) uint8, C in {1, 2}.

    The second byte is weighed by ``C - 1``: one graph serves both widths without a branch.
    """
    extra = thermal.shape[3] - 1
    planes = thermal.float()  # TensorRT takes uint8 only at the edge of a graph: cast first
    return (planes[..., 0] + planes[..., -1] * (256.0 * extra)).unsqueeze(1)


def tone_map(counts: Tensor, tone: Tensor) -> Tensor:
    """Map [low, high] to [0, 1] and clip; an empty range gives zeros and ones, never NaN."""
    low, high = tone[0], tone[1]
    return ((counts - low) / (high - low).clamp(min=MIN_RANGE)).clamp(0.0, 1.0)


def segment(logits: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the label map and its confidence at input size.

    Logits are upsampled before the argmax (cheaper orders differ on 3 to 7 % of the pixels); the
    softmax stays at low resolution, where it costs nothing.

    Args:
        logits: (1, K, h, w) float32.
        height: H.
        width: W.

    Returns:
        labels (1, H, W) uint8 and confidence (1, H, W) uint8, 255 = certain.
    """
    size = (height, width)
    full = functional.interpolate(logits, size=size, mode='bilinear')  # (1, K, H, W)
    labels = full.argmax(dim=1).to(torch.uint8)
    best = logits.softmax(dim=1).amax(dim=1, keepdim=True)  # (1, 1, h, w)
    best = functional.interpolate(best, size=size, mode='bilinear')
    return labels, (best[:, 0] * 255.0 + 0.5).clamp(0.0, 255.0).to(torch.uint8)


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
    low = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    sides = (high - low).clamp(min=0.0)
    inner = sides[..., 0] * sides[..., 1]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return inner / (area[:, None] + area[None] - inner).clamp(min=MIN_RANGE)


def _edges(like: Tensor, height: int, width: int) -> Tensor:
    """Return (W, H, W, H) as a tensor; H and W are symbols while exporting."""
    zero = like[0] * 0.0  # (4,): keeps H and W out of a constant
    pick = like.new_tensor([1.0, 0.0, 1.0, 0.0])
    return zero + pick * width + (1.0 - pick) * height


def _network_edges(like: Tensor, network_hw: tuple[int, int]) -> Tensor:
    rows, columns = network_hw
    return like.new_tensor([columns, rows, columns, rows])
