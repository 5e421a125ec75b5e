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

"""One training picture with the labels that its source gives, before augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray, UInt8Array

SourceModality: TypeAlias = Literal['thermal', 'rgb', 'both']


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Pixels and labels on one grid.

    Attributes:
        name: Name for messages.
        thermal: (H, W) uint8 or uint16, or None.
        rgb: (H, W, 3) uint8, or None.
        label_map: (H, W) uint8 class ids, 255 ignore, 254 complement; None unlabelled.
        mask_classes: (K,) bool, classes that the masks annotate.
        boxes_xyxy: (N, 4) float32 pixels.
        box_classes: (N,) int64.
        box_crowd: (N,) bool.
        has_boxes: The picture has box labels; none at all is a valid label.
        day: True by day, False at night, None unknown.
        rgb_valid: (H, W) bool, where a registered RGB picture shows something; None everywhere.
        box_scores: (N,) float32 in [0, 1], how sure the label of a box is; None: every label is.
    """

    name: str
    thermal: PixelArray | None
    rgb: UInt8Array | None
    label_map: UInt8Array | None
    mask_classes: NDArray[np.bool_]
    boxes_xyxy: NDArray[np.float32]
    box_classes: NDArray[np.int64]
    box_crowd: NDArray[np.bool_]
    has_boxes: bool
    day: bool | None
    rgb_valid: NDArray[np.bool_] | None = None
    box_scores: NDArray[np.float32] | None = None

    @property
    def size_hw(self) -> tuple[int, int]:
        """Rows and columns."""
        image = self.rgb if self.thermal is None else self.thermal
        if image is None:
            message = f'{self.name} has no picture'
            raise ValueError(message)
        return image.shape[0], image.shape[1]


class PictureSet(Protocol):
    """Pictures of one source, quick to get at random."""

    @property
    def title(self) -> str:
        """Name of the source, for logs."""
        ...

    @property
    def facts(self) -> dict[str, object]:
        """What the checkpoint says of the source: name, fold, pictures, fingerprint."""
        ...

    def __len__(self) -> int:
        """Return the number of pictures."""
        ...

    def __getitem__(self, index: int) -> Picture:
        """Return one picture."""
        ...

    def __iter__(self) -> Iterator[Picture]:
        """Return the pictures in order."""
        ...
