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

"""YOLO: ``images/[SPLIT/]NAME.*``, ``labels/[SPLIT/]NAME.txt``, names in ``data.yaml``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from xspec_ros.config import parse_yaml
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets.coco import PictureBoxes
from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.folder import list_pictures, read_lines, refuse_orphans
from xspec_ros.datasets.images import modality_of, Picture, picture_size
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME_FILES = ('data.yaml', 'dataset.yaml', 'classes.txt')


def is_yolo(root: Path) -> bool:
    """Tell whether a folder has the layout of YOLO.

    Args:
        root: The folder.
    """
    labels = root / 'labels'
    return (root / 'images').is_dir() and any(
        next(labels.glob(pattern), None) is not None for pattern in ('*.txt', '*/*.txt')
    )


def index_yolo(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the pictures; an empty label file is labelled empty, none at all unlabelled.

    The pictures count as thermal when a folder in their path is named so (``thermal``, ``lwir``,
    ``infrared``, ``ir``), otherwise as visible.

    Args:
        root: The folder with ``images`` and ``labels``.
        detection_ids: Detection class id of every lower-case category name or alias.

    Raises:
        DataError: A label file cannot be read or the names are missing.
    """
    names = _names(root)
    class_ids = [detection_ids.get(name.strip().lower(), -1) for name in names]
    thermal = modality_of(root / 'images') == 'thermal'
    splits = [path for path in sorted((root / 'images').iterdir()) if path.is_dir()]
    entries: list[Entry] = []
    for folder in splits or [root / 'images']:
        split = folder.name if splits else ''
        pictures = list_pictures(folder)
        labels = {path.stem: path for path in sorted((root / 'labels' / split).glob('*.txt'))}
        labels.pop('classes', None)
        refuse_orphans(list(labels), pictures, str(root / 'labels' / split))
        for name, path in pictures.items():
            boxes = _boxes(labels[name], path, class_ids) if name in labels else None
            picture = Picture(path=path)
            entries.append(
                Entry(name=name, part=split, fold=split, thermal=picture, boxes_thermal=boxes)
                if thermal
                else Entry(name=name, part=split, fold=split, rgb=picture, boxes_rgb=boxes)
            )
    return Index(entries=tuple(entries))


def _names(root: Path) -> list[str]:
    for file_name in NAME_FILES:
        path = root / file_name
        if path.is_file() and path.suffix == '.txt':
            return read_lines(path)
        if path.is_file():
            content = parse_yaml('\n'.join(read_lines(path, strip=False)), str(path))
            found = content.get('names') if isinstance(content, dict) else None
            if isinstance(found, dict):
                return [
                    str(found.get(str(index), found.get(index, '')))
                    for index in range(max((int(key) for key in found), default=-1) + 1)
                ]
            if isinstance(found, list):
                return [str(name) for name in found]
    message = f'{root} names no classes'
    raise DataError(message, hint='list them as names: in data.yaml')


def _boxes(path: Path, picture: Path, class_ids: list[int]) -> PictureBoxes:
    lines = read_lines(path)
    size = picture_size(picture)
    if size is None and lines:
        message = f'size of {picture} is not known without decoding it'
        raise DataError(message, hint='store pictures as PNG or JPEG')
    height, width = size or (0, 0)
    corners, ids = [], []
    for number, line in enumerate(lines, 1):
        class_id, box = _row(line, f'line {number} of {path}', len(class_ids))
        if class_ids[class_id] >= 0:
            corners.append([box[0] * width, box[1] * height, box[2] * width, box[3] * height])
            ids.append(class_ids[class_id])
    return PictureBoxes(file_name=path.name, boxes=Boxes.of(corners, ids), size_hw=size)


def _row(line: str, where: str, class_count: int) -> tuple[int, tuple[float, ...]]:
    """Read ``class cx cy w h`` or ``class x y x y x y ...`` in shares of the picture."""
    try:
        first, *rest = line.split()
        class_id, values = int(first), [float(value) for value in rest]
    except ValueError as error:
        message = f'{where} is no box: {line[:60]!r}'
        raise DataError(message, hint='write class cx cy w h') from error
    polygon = len(values) >= 6 and len(values) % 2 == 0
    if not 0 <= class_id < class_count or not all(map(math.isfinite, values)):
        message = f'{where} has class {class_id} of {class_count} or a value that is not finite'
        raise DataError(message, hint='correct the label file')
    if polygon:
        return class_id, (min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2]))
    if len(values) != 4:
        message = f'{where} has {len(values)} values after the class'
        raise DataError(message, hint='write class cx cy w h')
    x, y, width, height = values
    return class_id, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
