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

"""Synthetic drives as training pictures: rendered once, kept as memory-mapped arrays."""

from __future__ import annotations

import hashlib
import logging
from typing import Annotated, TYPE_CHECKING

import msgspec
import numpy as np

from xspec_ros import synth
from xspec_ros.core.labels import (
    ClassLabel,
    DEFAULT_CLASSES,
    DEFAULT_DETECTION_CLASSES,
    lookup_table,
)
from xspec_ros.errors import DataError
from xspec_ros.learn.data.picture import Picture
from xspec_ros.learn.data.whole import fill_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LOG = logging.getLogger(__name__)
CACHE_VERSION = 1
INDEX_NAME = 'index.json'


class SynthSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Synthetic pictures of a recipe.

    Attributes:
        count: Pictures, each of its own scene.
        seed: First seed.
        night_share: Share of night scenes.
        size: Columns and rows.
        fov_deg: Horizontal field of view; null lets every scene have its own.
        camera: Thermal camera, its place and the weather, where they are not any.
    """

    count: Annotated[int, msgspec.Meta(ge=1)] = 500
    seed: int = 0
    night_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    size: tuple[int, int] = (640, 480)
    fov_deg: float | None = None
    camera: synth.CameraChange = synth.CameraChange()


class _Index(msgspec.Struct, frozen=True, kw_only=True):
    night: list[bool]
    boxes: list[list[list[float]]]
    box_classes: list[list[int]]


class SyntheticPictures:
    """Rendered drives on disk.

    Args:
        folder: Cache folder of these settings.
        source: The settings.
        classes: The model's segmentation classes.
        detection_classes: The model's detection classes.
    """

    def __init__(
        self,
        folder: Path,
        source: SynthSource,
        *,
        classes: Sequence[ClassLabel],
        detection_classes: Sequence[str],
    ) -> None:
        self._thermal = np.load(folder / 'thermal.npy', mmap_mode='r')
        self._labels = np.load(folder / 'labels.npy', mmap_mode='r')
        rgb = folder / 'rgb.npy'
        self._rgb = np.load(rgb, mmap_mode='r') if rgb.exists() else None
        self._index = msgspec.json.decode((folder / INDEX_NAME).read_bytes(), type=_Index)
        names = [label.name for label in DEFAULT_CLASSES]  # the ids that the world draws
        self._table = lookup_table(names, classes)
        self._same = bool((self._table[: len(names)] == np.arange(len(names))).all())
        known = {name.lower(): index for index, name in enumerate(detection_classes)}
        self._box_ids = np.array([known.get(n, -1) for n in DEFAULT_DETECTION_CLASSES], np.int64)
        self._mask_classes = np.isin(np.arange(len(classes)), self._table)
        self._source = source
        self._key = folder.name

    @property
    def title(self) -> str:
        """Name of the source, for logs."""
        changed = ', other camera' if self._source.camera != synth.CameraChange() else ''
        return f'synth seed {self._source.seed}{changed}'

    @property
    def facts(self) -> dict[str, object]:
        """What the checkpoint says of the source."""
        return {
            'name': 'synthetic drives',
            'fold': f'seed {self._source.seed}',
            'pictures': len(self),
            'fingerprint': self._key,
        }

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._index.night)

    def __getitem__(self, index: int) -> Picture:
        """Return one picture; its arrays are views of the cache."""
        boxes = np.asarray(self._index.boxes[index], np.float32).reshape(-1, 4)
        box_classes = self._box_ids[np.asarray(self._index.box_classes[index], np.int64)]
        wanted = box_classes >= 0
        label_map = np.asarray(self._labels[index])
        return Picture(
            name=f'synth_{self._source.seed}_{index:05d}',
            thermal=np.asarray(self._thermal[index]),
            rgb=None if self._rgb is None else np.asarray(self._rgb[index]),
            label_map=label_map if self._same else self._table[label_map],
            mask_classes=self._mask_classes,
            boxes_xyxy=boxes[wanted],
            box_classes=box_classes[wanted],
            box_crowd=np.zeros(int(wanted.sum()), bool),
            has_boxes=True,
            day=not self._index.night[index],
        )

    def __iter__(self) -> Iterator[Picture]:
        """Return the pictures in order."""
        return (self[index] for index in range(len(self)))


def open_synthetic(
    source: SynthSource,
    cache: Path,
    *,
    classes: Sequence[ClassLabel],
    detection_classes: Sequence[str],
    with_rgb: bool,
) -> SyntheticPictures:
    """Open the cache of these settings, rendering it when it is not there.

    Args:
        source: The settings.
        cache: Folder of all caches.
        classes: The model's segmentation classes; those that the world draws are labelled.
        detection_classes: The model's detection classes.
        with_rgb: Keep the RGB pictures too.

    Raises:
        DataError: The cache cannot be written.
    """
    settings = msgspec.json.encode([CACHE_VERSION, source, with_rgb], order='sorted')
    folder = cache / hashlib.sha256(settings).hexdigest()[:16]
    if not (folder / INDEX_NAME).exists():
        try:
            fill_once(folder, lambda part: _render(source, part, with_rgb=with_rgb))
        except OSError as err:
            message = f'cannot write rendered drives to {folder}: {err}'
            raise DataError(message, hint='free space or choose another --set cache') from err
    return SyntheticPictures(folder, source, classes=classes, detection_classes=detection_classes)


def _render(source: SynthSource, folder: Path, *, with_rgb: bool) -> None:
    """Fill the folder with the pictures of the drives and their index."""
    width, height = source.size
    shape = (source.count, height, width)
    open_array = np.lib.format.open_memmap
    thermal = open_array(folder / 'thermal.npy', mode='w+', dtype=np.uint16, shape=shape)
    labels = open_array(folder / 'labels.npy', mode='w+', dtype=np.uint8, shape=shape)
    rgb = None
    if with_rgb:
        rgb = open_array(folder / 'rgb.npy', mode='w+', dtype=np.uint8, shape=(*shape, 3))
    index = _Index(night=[], boxes=[], box_classes=[])
    frames = synth.frames_for_training(
        count=source.count,
        seed=source.seed,
        size_wh=source.size,
        night_share=source.night_share,
        fov_deg=source.fov_deg,
        camera=source.camera,
    )
    for number, frame in enumerate(frames):
        thermal[number] = frame.thermal
        labels[number] = frame.label_map
        if rgb is not None:
            rgb[number] = frame.rgb
        index.night.append(bool(frame.night))
        index.boxes.append(frame.boxes_thermal.boxes_xyxy.tolist())
        index.box_classes.append(frame.boxes_thermal.class_ids.tolist())
        if (number + 1) % 100 == 0:
            LOG.info('rendered %d of %d synthetic pictures', number + 1, source.count)
    for array in (thermal, labels, *(() if rgb is None else (rgb,))):
        array.flush()
    (folder / INDEX_NAME).write_bytes(msgspec.json.encode(index))
