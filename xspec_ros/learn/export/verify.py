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

"""Compare engines with the torch reference: what passes here is what may run (design rule 6)."""

from __future__ import annotations

from dataclasses import dataclass
import logging
from typing import cast, TYPE_CHECKING

import numpy as np

from xspec_ros.bundle.manifest import Verified
from xspec_ros.core.geometry import iou_matrix
from xspec_ros.core.metrics import Scorer
from xspec_ros.core.result import Detections
from xspec_ros.engines.choice import available_engines, start_engine
from xspec_ros.errors import EngineError
from xspec_ros.learn.models.deploy import SUPPRESSION_IOU

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.result import Mode
    from xspec_ros.engines.engine import Engine, GraphOutput
    from xspec_ros.learn.export.frames import FrameSet, LabelledFrame

LOGGER = logging.getLogger(__name__)

REFERENCE = 'torch'
MIN_LABEL_AGREEMENT = 0.999
MAX_BOX_PX = 0.5
MAX_POINTS_LOST = 0.5
MIN_SCORE = 0.01
MATCH_IOU = 0.5
TIE = 2e-3


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """mIoU and mAP50 in points (0 to 100), None without truth."""

    miou: float | None
    map50: float | None


def verify_bundle(bundle: Bundle, frames: FrameSet) -> dict[str, dict[str, Verified]]:
    """Run every engine present at every precision of the bundle, every graph of it.

    What is said of an engine at a precision is the worst of the bundle's modes: it passes when
    all of them pass.

    Args:
        bundle: A bundle, verified or not yet.
        frames: What to run on; each mode takes those that have its cameras.

    Returns:
        By precision and engine, what came of it; engines that cannot run a variant are left out.
    """
    parts = [_verify_mode(bundle, mode, frames) for mode in bundle.manifest.modes()]
    return {
        precision: {
            name: _worst([part[precision][name] for part in parts])
            for name in parts[0][precision]
            if all(name in part[precision] for part in parts)
        }
        for precision in bundle.manifest.precisions
    }


def _verify_mode(bundle: Bundle, mode: Mode, frames: FrameSet) -> dict[str, dict[str, Verified]]:
    """Do the work of ``verify_bundle`` for one graph."""
    chosen = frames.of_mode(mode)
    reference = _answers(bundle, mode, (REFERENCE, 'fp32'), chosen)
    best = score(bundle, reference, chosen)
    seen: dict[str, dict[str, Verified]] = {}
    present = [name for name, missing in available_engines().items() if missing is None]
    for precision in bundle.manifest.precisions:
        seen[precision] = {}
        for name in present:
            try:
                own = (name, precision) == (REFERENCE, 'fp32')
                answers = reference if own else _answers(bundle, mode, (name, precision), chosen)
            except EngineError as error:
                LOGGER.warning('%s at %s, mode %s: %s', name, precision, mode, error)
                continue
            agreement = compare(reference, answers)
            if precision == 'fp32':
                found = _verified(agreement, frames.origin)
            else:
                figures = score(bundle, answers, chosen)
                found = _verified_lower(agreement, frames.origin, best, figures)
            seen[precision][name] = found
            LOGGER.info('%s at %s, mode %s: %s', name, precision, mode, found)
    return seen


def _worst(modes: Sequence[Verified]) -> Verified:
    """Return what holds of all graphs of one engine and precision together."""
    if len(modes) == 1:
        return modes[0]
    return Verified(
        label_agreement=min(found.label_agreement for found in modes),
        box_px=max(found.box_px for found in modes),
        ok=all(found.ok for found in modes),
        frames=sum(found.frames for found in modes),
        data=modes[0].data,
        miou_loss=_largest([found.miou_loss for found in modes]),
        map50_loss=_largest([found.map50_loss for found in modes]),
    )


def _largest(losses: Sequence[float | None]) -> float | None:
    return max((loss for loss in losses if loss is not None), default=None)


