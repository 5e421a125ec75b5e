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

"""Samples to a data set folder that ``open_dataset`` reads back."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TYPE_CHECKING

import msgspec
import numpy as np

from xspec_ros.core.labels import DEFAULT_DETECTION_CLASSES, UNLABELLED
from xspec_ros.datasets.images import write_jpeg, write_png
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.core.labels import ClassLabel
    from xspec_ros.core.truth import Boxes
    from xspec_ros.datasets.sample import Sample

REGION_CATEGORY = 'dont_care'


def write_dataset(
    samples: Iterable[Sample],
    out: str | Path,
    classes: Sequence[ClassLabel],
    *,
    detection_classes: Sequence[str] = DEFAULT_DETECTION_CLASSES,
    rgb_format: Literal['png', 'jpg'] = 'png',
) -> int:
    """Write samples one by one; what was written stays readable when the samples stop early.

    Samples with a part go into a folder of that name, others into ``out`` itself. Label files
    appear only where some sample is labelled.

    Args:
        samples: The samples; label maps hold ids of ``classes``.
        out: A folder that is new or empty.
        classes: Segmentation classes, named in ``classes.txt``.
        detection_classes: Detection classes, the categories of the box files.
        rgb_format: Visible pictures as ``png`` (lossless) or ``jpg`` (quality 92).

    Returns:
        How many samples were written.

    Raises:
        DataError: The folder is in use, a name is no file name or taken, or writing failed.
    """
    root = Path(out)
    _make_empty(root)
    parts: dict[str, _Part] = {}
    try:
        for sample in samples:
            if sample.part not in parts:
                parts[sample.part] = _open_part(root, sample.part, parts)
            parts[sample.part].add(sample, rgb_format)
    finally:
        _close(root, parts, classes, detection_classes)
    return sum(len(part.rows) for part in parts.values())


@dataclass(slots=True, kw_only=True)
class _Part:
    """One folder being written."""

    folder: Path
    rows: list[dict[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    sizes_wh: dict[str, tuple[int, int]] = field(default_factory=dict)
    boxes: dict[str, dict[str, Boxes]] = field(default_factory=lambda: {'thermal': {}, 'rgb': {}})
    has_masks: bool = False

    def add(self, sample: Sample, rgb_format: str) -> None:
        """Write the pictures of one sample and note its labels."""
        name = sample.name
        if not name or name in self.names or Path(name).name != name or name.startswith('.'):
            message = f'sample name {name[:80]!r} is no file name or is taken in {self.folder}'
            raise DataError(message, hint='give every sample its own plain name')
        if sample.rgb is None and sample.thermal is None:
            message = f'sample {name} has no picture'
            raise DataError(message, hint='leave it out')
        if sample.rgb is not None and rgb_format == 'jpg':
            write_jpeg(self._place('rgb', f'{name}.jpg'), sample.rgb)
        elif sample.rgb is not None:
            write_png(self._place('rgb', f'{name}.png'), sample.rgb)
        if sample.thermal is not None:
            write_png(self._place('thermal', f'{name}.png'), sample.thermal)
        if sample.label_map is not None:
            write_png(self._place('masks', f'{name}.png'), _plain_ids(sample.label_map))
            self.has_masks = True
        self._note('thermal', name, sample.thermal, sample.boxes_thermal)
        self._note('rgb', name, sample.rgb, sample.boxes_rgb)
        day = '' if sample.day is None else 'day' if sample.day else 'night'
        self.rows.append({'name': name, 'day_or_night': day, 'fold': sample.fold})
        self.names.add(name)

    def _place(self, folder: str, file_name: str) -> Path:
        (self.folder / folder).mkdir(exist_ok=True)
        return self.folder / folder / file_name

    def _note(self, which: str, name: str, image: PixelArray | None, boxes: Boxes | None) -> None:
        if boxes is not None and image is not None:
            self.boxes[which][name] = boxes
            self.sizes_wh[f'{which}/{name}'] = (image.shape[1], image.shape[0])


def _plain_ids(label_map: UInt8Array) -> UInt8Array:
    """Store what is no class id as 255."""
    return np.where(label_map >= UNLABELLED - 1, np.uint8(UNLABELLED), label_map)


def _make_empty(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        used = any(root.iterdir())
    except OSError as error:
        message = f'cannot write {root}: {error.strerror or error}'
        raise DataError(message, hint='give a folder that can be made') from error
    if used:
        message = f'{root} is not empty'
        raise DataError(message, hint='give a new folder')


def _open_part(root: Path, name: str, parts: dict[str, _Part]) -> _Part:
    if parts and '' in {name, *parts}:
        message = f'some samples for {root} name a part and some do not'
        raise DataError(message, hint='give all of them a part or none')
    if name and (Path(name).name != name or name.startswith('.')):
        message = f'part {name[:80]!r} is no folder name'
        raise DataError(message, hint='use a plain name such as pool')
    folder = root / name if name else root
    folder.mkdir(exist_ok=True)
    return _Part(folder=folder)


def _close(
    root: Path,
    parts: dict[str, _Part],
    classes: Sequence[ClassLabel],
    detection_classes: Sequence[str],
) -> None:
    """Write classes, split and box files for what is there."""
    if any(part.has_masks for part in parts.values()):
        names = ''.join(f'{label.name}\n' for label in classes)
        (root / 'classes.txt').write_text(names, encoding='utf-8')
    for part in parts.values():
        for which, boxes in part.boxes.items():
            if boxes:
                content = _coco(which, boxes, part, detection_classes)
                path = part.folder / f'boxes_{which}.json'
                path.write_bytes(msgspec.json.encode(content))
        columns = ['name', 'day_or_night']
        columns += ['fold'] if any(row['fold'] for row in part.rows) else []
        with (part.folder / 'split.csv').open('w', newline='', encoding='utf-8') as file:
            writer = csv.DictWriter(file, columns, extrasaction='ignore', lineterminator='\n')
            writer.writeheader()
            writer.writerows(part.rows)


def _coco(
    which: str, boxes: dict[str, Boxes], part: _Part, detection_classes: Sequence[str]
) -> dict[str, object]:
    suffix = '.png'
    if which == 'rgb' and next((part.folder / 'rgb').glob('*.jpg'), None) is not None:
        suffix = '.jpg'
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for image_id, (name, labelled) in enumerate(boxes.items(), 1):
        width, height = part.sizes_wh[f'{which}/{name}']
        images.append(
            {'id': image_id, 'file_name': name + suffix, 'width': width, 'height': height}
        )
        annotations += _annotations(labelled, image_id, len(annotations), len(detection_classes))
    names = [*detection_classes, REGION_CATEGORY]
    return {
        'images': images,
        'categories': [{'id': number, 'name': name} for number, name in enumerate(names, 1)],
        'annotations': annotations,
    }


def _annotations(
    boxes: Boxes, image_id: int, offset: int, class_count: int
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for box, class_id, crowd in zip(boxes.boxes_xyxy, boxes.class_ids, boxes.crowd, strict=True):
        left, top, right, bottom = (float(value) for value in box)
        rows.append(
            {
                'id': offset + len(rows) + 1,
                'image_id': image_id,
                'category_id': int(class_id) + 1 if class_id >= 0 else class_count + 1,
                'bbox': [left, top, right - left, bottom - top],
                'area': (right - left) * (bottom - top),
                'iscrowd': int(crowd),
            }
        )
    return rows
