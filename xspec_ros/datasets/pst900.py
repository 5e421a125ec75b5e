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

"""PST900: ``{train,test}/{rgb,thermal,labels}/NAME.png``, underground scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.folder import list_pictures, refuse_orphans
from xspec_ros.datasets.images import Picture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CLASSES = ('background', 'fire_extinguisher', 'backpack', 'hand_drill', 'survivor')
FOLDS = ('train', 'val', 'test')


def is_pst900(root: Path) -> bool:
    """Tell whether a folder has the layout of PST900.

    Args:
        root: The folder.
    """
    return not (root / 'classes.txt').exists() and any(
        all((root / fold / name).is_dir() for name in ('rgb', 'thermal', 'labels'))
        for fold in FOLDS
    )


def index_pst900(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the pairs with their 8-bit thermal pictures.

    Args:
        root: The folder with ``train`` and ``test``.
        detection_ids: Not used: the set has no boxes.
    """
    del detection_ids
    entries = []
    for fold in FOLDS:
        rgb, thermal, masks = (
            list_pictures(root / fold / name) for name in ('rgb', 'thermal', 'labels')
        )
        refuse_orphans(list(masks), rgb | thermal, str(root / fold / 'labels'))
        entries += [
            Entry(
                name=name,
                part=fold,
                fold=fold,
                rgb=Picture(path=rgb[name]) if name in rgb else None,
                thermal=Picture(path=thermal[name]) if name in thermal else None,
                mask=masks.get(name),
            )
            for name in sorted(rgb.keys() | thermal.keys())
        ]
    return Index(entries=tuple(entries), mask_names=CLASSES)
