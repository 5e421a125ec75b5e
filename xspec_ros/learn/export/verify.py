"""Compare engines with the torch reference: what passes here is what may run (design rule 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.engines.engine import Engine, GraphOutput

MIN_LABEL_AGREEMENT = 0.999
MAX_BOX_PX = 0.5
MAX_POINTS_LOST = 0.5
MIN_SCORE = 0.01
MATCH_IOU = 0.5
TIE = 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFrame:
    """One thermal picture to verify on.

    Attributes:
        image: (H, W) uint8 or uint16.
        tone: Low and high in counts.
        label_map: (H, W) uint8 truth, 255 ignored, or None.
        truth: Boxes (N, 4), class ids (N,), crowd flags (N,), or None.
    """

    image: PixelArray
    tone: tuple[float, float]
    label_map: UInt8Array | None = None
    truth: tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.bool_]] | None = None

    @property
    def pixel_bytes(self) -> UInt8Array:
        """(H, W, 1) or (H, W, 2) uint8: what a camera would send, little-endian."""
        image = np.ascontiguousarray(self.image)
        if image.dtype == np.uint16:
            image = image.astype('<u2', copy=False)
        return image.view(np.uint8).reshape(*image.shape, -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How well an engine's answers are those of the reference.

    Attributes:
        labels: Share of pixels with the same label.
        box_px: Largest corner difference of matched boxes, pixels.
        unmatched: Boxes clear of ties that only one side has.
        frames: Frames compared.
    """

    labels: float
    box_px: float
    unmatched: int
    frames: int

    @property
    def ok(self) -> bool:
        """Whether the rule for fp32 is met."""
        same = self.labels >= MIN_LABEL_AGREEMENT and self.box_px <= MAX_BOX_PX
        return same and self.unmatched == 0


def run_frames(engine: Engine, frames: Sequence[TestFrame]) -> list[GraphOutput]:
    """Return the engine's answer to each frame."""
    return [engine.infer(frame.pixel_bytes, None, frame.tone) for frame in frames]


def compare(reference: Sequence[GraphOutput], other: Sequence[GraphOutput]) -> Agreement:
    """Compare two engines' answers to the same frames.

    Boxes are matched by class and overlap, never row by row: near-ties swap rows of a top-K.
    """
    same, pixels, box_px, unmatched = 0, 0, 0.0, 0
    for ours, theirs in zip(reference, other, strict=True):
        same += int(np.count_nonzero(ours.labels == theirs.labels))
        pixels += ours.labels.size
        distance, missing = _box_distance(ours, theirs)
        back, missing_back = _box_distance(theirs, ours)
        box_px = max(box_px, distance, back)
        unmatched += missing + missing_back
    return Agreement(
        labels=same / max(pixels, 1), box_px=box_px, unmatched=unmatched, frames=len(reference)
    )


def _box_distance(ours: GraphOutput, theirs: GraphOutput) -> tuple[float, int]:
    """Match each of our published boxes to the nearest of theirs with the same class.

    Boxes within ``TIE`` of the score floor or of the last of a full list may be on one side only.

    Returns:
        Largest corner distance of matched boxes in pixels, and boxes without a match.
    """
    floor = MIN_SCORE
    if ours.scores.size and ours.scores.min() > MIN_SCORE:
        floor = float(ours.scores.min())
    rows = np.flatnonzero(ours.scores >= floor + TIE)
    candidates = np.flatnonzero(theirs.scores > 0)
    worst, missing = 0.0, 0
    for row in rows:
        alike = candidates[theirs.classes[candidates] == ours.classes[row]]
        near = np.abs(theirs.scores[alike] - ours.scores[row]) <= TIE
        alike = alike[near]
        if not alike.size:
            missing += 1
            continue
        gap = np.abs(theirs.boxes_xyxy[alike] - ours.boxes_xyxy[row]).max(axis=1)
        worst = max(worst, float(gap.min()))
    return worst, missing