def run_frames(engine: Engine, frames: Sequence[LabelledFrame]) -> list[GraphOutput]:
    """Return the engine's answer to each frame."""
    return [engine.infer(frame.pixel_bytes, frame.rgb, frame.tone) for frame in frames]


def score(
    bundle: Bundle, answers: Sequence[GraphOutput], frames: Sequence[LabelledFrame]
) -> Figures:
    """Return mIoU and mAP50 of answers to labelled frames, in points."""
    manifest = bundle.manifest
    scorer = Scorer(
        names=[label.name for label in manifest.classes],
        detection_names=list(manifest.detection_classes),
    )
    for answer, frame in zip(answers, frames, strict=True):
        detections = Detections(
            boxes_xyxy=answer.boxes_xyxy, scores=answer.scores, class_ids=answer.classes
        )
        scorer.add(answer.labels, detections, truth=frame.label_map, boxes=frame.boxes)
    summary = scorer.summary()
    return Figures(miou=_points(summary['miou']), map50=_points(summary['map50']))


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


def _answers(
    bundle: Bundle, mode: Mode, variant: tuple[str, str], frames: Sequence[LabelledFrame]
) -> list[GraphOutput]:
    """Return the answers of one graph on one engine at one precision."""
    name, precision = variant
    engine = start_engine(bundle, name=name, precision=precision, mode=mode, threads=None)
    try:
        return run_frames(engine, frames)
    finally:
        engine.close()


def _verified(agreement: Agreement, origin: str) -> Verified:
    return Verified(
        label_agreement=agreement.labels,
        box_px=agreement.box_px,
        ok=agreement.ok,
        frames=agreement.frames,
        data=origin,
    )


def _verified_lower(
    agreement: Agreement, origin: str, best: Figures, figures: Figures
) -> Verified:
    miou_loss = _loss(best.miou, figures.miou)
    map50_loss = _loss(best.map50, figures.map50)
    known = [loss for loss in (miou_loss, map50_loss) if loss is not None]
    return Verified(
        label_agreement=agreement.labels,
        box_px=agreement.box_px,
        ok=bool(known) and max(known) <= MAX_POINTS_LOST,
        frames=agreement.frames,
        data=origin,
        miou_loss=miou_loss,
        map50_loss=map50_loss,
    )


def _loss(best: float | None, figure: float | None) -> float | None:
    return None if best is None or figure is None else best - figure


def _points(value: object) -> float | None:
    return None if value is None else 100.0 * cast('float', value)


def _box_distance(ours: GraphOutput, theirs: GraphOutput) -> tuple[float, int]:
    """Match each of our boxes to the nearest of theirs with its class.

    A box may be on one side only where a tie explains it: its score is within ``TIE`` of the
    score floor or of the last of a full list, or its overlap with a better box is within ``TIE``
    of the suppression threshold.

    Returns:
        Largest corner distance of matched boxes in pixels, and boxes without a match.
    """
    last = float(ours.scores.min(initial=1.0))
    floor = max(MIN_SCORE, last) + TIE
    candidates = np.flatnonzero(theirs.scores > 0)
    worst, missing = 0.0, 0
    for row in np.flatnonzero(ours.scores >= floor):
        alike = candidates[theirs.classes[candidates] == ours.classes[row]]
        if not alike.size:
            missing += 1
            continue
        gaps = np.abs(theirs.boxes_xyxy[alike] - ours.boxes_xyxy[row]).max(axis=1)
        gap = float(gaps.min())
        if gap > MAX_BOX_PX:
            overlap = iou_matrix(ours.boxes_xyxy[row : row + 1], theirs.boxes_xyxy[alike])[0]
            if np.any(np.abs(overlap - SUPPRESSION_IOU) < TIE):
                continue
            if overlap[gaps.argmin()] < MATCH_IOU:
                missing += 1
                continue
        worst = max(worst, gap)
    return worst, missing
