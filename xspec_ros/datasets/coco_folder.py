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

"""COCO folders: box files in ``annotations/`` or beside their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.datasets.coco import read_coco
from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.images import modality_of, Picture
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIXES = ('instances_', 'coco_', 'annotations_')


def is_coco(root: Path) -> bool:
    """Tell whether a folder has COCO box files.

    Args:
        root: The folder.
    """
    return bool(_files(root))


def index_coco(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the pictures that the box files name.

    Pictures count as thermal when a folder in their path is named so (``thermal``, ``lwir``,
    ``infrared``, ``ir``, ``images_thermal_train``), otherwise as visible.

    Args:
        root: The folder: ``annotations/*.json``, or ``SPLIT/coco.json`` beside the pictures.
        detection_ids: Detection class id of every lower-case category name or alias.

    Raises:
        DataError: A box file does not hold together or names a picture that is not there.
    """
    entries: list[Entry] = []
    for path in _files(root):
        beside = path.parent.name != 'annotations'
        split = path.parent.name if beside else path.stem
        for prefix in PREFIXES:
            split = split.removeprefix(prefix)
        folders = [path.parent] if beside else []
        folders += [root / split, root / 'images' / split, root / 'images', root]
        for name, labelled in read_coco(path, detection_ids).items():
            found = _find(labelled.file_name, folders, path)
            picture = Picture(path=found)
            entries.append(
                Entry(name=name, part=split, fold=split, thermal=picture, boxes_thermal=labelled)
                if modality_of(found.parent) == 'thermal'
                else Entry(name=name, part=split, fold=split, rgb=picture, boxes_rgb=labelled)
            )
    return Index(entries=tuple(entries))


def _files(root: Path) -> list[Path]:
    found = sorted((root / 'annotations').glob('*.json'))
    return found or sorted([*root.glob('*/coco.json'), *root.glob('coco.json')])


def _find(file_name: str, folders: list[Path], where: Path) -> Path:
    for folder in folders:
        if (folder / file_name).is_file():
            return folder / file_name
    message = f'{where} names {file_name}, which is not there'
    raise DataError(message, hint=f'put it below {folders[0]}')
