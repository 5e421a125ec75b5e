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

"""Cityscapes: ``leftImg8bit/SPLIT/CITY/*_leftImg8bit.png`` and ``gtFine/SPLIT/CITY/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.images import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TRAIN_IDS = (
    'road',
    'sidewalk',
    'building',
    'wall',
    'fence',
    'pole',
    'traffic light',
    'traffic sign',
    'vegetation',
    'terrain',
    'sky',
    'person',
    'rider',
    'car',
    'truck',
    'bus',
    'train',
    'motorcycle',
    'bicycle',
)
_FIRST_TRAINED = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10}
_SECOND_TRAINED = {24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
_OTHERS = {14: 'guard rail', 15: 'bridge', 16: 'tunnel', 18: 'polegroup', 29: 'caravan'}
_BY_ID = {
    label_id: TRAIN_IDS[train_id]
    for label_id, train_id in (_FIRST_TRAINED | _SECOND_TRAINED).items()
} | _OTHERS
LABEL_IDS = tuple(_BY_ID.get(label_id, 'void') for label_id in range(34))
PICTURE_END = '_leftImg8bit.png'


def is_cityscapes(root: Path) -> bool:
    """Tell whether a folder has the layout of Cityscapes.

    Args:
        root: The folder.
    """
    return (root / 'leftImg8bit').is_dir()


def index_cityscapes(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the pictures; ``labelTrainIds`` masks are taken where there are any.

    Args:
        root: The folder with ``leftImg8bit``.
        detection_ids: Not used: the set has no boxes.
    """
    del detection_ids
    train_ids = next((root / 'gtFine').rglob('*_labelTrainIds.png'), None) is not None
    mask_end = '_gtFine_labelTrainIds.png' if train_ids else '_gtFine_labelIds.png'
    entries = []
    for path in sorted((root / 'leftImg8bit').glob(f'*/*/*{PICTURE_END}')):
        name, split, city = path.name.removesuffix(PICTURE_END), path.parts[-3], path.parts[-2]
        mask = root / 'gtFine' / split / city / (name + mask_end)
        entries.append(
            Entry(
                name=name,
                part=split,
                fold=split,
                day=True,
                rgb=Picture(path=path),
                mask=mask if mask.is_file() else None,
            )
        )
    return Index(entries=tuple(entries), mask_names=TRAIN_IDS if train_ids else LABEL_IDS)
