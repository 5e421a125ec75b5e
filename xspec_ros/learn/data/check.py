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

"""Look a recipe's sources through before training: counts, and everything that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from xspec_ros.datasets import check, Dataset
from xspec_ros.datasets.check import count_outside
from xspec_ros.datasets.images import picture_size
from xspec_ros.errors import DataError, XspecError
from xspec_ros.learn.data.bags import bag_pictures, Findings
from xspec_ros.learn.data.sources import (
    bag_choice,
    check_choice,
    open_folds,
    rig_of,
    Source,
    SourceContext,
)

if TYPE_CHECKING:
    from xspec_ros.core.rig import Rig
    from xspec_ros.datasets.dataset import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    """What a source holds.

    Attributes:
        name: Folder or kind of the source.
        folds: Folds asked for.
        pictures: Samples of the modality asked for.
        masks: How many of them have pixel labels.
        boxes: How many have box labels.
        problems: One line for everything that is wrong.
    """

    name: str
    folds: str
    pictures: int
    masks: int
    boxes: int
    problems: tuple[str, ...]


def check_source(source: Source, context: SourceContext) -> SourceCheck:
    """Read every file of a source; synthetic drives are taken at their word.

    Raises:
        ConfigError: Not exactly one of ``dataset``, ``synth`` and ``bag``.
    """
    check_choice(source)
    if source.synth is not None:
        count, seed = source.synth.count, f'seed {source.synth.seed}'
        return SourceCheck(
            name='synth', folds=seed, pictures=count, masks=count, boxes=count, problems=()
        )
    if source.bag is not None:
        return _check_bag(source, context)
    datasets, problems = _open_each(source, context)
    for dataset in datasets:
        problems += check(dataset)
    entries = [entry for dataset in datasets for entry in dataset.entries if _has(entry, source)]
    if not entries and not problems:
        kind = 'pairs' if source.modality == 'both' else f'{source.modality} pictures'
        problems.append(f'{source.dataset} has no {kind} of that choice')
    if source.modality == 'both':
        problems += [
            line for line in _unregistered(entries, source, context) if line not in problems
        ]
    on_rgb, own = source.modality == 'rgb', source.labels == 'own'
    boxes = [entry.boxes_rgb if on_rgb else entry.boxes_thermal for entry in entries]
    return SourceCheck(
        name=str(source.dataset),
        folds=','.join(source.folds),
        pictures=len(entries),
        masks=sum(entry.mask is not None for entry in entries) if source.masks and own else 0,
        boxes=sum(each is not None for each in boxes) if source.boxes and own else 0,
        problems=tuple(problems),
    )


def _open_each(source: Source, context: SourceContext) -> tuple[list[Dataset], list[str]]:
    """Open fold by fold: a bad one must not hide the others."""
    datasets: list[Dataset] = []
    problems: list[str] = []
    for fold in source.folds or (None,):
        try:
            datasets += open_folds(replace(source, folds=(fold,) if fold else ()), context)
        except XspecError as err:  # noqa: PERF203
            problems.append(str(err))
    return datasets, problems


def _unregistered(entries: list[Entry], source: Source, context: SourceContext) -> list[str]:
    """List pairs that would not lie on one grid."""
    try:
        rig = rig_of(source, context)
    except XspecError as err:
        return [str(err)]
    unfit = [entry.name for entry in entries if not _on_one_grid(entry, rig)]
    if len(unfit) * 2 <= len(entries):
        return [f'rgb and thermal of {name} differ in size' for name in unfit]
    means = 'do not fit the rig' if rig is not None else 'differ in size and no rig is named'
    return [f'{len(unfit)} of {len(entries)} pairs of {source.dataset} {means}']


def _on_one_grid(entry: Entry, rig: Rig | None) -> bool:
    if entry.rgb is None or entry.thermal is None:
        return True
    try:
        rgb, thermal = picture_size(entry.rgb.path), picture_size(entry.thermal.path)
    except DataError:
        return True  # listed already
    if rgb is None or thermal is None or rgb == thermal:
        return True
    return rig is not None and rig.fits(rgb, thermal_hw=thermal)


def _check_bag(source: Source, context: SourceContext) -> SourceCheck:
    """Decode every frame of a bag."""
    findings, pictures, masks, boxes, outside = Findings(), 0, 0, 0, 0
    try:
        for picture in bag_pictures(bag_choice(source, context), findings):
            pictures += 1
            masks += picture.label_map is not None
            boxes += picture.has_boxes
            outside += count_outside(picture.boxes_xyxy, *picture.size_hw)
    except XspecError as err:
        findings.problems.append(str(err))
    if outside:
        findings.problems.append(f'{outside} boxes of {source.bag} lie outside their pictures')
    if not pictures and not findings.problems:
        findings.problems.append(f'{source.bag} has no {source.modality} pictures')
    return SourceCheck(
        name=str(source.bag),
        folds='' if source.every == 1 else f'every {source.every}',
        pictures=pictures,
        masks=masks if source.masks else 0,
        boxes=boxes if source.boxes else 0,
        problems=tuple(findings.lines()),
    )


def _has(entry: Entry, source: Source) -> bool:
    return (source.modality == 'rgb' or entry.thermal is not None) and (
        source.modality == 'thermal' or entry.rgb is not None
    )
