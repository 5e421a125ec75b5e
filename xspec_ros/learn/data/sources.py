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

"""Where pictures come from: data set folders, held decoded in memory, and synthetic drives."""

from __future__ import annotations

from dataclasses import dataclass
import logging
from pathlib import Path
from typing import Annotated, Literal, TYPE_CHECKING

import msgspec
import numpy as np

from xspec_ros.core.labels import ClassLabel, index_by_name
from xspec_ros.core.rig import load_rig
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import Dataset, open_dataset
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.data.bags import BagChoice, open_bag_pictures
from xspec_ros.learn.data.daylight import is_day
from xspec_ros.learn.data.picture import Picture, PictureSet, SourceModality
from xspec_ros.learn.data.registered import on_thermal_grid
from xspec_ros.learn.data.synthetic import open_synthetic, SynthSource
from xspec_ros.learn.data.views import only, unlabelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xspec_ros.core.rig import Rig
    from xspec_ros.datasets.sample import Sample

LOG = logging.getLogger(__name__)


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a recipe's ``data`` or ``validation`` list.

    Attributes:
        dataset: Folder of a data set, relative to ``data_root`` unless absolute.
        synth: Synthetic drives instead of a folder.
        bag: A ROS 2 bag instead of a folder; relative like one. Masks and boxes are its topics
            of ground truth, where it has them.
        every: One frame or pair of a bag out of this many.
        folds: Folds to take; all when empty.
        part: Part of the set, for example ``pool``; all when null.
        modality: Pictures to load and whose boxes to take: ``thermal``, ``rgb`` or ``both``
            (boxes of the thermal picture).
        weight: Share of a batch relative to the other sources.
        when: ``day`` or ``night`` pictures only.
        labels: ``own``, or ``teacher``: what the recipe's teacher says of the RGB pictures
            instead; pictures of the night stay unlabelled then.
        masks: Use pixel labels.
        boxes: Use box labels.
        rig: Registration file (``xspec register``) that puts RGB on the thermal grid.
        other: What unlabelled pixels of a set mean: ``ignore``, or ``complement`` = none of
            the classes that the set annotates.
        complement_classes: Names that ``complement`` speaks about; null: all annotated ones.
    """

    dataset: str | None = None
    synth: SynthSource | None = None
    bag: str | None = None
    every: Annotated[int, msgspec.Meta(ge=1)] = 1
    folds: tuple[str, ...] = ()
    part: str | None = None
    modality: SourceModality = 'thermal'
    weight: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    when: Literal['any', 'day', 'night'] = 'any'
    labels: Literal['own', 'teacher'] = 'own'
    masks: bool = True
    boxes: bool = True
    rig: str | None = None
    other: Literal['ignore', 'complement'] = 'ignore'
    complement_classes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What every source of a recipe shares.

    Attributes:
        data_root: Folder that relative data set paths start from.
        cache: Folder for rendered drives.
        classes: Segmentation classes.
        detection_classes: Detection classes.
        rig: How the cameras of pairs stand whose source names no rig of its own.
    """

    data_root: Path
    cache: Path
    classes: tuple[ClassLabel, ...]
    detection_classes: tuple[str, ...]
    rig: Rig | None = None


class MemoryPictures:
    """Pictures held in memory.

    Args:
        pictures: The pictures.
        facts: What the checkpoint says of them.
    """

    def __init__(self, pictures: Sequence[Picture], facts: dict[str, object]) -> None:
        self._pictures = tuple(pictures)
        self.facts = facts

    @property
    def title(self) -> str:
        """Name of the source, for logs."""
        return str(self.facts['name'])

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._pictures)

    def __getitem__(self, index: int) -> Picture:
        """Return one picture."""
        return self._pictures[index]

    def __iter__(self) -> Iterator[Picture]:
        """Return the pictures in order."""
        return iter(self._pictures)


def open_source(source: Source, context: SourceContext) -> PictureSet:
    """Open one source and read or render what it names.

    Raises:
        ConfigError: Not exactly one of ``dataset``, ``synth`` and ``bag``; an unknown class name.
        DataError: The folder is absent, unreadable or holds nothing of that choice.
    """
    check_choice(source)
    pictures = _open_whole(source, context)
    if source.when != 'any':
        pictures = only(pictures, day=source.when == 'day')
    if not len(pictures):
        message = f'no {source.when} pictures in {pictures.title}'
        raise DataError(message, hint='split.csv says which picture is of day or night')
    if source.masks and source.boxes:
        return pictures
    return unlabelled(pictures, masks=not source.masks, boxes=not source.boxes)


def _open_whole(source: Source, context: SourceContext) -> PictureSet:
    """Open everything that a source names."""
    if source.synth is not None:
        return open_synthetic(
            source.synth,
            context.cache,
            classes=context.classes,
            detection_classes=context.detection_classes,
            with_rgb=source.modality != 'thermal',
        )
    if source.bag is not None:
        return open_bag_pictures(bag_choice(source, context), context.cache)
    pictures, facts = _read_folds(source, context)
    if not pictures:
        choice = f'folds {", ".join(source.folds) or "any"}, part {source.part or "any"}'
        message = f'no {source.modality} pictures in {source.dataset} ({choice})'
        raise DataError(message, hint='name folds and parts that the set has')
    LOG.info('%s: %d pictures of %s', source.dataset, len(pictures), source.folds or 'all folds')
    return MemoryPictures(pictures, facts)


