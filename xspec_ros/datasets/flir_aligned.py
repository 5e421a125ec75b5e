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

"""FLIR-aligned: pairs in ``JPEGImages/``, VOC boxes on thermal in ``Annotations/``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from xspec_ros.core.truth import Boxes
from xspec_ros.datasets.coco import PictureBoxes
from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.folder import list_pictures, read_lines
from xspec_ros.datasets.images import Picture
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

THERMAL_END = '_PreviewData'
RGB_END = '_RGB'
FOLDS = {'train': 'align_train.txt', 'val': 'align_validation.txt'}
CORNERS = ('xmin', 'ymin', 'xmax', 'ymax')


def is_flir_aligned(root: Path) -> bool:
    """Tell whether a folder has the layout of FLIR-aligned.

    Args:
        root: The folder, or the one that holds ``align``.
    """
    folder = _home(root) / 'JPEGImages'
    return next(folder.glob(f'*{THERMAL_END}.*'), None) is not None


def index_flir_aligned(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the thermal pictures, their visible partners and boxes.

    Args:
        root: The folder, or the one that holds ``align``.
        detection_ids: Detection class id of every lower-case category name or alias.

    Raises:
        DataError: A box file cannot be read.
    """
    home = _home(root)
    pictures = list_pictures(home / 'JPEGImages')
    folds = _folds(home)
    entries = []
    for stem, path in pictures.items():
        if not stem.endswith(THERMAL_END):
            continue
        name = stem.removesuffix(THERMAL_END)
        boxes = home / 'Annotations' / f'{stem}.xml'
        partner = pictures.get(name + RGB_END)
        entries.append(
            Entry(
                name=name,
                fold=folds.get(name, ''),
                rgb=None if partner is None else Picture(path=partner),
                thermal=Picture(path=path),
                boxes_thermal=read_voc(boxes, detection_ids) if boxes.is_file() else None,
            )
        )
    return Index(entries=tuple(entries))


def read_voc(path: Path, detection_ids: Mapping[str, int]) -> PictureBoxes:
    """Read the boxes of one VOC file; categories without counterpart are left out.

    Args:
        path: The XML file.
        detection_ids: Detection class id of every lower-case category name or alias.

    Raises:
        DataError: The file is no VOC box file.
    """
    try:
        tree = ElementTree.parse(path).getroot()
        size = tree.find('size')
        width, height = (
            int(_text(size, key) if size is not None else '0') for key in ('width', 'height')
        )
        rows = [
            ([float(_text(item, f'bndbox/{key}')) for key in CORNERS], _text(item, 'name'))
            for item in tree.findall('object')
        ]
    except (OSError, ElementTree.ParseError, ValueError) as error:
        message = f'{path} is no VOC box file: {error}'
        raise DataError(message, hint='correct or remove it') from error
    if not all(math.isfinite(value) for corners, _ in rows for value in corners):
        message = f'{path} holds a box that is not finite'
        raise DataError(message, hint='correct or remove it')
    kept = [(corners, detection_ids.get(name.strip().lower(), -1)) for corners, name in rows]
    kept = [(corners, class_id) for corners, class_id in kept if class_id >= 0]
    return PictureBoxes(
        file_name=path.name,
        boxes=Boxes.of([corners for corners, _ in kept], [class_id for _, class_id in kept]),
        size_hw=(height, width) if height and width else None,
    )


def _text(item: ElementTree.Element, key: str) -> str:
    text = item.findtext(key)
    if text is None:
        message = f'{item.tag} without {key}'
        raise ValueError(message)
    return text


def _home(root: Path) -> Path:
    return root / 'align' if (root / 'align' / 'JPEGImages').is_dir() else root


def _folds(home: Path) -> dict[str, str]:
    folds: dict[str, str] = {}
    for fold, file_name in FOLDS.items():
        for folder in (home, home / 'ImageSets' / 'Main'):
            if (folder / file_name).is_file():
                for line in read_lines(folder / file_name):
                    folds[line.removesuffix(THERMAL_END)] = fold
    return folds
