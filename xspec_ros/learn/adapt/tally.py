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

"""Counts over frames kept aside, and the figures that they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast, TYPE_CHECKING

import numpy as np

from xspec_ros.learn.adapt.figures import Figures

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Detections
    from xspec_ros.learn.train.validate import Preparation


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a network to be measured takes and answers.

    Attributes:
        preparation: How a thermal picture becomes its input.
        class_names: Segmentation classes.
        detection_class_names: Detection classes.
        score: Boxes count from this score on.
    """

    preparation: Preparation
    class_names: tuple[str, ...]
    detection_class_names: tuple[str, ...]
    score: float


@dataclass(slots=True, kw_only=True)
class Answer:
    """What a network says of one prepared picture.

    Attributes:
        label_map: (h, w) uint8.
        boxes: Above the threshold, in pixels of the network's input.
    """

    label_map: UInt8Array
    boxes: Detections


@dataclass(slots=True)
class Ratio:
    """A share that is counted over many pictures.

    Attributes:
        part: Counted so far.
        whole: Of so many.
    """

    part: int = 0
    whole: int = 0

    def add(self, counted: tuple[int, int]) -> None:
        """Count one picture: part and whole."""
        self.part += counted[0]
        self.whole += counted[1]

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.part / self.whole if self.whole else None


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts over frames.

    Attributes:
        classes: Number of segmentation classes.
        flip: Pixels alike in the mirrored picture.
        gain: Pixels alike under another gain.
        temporal: Pixels alike a moment later.
        boxes: Boxes found in the mirrored picture too, both sides counted.
        teacher: Pixels alike with the teacher.
        source: Pixels alike with the source model.
        frames: Frames counted.
        followed: Those with a moment later.
        taught: Those with a teacher's answer.
        pixels: (K,) int64 by class.
        box_classes: Class of every box.
    """

    classes: int
    flip: Ratio = field(default_factory=Ratio)
    gain: Ratio = field(default_factory=Ratio)
    temporal: Ratio = field(default_factory=Ratio)
    boxes: Ratio = field(default_factory=Ratio)
    teacher: Ratio = field(default_factory=Ratio)
    source: Ratio = field(default_factory=Ratio)
    frames: int = 0
    followed: int = 0
    taught: int = 0
    pixels: NDArray[np.int64] = field(init=False)
    box_classes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start at zero."""
        self.pixels = np.zeros(self.classes, np.int64)

    def count(self, answer: Answer) -> None:
        """Count pixels and boxes by class."""
        self.frames += 1
        self.pixels += np.bincount(answer.label_map.ravel(), minlength=self.classes)
        self.box_classes += answer.boxes.class_ids.tolist()

    def figures(
        self, contract: Contract, labelled: dict[str, object], box_weight: float = 1.0
    ) -> Figures:
        """Return the counts as shares.

        Args:
            contract: Class names.
            labelled: Summary of the guard set; empty without one.
            box_weight: See ``Figures``.
        """
        kinds = {
            'flip': self.flip,
            'gain': self.gain,
            'temporal': self.temporal,
            'boxes': self.boxes,
        }
        names, frames = contract.detection_class_names, max(self.frames, 1)
        total = max(int(self.pixels.sum()), 1)
        return Figures(
            miou=cast('float | None', labelled.get('miou')),
            map50=cast('float | None', labelled.get('map50')),
            per_class=cast('dict[str, object]', labelled.get('per_class', {})),
            consistency={k: ratio.value for k, ratio in kinds.items() if ratio.value is not None},
            box_weight=box_weight,
            teacher=self.teacher.value,
            agreement=self.source.value,
            shares={
                name: count / total
                for name, count in zip(contract.class_names, self.pixels.tolist(), strict=True)
            },
            boxes={n: self.box_classes.count(i) / frames for i, n in enumerate(names)},
            frames=self.frames,
            followed=self.followed,
            taught=self.taught,
        )
