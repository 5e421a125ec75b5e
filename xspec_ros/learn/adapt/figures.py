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

"""What is measured of a model before and after, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ('flip', 'gain', 'temporal', 'boxes')


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures of one network; shares and scores are 0 to 1, None is not measured.

    Consistency is not accuracy: a model that calls everything road is perfectly consistent. It
    tells a model that falls apart, together with the classes that it still shows and its
    agreement with the model before.

    Attributes:
        miou: Mean IoU on the guard set.
        map50: Mean AP at IoU 0.5 on the guard set.
        per_class: IoU and AP of every class there.
        consistency: Of ``KINDS``, what could be measured. ``flip``: pixels labelled alike in the
            mirrored picture; ``gain``: alike after a change of gain, level, exponent and noise;
            ``temporal``: alike a moment later, where the scene has moved to; ``boxes``: F1 of
            the boxes of the mirrored picture.
        box_weight: What ``boxes`` counts for in the mean, where the others count 1: a few boxes
            more or less must not decide.
        teacher: Share of the pixels labelled as the RGB teacher does, pairs by day.
        agreement: Share of the pixels labelled as the source model does.
        shares: Share of the pixels of every class.
        boxes: Boxes a frame of every detection class, above the model's threshold.
        frames: Frames kept aside that this is of.
        followed: Those of them with a frame a moment later.
        taught: Those of them that the teacher answered.
    """

    miou: float | None = None
    map50: float | None = None
    per_class: Mapping[str, object] = field(default_factory=dict)
    consistency: Mapping[str, float] = field(default_factory=dict)
    box_weight: float = 1.0
    teacher: float | None = None
    agreement: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)
    boxes: Mapping[str, float] = field(default_factory=dict)
    frames: int = 0
    followed: int = 0
    taught: int = 0

    def mean_consistency(self, kinds: tuple[str, ...] = KINDS) -> float | None:
        """Return the weighted mean over the kinds that were measured; None without any."""
        weights = {kind: self.box_weight if kind == 'boxes' else 1.0 for kind in kinds}
        measured = [kind for kind in kinds if kind in self.consistency and weights[kind] > 0]
        if not measured:
            return None
        total = sum(weights[kind] * self.consistency[kind] for kind in measured)
        return total / sum(weights[kind] for kind in measured)

    def value(self) -> float | None:
        """Return the one number that weights are chosen by while training, higher is better.

        The mean of mIoU and mAP50 where there are labels, else of the mean consistency and the
        agreement with the teacher.
        """
        labelled = [value for value in (self.miou, self.map50) if value is not None]
        free = [value for value in (self.mean_consistency(), self.teacher) if value is not None]
        values = labelled or free
        return sum(values) / len(values) if values else None

    def as_json(self) -> dict[str, object]:
        """Return everything as JSON-ready values."""
        consistency: dict[str, object] = {kind: self.consistency.get(kind) for kind in KINDS}
        return {
            'miou': self.miou,
            'map50': self.map50,
            'per_class': dict(self.per_class),
            'consistency': {
                **consistency,
                'mean': self.mean_consistency(),
                'box_weight': self.box_weight,
            },
            'teacher_agreement': self.teacher,
            'class_share': dict(self.shares),
            'boxes_per_frame': dict(self.boxes),
            'frames': self.frames,
            'frames_followed': self.followed,
            'frames_taught': self.taught,
        }
