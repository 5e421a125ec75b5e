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

"""Answers held against the truth of a bag: figures over all of them, a note on each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.bag.scoring import frame_score
from xspec_ros.bag.truth import TruthBook
from xspec_ros.core.metrics import Scorer
from xspec_ros.report.data import FrameNote

if TYPE_CHECKING:
    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.bundle.manifest import Manifest
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.result import Result


class Judge:
    """Judges answers one by one.

    Attributes:
        manifest: The model's manifest.
        book: The truth.
        score_threshold: Boxes below it are not counted in the notes; AP takes all.

    Args:
        manifest: The model's manifest: its classes and thresholds.
        score_threshold: None for the model's own.
    """

    def __init__(self, manifest: Manifest, *, score_threshold: float | None = None) -> None:
        self.manifest = manifest
        self.book = TruthBook(manifest.classes, manifest.detection_classes)
        self.score_threshold = (
            manifest.thresholds.score if score_threshold is None else score_threshold
        )
        self._names = [label.name for label in manifest.classes]
        self._scorer = Scorer(names=self._names, detection_names=manifest.detection_classes)

    @property
    def judged(self) -> int:
        """Answers that had truth."""
        return self._scorer.pictures

    def read_truth(self, bag: BagReader, inputs: Inputs) -> None:
        """Read the ground-truth topics of a bag."""
        for record in bag.messages(inputs.truth):
            self.book.take(record)

    def add(
        self,
        result: Result,
        time_s: float,
        *,
        total_ms: float,
        tone: tuple[float, float] | None = None,
        reference: Modality = 'thermal',
    ) -> FrameNote:
        """Judge one answer; return the note on it.

        Args:
            result: The answer, all its boxes included.
            time_s: Log time of its frame since the start of the bag.
            total_ms: How long it took.
            tone: Low and high of the tone mapping, in counts, where it is known.
            reference: Camera whose frame was answered: the boxes of its picture are the truth.
        """
        stamp_ns = result.stamp_ns
        truth = self.book.label_map(stamp_ns, result.label_map.shape[:2])
        of_rgb = reference == 'rgb'
        boxes = self.book.rgb_boxes(stamp_ns) if of_rgb else self.book.boxes(stamp_ns)
        if truth is not None or boxes is not None:
            self._scorer.add(result.label_map, result.detections, truth=truth, boxes=boxes)
        threshold = self.score_threshold
        score = frame_score(
            result, self._names, truth=truth, boxes=boxes, score_threshold=threshold
        )
        return FrameNote(
            time_s=time_s,
            outcome='answered',
            stamp_ns=stamp_ns,
            detections=len(result.detections.at_least(threshold)),
            confidence=float(result.confidence.mean()) / 255,
            score=score,
            total_ms=total_ms,
            tone=tone,
        )

    def metrics(self) -> dict[str, object]:
        """Return ``{miou, map50, map, per_class}``, None where there was no truth."""
        return dict(self._scorer.summary())
