"""Read every file of a source and list what is wrong, instead of stopping at the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.errors import DataError
from xspec_ros.learn.data.sources import (
    check_choice,
    open_folds,
    Source,
    SourceContext,
    to_picture,
)

if TYPE_CHECKING:
    from xspec_ros.learn.data.picture import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    """What reading every file of a source found.

    Attributes:
        name: Folder or kind of the source.
        folds: Folds asked for.
        pictures: Pictures that can be used.
        masks: How many have pixel labels.
        boxes: How many have box labels.
        problems: One line for every sample that cannot be used.
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
        ConfigError: Not exactly one of ``dataset`` and ``synth``.
    """
    check_choice(source)
    if source.synth is not None:
        count, seed = source.synth.count, f'seed {source.synth.seed}'
        return SourceCheck(
            name='synth', folds=seed, pictures=count, masks=count, boxes=count, problems=()
        )
    pictures, problems = _read(source, context)
    if not pictures and not problems:
        problems.append(f'{source.dataset} has no {source.modality} pictures of that choice')
    return SourceCheck(
        name=str(source.dataset),
        folds=','.join(source.folds),
        pictures=len(pictures),
        masks=sum(picture.label_map is not None for picture in pictures),
        boxes=sum(picture.has_boxes for picture in pictures),
        problems=tuple(problems),
    )


def _read(source: Source, context: SourceContext) -> tuple[list[Picture], list[str]]:
    pictures: list[Picture] = []
    problems: list[str] = []
    annotated = np.zeros(len(context.classes), bool)
    try:
        datasets = open_folds(source, context)
    except DataError as err:
        return pictures, [str(err)]
    for dataset in datasets:
        for index in range(len(dataset)):
            try:
                picture = to_picture(dataset[index], source, annotated)
            except DataError as err:  # noqa: PERF203  # each sample by itself
                problems.append(str(err))
            else:
                pictures += [] if picture is None else [picture]
    return pictures, problems
