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

"""Data set folders as they lie on disk, read into numpy samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xspec_ros.core.labels import ClassLabel, DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets.check import check
from xspec_ros.datasets.cityscapes import index_cityscapes, is_cityscapes
from xspec_ros.datasets.coco_folder import index_coco, is_coco
from xspec_ros.datasets.dataset import Dataset, Entry, Index
from xspec_ros.datasets.flir_aligned import index_flir_aligned, is_flir_aligned
from xspec_ros.datasets.folder import index_folder, is_folder_layout
from xspec_ros.datasets.kp import index_kp, is_kp
from xspec_ros.datasets.mask_folder import index_mask_folder, is_mask_folder
from xspec_ros.datasets.mfnet import index_mfnet, is_mfnet
from xspec_ros.datasets.pst900 import index_pst900, is_pst900
from xspec_ros.datasets.sample import detection_table, Other, Sample
from xspec_ros.datasets.write import write_dataset
from xspec_ros.datasets.yolo import index_yolo, is_yolo
from xspec_ros.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ['Boxes', 'Dataset', 'Sample', 'check', 'open_dataset', 'write_dataset']


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to lay out a data set.

    Attributes:
        matches: Tells whether a folder has this layout.
        index: Lists the samples of a folder; takes the folder and the detection class id of
            every lower-case category name.
    """

    matches: Callable[[Path], bool]
    index: Callable[[Path, Mapping[str, int]], Index]


# The first layout that matches is taken, so the more particular ones come first.
DATASETS: dict[str, Layout] = {
    'cityscapes': Layout(matches=is_cityscapes, index=index_cityscapes),
    'kp': Layout(matches=is_kp, index=index_kp),
    'flir_aligned': Layout(matches=is_flir_aligned, index=index_flir_aligned),
    'pst900': Layout(matches=is_pst900, index=index_pst900),
    'folder': Layout(matches=is_folder_layout, index=index_folder),
    'mfnet': Layout(matches=is_mfnet, index=index_mfnet),
    'yolo': Layout(matches=is_yolo, index=index_yolo),
    'coco': Layout(matches=is_coco, index=index_coco),
    'masks': Layout(matches=is_mask_folder, index=index_mask_folder),
}


def open_dataset(
    path: str | Path,
    *,
    classes: Sequence[ClassLabel] = DEFAULT_CLASSES,
    detection_classes: Sequence[str] = DEFAULT_DETECTION_CLASSES,
    fold: str | None = None,
    part: str | None = None,
    other: Other = 'ignore',
    layout: str = 'auto',
) -> Dataset:
    """Open a data set folder; pictures are read when a sample is asked for.

    Args:
        path: The folder.
        classes: The model's segmentation classes; the set's are mapped to them by name.
        detection_classes: The model's detection classes.
        fold: Only samples of this fold.
        part: Only samples of this part.
        other: ``ignore``: pixels without a class of the model are 255. ``complement``: in a
            set that annotates only some classes, the rest is 254, but 255 inside thermal
            boxes that the masks do not cover.
        layout: Name of the layout, or ``auto``.

    Raises:
        DataError: The folder is missing, empty, or its files do not belong together.
        ConfigError: The layout is not known.
    """
    root = Path(path)
    if not root.is_dir():
        message = f'{root} is no folder'
        raise DataError(message, hint='give a data set folder')
    index = _layout(root, layout).index(root, detection_table(classes, detection_classes))
    if not index.entries:
        message = f'no pictures in {root}'
        raise DataError(message, hint='see docs/datasets.md for the layouts')
    entries = _choose(index.entries, 'part', part, root)
    entries = _choose(entries, 'fold', fold, root)
    return Dataset(
        root,
        Index(entries=entries, mask_names=index.mask_names),
        classes=classes,
        detection_classes=detection_classes,
        other=other,
    )


def _layout(root: Path, name: str) -> Layout:
    if name != 'auto':
        if name not in DATASETS:
            message = f'unknown data set layout {name!r}'
            raise ConfigError(message, hint=f'known: {", ".join(sorted(DATASETS))}')
        return DATASETS[name]
    for layout in DATASETS.values():
        if layout.matches(root):
            return layout
    message = f'{root} has no layout that is known'
    raise DataError(message, hint=f'put pictures into rgb/ or thermal/; {_below(root)}')


def _below(root: Path) -> str:
    inside = [path.name for path in sorted(root.iterdir()) if path.is_dir()]
    sets = [name for name in inside if is_folder_layout(root / name)]
    return f'or open one of {", ".join(sets[:8])}' if sets else 'see docs/datasets.md'


def _choose(
    entries: tuple[Entry, ...], what: str, wanted: str | None, root: Path
) -> tuple[Entry, ...]:
    """Keep the samples of one part or fold."""
    if wanted is None:
        return entries
    values = {getattr(entry, what) for entry in entries}
    nameless = [entry.name for entry in entries if not getattr(entry, what)]
    if nameless:
        message = f'{len(nameless)} pictures of {root} have no {what}: {", ".join(nameless[:3])}'
        raise DataError(message, hint='give every picture a row in split.csv')
    if wanted not in values:
        message = f'no {what} {wanted!r} in {root}'
        raise DataError(message, hint=f'it has {", ".join(sorted(values)) or "none"}')
    return tuple(entry for entry in entries if getattr(entry, what) == wanted)
