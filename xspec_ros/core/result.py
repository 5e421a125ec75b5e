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

"""What perception answers for one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array

Mode: TypeAlias = Literal['thermal', 'fused', 'rgb']


@dataclass(frozen=True, slots=True, kw_only=True)
class Detections:
    """Boxes of one picture; ``Detections.empty()`` is a valid answer.

    Attributes:
        boxes_xyxy: (N, 4) float32, left, top, right, bottom in pixels of the picture.
        scores: (N,) float32 in [0, 1].
        class_ids: (N,) int32, index into the bundle's detection classes.
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        count = len(self.scores)
        if self.boxes_xyxy.shape != (count, 4) or self.class_ids.shape != (count,):
            shapes = (self.boxes_xyxy.shape, self.scores.shape, self.class_ids.shape)
            message = f'detections need shapes (N, 4), (N,), (N,), got {shapes}'
            raise ValueError(message)

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.scores)

    @classmethod
    def empty(cls) -> Detections:
        """Return the answer for a picture without objects."""
        return cls(
            boxes_xyxy=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            class_ids=np.zeros(0, np.int32),
        )

    def at_least(self, score: float) -> Detections:
        """Return the boxes with at least this score."""
        keep = self.scores >= score
        return Detections(
            boxes_xyxy=self.boxes_xyxy[keep],
            scores=self.scores[keep],
            class_ids=self.class_ids[keep],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The answer for one reference frame.

    Attributes:
        stamp_ns: Stamp of the reference frame, unchanged.
        frame_id: frame_id of the reference frame, unchanged.
        label_map: (H, W) uint8 class ids, 255 unlabelled; H, W of the reference frame.
        confidence: (H, W) uint8, 0 to 255.
        detections: All boxes of the graph with score >= 0.01; doors apply the threshold.
        mode: What was used: ``thermal``, ``fused`` or ``rgb``.
        degraded: True when a fused model had to go on with one camera.
    """

    stamp_ns: int
    frame_id: str
    label_map: UInt8Array
    confidence: UInt8Array
    detections: Detections
    mode: Mode
    degraded: bool = False
