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

"""Mask folders: ``images/[SPLIT/]NAME.*`` and ``masks/[SPLIT/]NAME.png`` (or ``labels/``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.folder import list_pictures, read_class_names, refuse_orphans
from xspec_ros.datasets.images import modality_of, Picture
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MASK_FOLDERS = ('masks', 'labels', 'annotations')


def is_mask_folder(root: Path) -> bool:
    """Tell whether a folder holds pictures and masks.

    Args:
        root: The folder.
    """
    return (root / 'images').is_dir() and _masks(root) is not None


def index_mask_folder(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the pictures and their masks.

    Args:
        root: The folder with ``images``, a mask folder and ``classes.txt``.
        detection_ids: Not used: the layout has no boxes.

    Raises:
        DataError: ``classes.txt`` is missing or a mask has no picture.
    """
    del detection_ids
    masks_root = _masks(root)
    if masks_root is None or not (root / 'classes.txt').is_file():
        message = f'{root} has no classes.txt'
        raise DataError(message, hint='name the ids, one line each')
    splits = [path.name for path in sorted((root / 'images').iterdir()) if path.is_dir()]
    thermal = modality_of(root / 'images') == 'thermal'
    entries: list[Entry] = []
    for split in splits or ['']:
        pictures = list_pictures(root / 'images' / split)
        masks = list_pictures(masks_root / split)
        refuse_orphans(list(masks), pictures, str(masks_root / split))
        for name, path in pictures.items():
            picture = Picture(path=path)
            entries.append(
                Entry(
                    name=name,
                    part=split,
                    fold=split,
                    rgb=None if thermal else picture,
                    thermal=picture if thermal else None,
                    mask=masks.get(name),
                )
            )
    return Index(entries=tuple(entries), mask_names=read_class_names(root / 'classes.txt'))


def _masks(root: Path) -> Path | None:
    return next((root / name for name in MASK_FOLDERS if (root / name).is_dir()), None)