def bag_choice(source: Source, context: SourceContext) -> BagChoice:
    """Return what a source takes of its bag.

    Raises:
        ConfigError: Its rig cannot be read.
    """
    return BagChoice(
        path=context.data_root / str(source.bag),
        modality=source.modality,
        every=source.every,
        rig=rig_of(source, context),
        classes=context.classes,
        detection_classes=context.detection_classes,
    )


def rig_of(source: Source, context: SourceContext) -> Rig | None:
    """Return how the cameras of a source's pairs stand: its own rig, else the recipe's.

    Raises:
        ConfigError: The rig cannot be read.
    """
    if source.modality != 'both':
        return None
    return context.rig if source.rig is None else load_rig(context.data_root / source.rig)


def check_choice(source: Source) -> None:
    """Refuse a source of no kind or several.

    Raises:
        ConfigError: Not exactly one of ``dataset``, ``synth`` and ``bag``.
    """
    kinds = [kind for kind in (source.dataset, source.synth, source.bag) if kind is not None]
    if len(kinds) != 1:
        message = f'a source names {len(kinds)} of dataset, synth and bag'
        raise ConfigError(message, hint='give each entry of data one of them')


def open_folds(source: Source, context: SourceContext) -> list[Dataset]:
    """Open the folder of a source, once for each fold; no picture is read.

    Raises:
        DataError: The folder is absent or has no such fold or part.
    """
    root = context.data_root / str(source.dataset)
    if not root.is_dir():
        message = f'no data set folder at {root}'
        raise DataError(message, hint='point data_root at your data: --set data_root=FOLDER')
    return [
        open_dataset(
            root,
            classes=context.classes,
            detection_classes=context.detection_classes,
            fold=fold,
            part=source.part,
            other=source.other,
        )
        for fold in source.folds or (None,)
    ]


def _read_folds(source: Source, context: SourceContext) -> tuple[list[Picture], dict[str, object]]:
    excluded = _complement_classes(source, context.classes)
    pictures: list[Picture] = []
    fingerprints: list[str] = []
    rig = rig_of(source, context)
    for dataset in open_folds(source, context):
        annotated = np.zeros(len(context.classes), bool)
        annotated[sorted(dataset.mask_classes)] = True
        annotated = annotated if excluded is None else annotated & excluded
        fingerprints.append(dataset.fingerprint())
        for sample in dataset:
            picture = to_picture(sample, source, annotated, rig=rig)
            if picture is not None:
                pictures.append(picture)
    facts: dict[str, object] = {
        'name': Path(str(source.dataset)).name,
        'fold': ','.join(source.folds),
        'pictures': len(pictures),
        'fingerprint': ','.join(fingerprints),
    }
    return pictures, facts


def _complement_classes(
    source: Source, classes: Sequence[ClassLabel]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    if source.complement_classes is None:
        return None
    known = index_by_name(classes)
    chosen = np.zeros(len(classes), bool)
    for name in source.complement_classes:
        if name.lower() not in known:
            message = f'complement_classes of {source.dataset} names unknown class {name!r}'
            raise ConfigError(message, hint=f'known: {", ".join(sorted(known))}')
        chosen[known[name.lower()]] = True
    return chosen


def to_picture(
    sample: Sample,
    source: Source,
    annotated: np.ndarray[tuple[int], np.dtype[np.bool_]],
    *,
    rig: Rig | None = None,
) -> Picture | None:
    """Keep of a sample what its source asks for.

    Args:
        sample: The sample.
        source: Its recipe entry.
        annotated: (K,) bool, classes that unlabelled pixels are known not to be.
        rig: How the cameras of a pair stand.

    Returns:
        The picture, or None where the sample lacks the modality.

    Raises:
        DataError: The two pictures of a pair do not share one grid.
    """
    wants_thermal, wants_rgb = source.modality != 'rgb', source.modality != 'thermal'
    if (wants_thermal and sample.thermal is None) or (wants_rgb and sample.rgb is None):
        return None
    rgb, rgb_valid = sample.rgb, None
    if source.modality == 'both' and rgb is not None and sample.thermal is not None:
        size_hw = sample.thermal.shape[0], sample.thermal.shape[1]
        rgb, rgb_valid = on_thermal_grid(rgb, size_hw, rig, f'{source.dataset} {sample.name}')
    boxes = (sample.boxes_thermal if wants_thermal else sample.boxes_rgb) if source.boxes else None
    known = Boxes.empty() if boxes is None else boxes
    return Picture(
        name=sample.name,
        thermal=sample.thermal if wants_thermal else None,
        rgb=rgb if wants_rgb else None,
        rgb_valid=rgb_valid,
        label_map=sample.label_map if source.masks else None,
        mask_classes=annotated,
        boxes_xyxy=known.boxes_xyxy,
        box_classes=known.class_ids.astype(np.int64),
        box_crowd=known.crowd,
        has_boxes=boxes is not None,
        day=_is_day(sample),
    )


def _is_day(sample: Sample) -> bool | None:
    """Return what the set says, else what the RGB picture looks like."""
    if sample.day is not None or sample.rgb is None:
        return sample.day
    return is_day(sample.rgb)
