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

"""COCO box files: one JSON, categories mapped by name and alias."""

from __future__ import annotations

from dataclasses import dataclass
import math
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from xspec_ros.core.truth import Boxes
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Image(msgspec.Struct):
    id: int
    file_name: str
    width: int | None = None
    height: int | None = None


class _Category(msgspec.Struct):
    id: int
    name: str


class _Annotation(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0
    ignore: int = 0


class _File(msgspec.Struct):
    images: list[_Image]
    categories: list[_Category] = []
    annotations: list[_Annotation] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureBoxes:
    """Boxes of one picture and the size they were drawn on.

    Attributes:
        file_name: Name in the box file, with folders and suffix.
        boxes: Boxes, perhaps none.
        size_hw: Rows and columns as stated, or None.
    """

    file_name: str
    boxes: Boxes
    size_hw: tuple[int, int] | None


def read_coco(path: Path, detection_ids: Mapping[str, int]) -> dict[str, PictureBoxes]:
    """Read the boxes of every picture that a COCO file lists.

    Args:
        path: The JSON file.
        detection_ids: Detection class id of every lower-case category name or alias.

    Returns:
        Boxes by picture name without folder and suffix. Categories without counterpart are
        left out; their crowd regions stay, with class -1.

    Raises:
        DataError: The file does not hold together; the message names the entry.
    """
    content = _load(path)
    names = {category.id: category.name.strip().lower() for category in content.categories}
    rows: dict[int, list[tuple[_Annotation, int]]] = {}
    for image in content.images:
        if image.id in rows:
            message = f'image id {image.id} twice in {path}'
            raise DataError(message, hint='give every image its own id')
        rows[image.id] = []
    for index, annotation in enumerate(content.annotations):
        _check(annotation, index, path, rows, names)
        class_id = detection_ids.get(names[annotation.category_id], -1)
        if class_id >= 0 or annotation.iscrowd or annotation.ignore:
            rows[annotation.image_id].append((annotation, class_id))
    found: dict[str, PictureBoxes] = {}
    for image in content.images:
        name = PurePosixPath(image.file_name.replace('\\', '/')).stem
        if name in found:
            message = f'picture {name} is listed twice in {path}'
            raise DataError(message, hint='list every picture once')
        size = (image.height, image.width) if image.height and image.width else None
        boxes = _boxes(rows[image.id])
        found[name] = PictureBoxes(file_name=image.file_name, boxes=boxes, size_hw=size)
    return found


def _load(path: Path) -> _File:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as error:
        message = f'cannot read {path}: {error.strerror or error}'
        raise DataError(message, hint='check the file and its rights') from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f'{path} is no COCO box file: {error}'
        raise DataError(message, hint='correct or remove it') from error


def _check(
    annotation: _Annotation,
    index: int,
    path: Path,
    images: Mapping[int, object],
    names: Mapping[int, str],
) -> None:
    if annotation.image_id not in images:
        problem = f'image_id {annotation.image_id} is not listed'
    elif annotation.category_id not in names:
        problem = f'category_id {annotation.category_id} is not listed'
    elif (
        not all(math.isfinite(value) for value in annotation.bbox) or min(annotation.bbox[2:]) < 0
    ):
        problem = f'bbox {list(annotation.bbox)} is no left, top, width, height'
    else:
        return
    message = f'annotation {index} of {path}: {problem}'
    raise DataError(message, hint='correct the box file')


def _boxes(rows: list[tuple[_Annotation, int]]) -> Boxes:
    corners = [
        (left, top, left + width, top + height)
        for left, top, width, height in (annotation.bbox for annotation, _ in rows)
    ]
    crowd = [bool(annotation.iscrowd or annotation.ignore) for annotation, _ in rows]
    return Boxes.of(corners, [class_id for _, class_id in rows], crowd)
