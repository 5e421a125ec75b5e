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

"""KP: KAIST pairs in ``images/setNN/VNNN/{visible,lwir}/``, masks in ``labels/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.datasets.cityscapes import TRAIN_IDS
from xspec_ros.datasets.dataset import Entry, Index
from xspec_ros.datasets.folder import list_pictures, read_lines
from xspec_ros.datasets.images import Picture
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDS = ('train', 'val', 'test')
TIMES = {'_day': True, '_night': False, '': None}


def is_kp(root: Path) -> bool:
    """Tell whether a folder has the layout of KP.

    Args:
        root: The folder.
    """
    return next((root / 'images').glob('set*/V*/lwir'), None) is not None


def index_kp(root: Path, detection_ids: Mapping[str, int]) -> Index:
    """List the pairs that a mask or a list such as ``train_day.txt`` names.

    Args:
        root: The folder with ``images`` and ``labels``.
        detection_ids: Not used: the set has no boxes.

    Raises:
        DataError: A pair that is named is not there.
    """
    del detection_ids
    listed: dict[str, tuple[str, bool | None]] = {}
    for fold in FOLDS:
        for end, day in TIMES.items():
            path = root / f'{fold}{end}.txt'
            for line in read_lines(path) if path.is_file() else ():
                listed.setdefault(line.rsplit('.', 1)[0], (fold, day))
    masks = list_pictures(root / 'labels')
    return Index(
        entries=tuple(
            _entry(root, name, *listed.get(name, ('', None)), masks.get(name))
            for name in sorted(listed.keys() | masks.keys())
        ),
        mask_names=TRAIN_IDS,
    )


def _entry(root: Path, name: str, fold: str, day: bool | None, mask: Path | None) -> Entry:
    group, video, number = ([*name.split('_'), '', '', ''])[:3]
    folder = root / 'images' / group / video
    paths = {
        which: next((folder / which).glob(f'{number}.*'), None) for which in ('visible', 'lwir')
    }
    rgb, thermal = paths['visible'], paths['lwir']
    if thermal is None:
        message = f'{root} names {name}, but {folder / "lwir" / number} is not there'
        raise DataError(message, hint='names are setNN_VNNN_INNNNN')
    return Entry(
        name=name,
        part=group,
        fold=fold,
        day=day,
        rgb=None if rgb is None else Picture(path=rgb),
        thermal=Picture(path=thermal),
        mask=mask,
    )
