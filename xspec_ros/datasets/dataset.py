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

"""A data set as a lazy sequence of samples; files are read when a sample is asked for."""

from __future__ import annotations

from dataclasses import dataclass
import hashlib
from typing import TYPE_CHECKING

from xspec_ros.core.labels import ClassLabel, UNLABELLED
from xspec_ros.core.truth import segmentation_ids, unmasked_box_regions
from xspec_ros.datasets.images import Picture, read_mask, read_rgb, read_thermal
from xspec_ros.datasets.sample import (
    mask_table,
    Other,
    Sample,
)
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.datasets.coco import PictureBoxes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where the parts of one sample lie.

    Attributes:
        name: Name of the sample.
        part: Folder of the set it is in.
        fold: Fold, or the part where no fold is named.
        day: True by day, False at night, None unknown.
        rgb: Visible picture.
        thermal: Thermal picture.
        mask: Mask of the set's own ids.
        boxes_thermal: Boxes on the thermal picture; None unlabelled.
        boxes_rgb: Boxes on the visible picture; None unlabelled.
    """

    name: str
    part: str = ''
    fold: str = ''
    day: bool | None = None
    rgb: Picture | None = None
    thermal: Picture | None = None
    mask: Path | None = None
    boxes_thermal: PictureBoxes | None = None
    boxes_rgb: PictureBoxes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What a layout finds in a folder.

    Attributes:
        entries: The samples, in order.
        mask_names: Name of every mask id, in id order; empty where there are no masks.
    """

    entries: tuple[Entry, ...]
    mask_names: tuple[str, ...] = ()


class Dataset:
    """A lazy sequence of samples.

    Attributes:
        root: The folder that was opened.
        entries: Where every sample lies; tells without reading whether it has labels.
        classes: The model's segmentation classes.
        detection_classes: The model's detection classes.
        mask_names: The set's own mask classes in id order.
        mask_classes: Model ids that the set's masks annotate.
        other: What pixels without a class of the model become.
    """

    def __init__(
        self,
        root: Path,
        index: Index,
        *,
        classes: Sequence[ClassLabel],
        detection_classes: Sequence[str],
        other: Other = 'ignore',
    ) -> None:
        self.root = root
        self.entries = index.entries
        self.mask_names = index.mask_names
        self.classes = tuple(classes)
        self.detection_classes = tuple(detection_classes)
        self.other: Other = other
        self._table, annotated = mask_table(index.mask_names, classes, other=other)
        has_masks = any(entry.mask is not None for entry in index.entries)
        self.mask_classes: frozenset[int] = annotated if has_masks else frozenset()
        self.label_ids = segmentation_ids(classes, detection_classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the samples, in order."""
        return tuple(entry.name for entry in self.entries)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.entries)

    def __iter__(self) -> Iterator[Sample]:
        """Read the samples one after the other."""
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Sample:
        """Read one sample.

        Raises:
            DataError: A file cannot be read or does not fit the others.
        """
        entry = self.entries[index]
        rgb = None if entry.rgb is None else read_rgb(entry.rgb)
        thermal = None if entry.thermal is None else read_thermal(entry.thermal)
        _check_boxes(entry.boxes_rgb, rgb, entry)
        _check_boxes(entry.boxes_thermal, thermal, entry)
        return Sample(
            name=entry.name,
            rgb=rgb,
            thermal=thermal,
            label_map=self._label_map(entry, rgb if thermal is None else thermal),
            boxes_thermal=None if entry.boxes_thermal is None else entry.boxes_thermal.boxes,
            boxes_rgb=None if entry.boxes_rgb is None else entry.boxes_rgb.boxes,
            day=entry.day,
            fold=entry.fold,
            part=entry.part,
        )

    def select(self, indices: Sequence[int]) -> Dataset:
        """Return a data set of some of the samples.

        Args:
            indices: Which, in the order wanted.
        """
        return Dataset(
            self.root,
            Index(entries=tuple(self.entries[i] for i in indices), mask_names=self.mask_names),
            classes=self.classes,
            detection_classes=self.detection_classes,
            other=self.other,
        )

    def fingerprint(self) -> str:
        """Return a SHA-256 over names, picture sizes in bytes and the labels themselves.

        Raises:
            DataError: A file is gone.
        """
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(f'{entry.part}/{entry.name} {entry.fold} {entry.day}\n'.encode())
            for picture in (entry.rgb, entry.thermal):
                size = 0 if picture is None else _stat_size(picture.path)
                digest.update(f'{size}\n'.encode())
            digest.update(b'' if entry.mask is None else _content(entry.mask))
            for labelled in (entry.boxes_thermal, entry.boxes_rgb):
                digest.update(b'-' if labelled is None else _box_bytes(labelled))
        return digest.hexdigest()

    def _label_map(self, entry: Entry, image: PixelArray | None) -> UInt8Array | None:
        if entry.mask is None:
            return None
        ids = read_mask(entry.mask)
        if image is not None and ids.shape != image.shape[:2]:
            message = f'mask {entry.mask} is {_size(ids)}, its picture {_size(image)}'
            raise DataError(message, hint='a mask has the size of its (thermal) picture')
        highest = int(ids[ids != UNLABELLED].max(initial=0))
        if highest >= len(self.mask_names):
            message = f'mask {entry.mask} holds id {highest}, {len(self.mask_names)} are named'
            raise DataError(message, hint='add the class to classes.txt or correct the mask')
        label_map = self._table[ids]
        if self.other == 'complement' and entry.boxes_thermal is not None:
            boxes = entry.boxes_thermal.boxes
            label_map[unmasked_box_regions(label_map, boxes, self.label_ids)] = UNLABELLED
        return label_map


def _check_boxes(labelled: PictureBoxes | None, image: PixelArray | None, entry: Entry) -> None:
    """Refuse boxes that were drawn on a picture of another size."""
    if labelled is None or image is None or labelled.size_hw is None:
        return
    if labelled.size_hw != image.shape[:2]:
        stated = f'{labelled.size_hw[1]}x{labelled.size_hw[0]}'
        message = f'boxes of {labelled.file_name} are for {stated}, {entry.name} is {_size(image)}'
        raise DataError(message, hint='scale the boxes or restore the picture')


def _size(image: PixelArray) -> str:
    return f'{image.shape[1]}x{image.shape[0]}'


def _stat_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        message = f'cannot read {path}: {error.strerror or error}'
        raise DataError(message, hint='restore the file') from error


def _content(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        message = f'cannot read {path}: {error.strerror or error}'
        raise DataError(message, hint='restore the file') from error


def _box_bytes(labelled: PictureBoxes) -> bytes:
    boxes = labelled.boxes
    arrays = (boxes.boxes_xyxy, boxes.class_ids, boxes.crowd)
    return b'+' + b''.join(array.tobytes() for array in arrays)
