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

"""MFNet as published: four-channel PNG in ``images/``, ids in ``labels/``, ``train.txt`` ..."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.folder import list_pictures, read_lines, refuse_orphans
from xspec_ros.datasets.images import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CLASSES = (
    'unlabelled',
    'car',
    'person',
    'bike',
    'curve',
    'car_stop',
    'guardrail',
    'color_cone',
    'bump',
)
FOLDS = ('train', 'val', 'test')
_PNG_COLOUR_TYPE = 25
_WITH_ALPHA = 6


def is_mfnet(root: Path) -> bool:
    """Tell whether a folder has the layout of MFNet.

    Args:
        root: The folder.
    """
    if not (root / 'labels').is_dir() or not (root / 'images').is_dir():
        return False
    first = next((root / 'images').glob('*.png'), None)
    if first is None:
        return False
    with first.open('rb') as file:
        header = file.read(_PNG_COLOUR_TYPE + 1)
    return len(header) > _PNG_COLOUR_TYPE and header[_PNG_COLOUR_TYPE] == _WITH_ALPHA


def index_mfnet(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the pictures but the mirrored copies; the name tells day (D) from night (N).

    Args:
        root: The folder with ``images`` and ``labels``.
        detection_ids: Not used: the set has no boxes.
    """
    del detection_ids
    pictures = list_pictures(root / 'images')
    masks = list_pictures(root / 'labels')
    refuse_orphans(list(masks), pictures, str(root / 'labels'))
    folds = {
        name: fold
        for fold in FOLDS
        if (root / f'{fold}.txt').is_file()
        for name in read_lines(root / f'{fold}.txt')
    }
    entries = tuple(
        Entry(
            name=name,
            fold=folds.get(name, ''),
            day={'D': True, 'N': False}.get(name[-1:].upper()),
            rgb=Picture(path=path, take='colour'),
            thermal=Picture(path=path, take='fourth'),
            mask=masks.get(name),
        )
        for name, path in pictures.items()
        if not name.endswith('_flip')
    )
    return Index(entries=entries, mask_names=CLASSES)
