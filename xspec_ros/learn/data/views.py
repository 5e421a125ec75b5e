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

"""Picture sets seen through a choice: some of the pictures, or other labels on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.learn.data.picture import Picture, PictureSet

NO_CLASSES = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Labels of one picture.

    Attributes:
        label_map: (H, W) uint8, or None.
        boxes_xyxy: (N, 4) float32 pixels, or None when not labelled with boxes.
        box_classes: (N,) int64.
        box_scores: (N,) float32, how sure a box is; None: every one is.
        box_crowd: (N,) bool, regions to ignore; None: none.
    """

    label_map: UInt8Array | None
    boxes_xyxy: NDArray[np.float32] | None
    box_classes: NDArray[np.int64]
    box_scores: NDArray[np.float32] | None = None
    box_crowd: NDArray[np.bool_] | None = None


NOTHING = Labels(label_map=None, boxes_xyxy=None, box_classes=NO_CLASSES)


class LabelStore(Protocol):
    """Labels by picture number."""

    def __getitem__(self, index: int) -> Labels:
        """Return the labels of a picture."""
        ...


class PictureView:
    """Chosen pictures of a set, each changed on its way out.

    Args:
        pictures: The set.
        indices: Which of its pictures, in order.
        change: Makes the picture that is handed out, given its place in this view.
        facts: What this view adds to the set's facts.
    """

    def __init__(
        self,
        pictures: PictureSet,
        indices: Sequence[int],
        change: Callable[[int, Picture], Picture],
        facts: dict[str, object],
    ) -> None:
        self._pictures, self._indices, self._change = pictures, indices, change
        self.facts = pictures.facts | {'pictures': len(indices)} | facts
        self._when = facts.get('when')

    @property
    def title(self) -> str:
        """Name of the source, for logs, with the time of day where that was chosen."""
        title = self._pictures.title
        return title if self._when is None else f'{title} {self._when}'

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._indices)

    def __getitem__(self, index: int) -> Picture:
        """Return one picture."""
        return self._change(index, self._pictures[self._indices[index]])

    def __iter__(self) -> Iterator[Picture]:
        """Return the pictures in order."""
        return (self[index] for index in range(len(self)))


def only(pictures: PictureSet, *, day: bool) -> PictureView:
    """Return the pictures of day or of night; those that nothing is known of are left out."""
    indices = [index for index, picture in enumerate(pictures) if picture.day is day]
    when = 'day' if day else 'night'
    return PictureView(pictures, indices, lambda _, picture: picture, {'when': when})


def unlabelled(pictures: PictureSet, *, masks: bool, boxes: bool) -> PictureView:
    """Return the pictures with their masks or boxes (whichever is true) withheld."""

    def withhold(_: int, picture: Picture) -> Picture:
        if masks:
            picture = replace(picture, label_map=None)
        return with_boxes(picture, NOTHING) if boxes else picture

    return PictureView(pictures, range(len(pictures)), withhold, {})


def relabelled(pictures: PictureSet, labels: LabelStore, source: str) -> PictureView:
    """Return the pictures with other labels.

    Args:
        pictures: The set; its own labels are not looked at.
        labels: Labels by picture number.
        source: Who says so, for the checkpoint's facts.
    """

    def change(index: int, picture: Picture) -> Picture:
        new = labels[index]
        every = np.ones_like(picture.mask_classes)
        picture = replace(picture, label_map=new.label_map, mask_classes=every)
        return with_boxes(picture, new)

    return PictureView(pictures, range(len(pictures)), change, {'labels': source})


def with_boxes(picture: Picture, labels: Labels) -> Picture:
    """Return the picture with the boxes of other labels; it may then have none at all."""
    boxes, crowd = labels.boxes_xyxy, labels.box_crowd
    return replace(
        picture,
        boxes_xyxy=np.zeros((0, 4), np.float32) if boxes is None else boxes,
        box_classes=labels.box_classes,
        box_crowd=np.zeros(len(labels.box_classes), bool) if crowd is None else crowd,
        box_scores=labels.box_scores,
        has_boxes=boxes is not None,
    )
