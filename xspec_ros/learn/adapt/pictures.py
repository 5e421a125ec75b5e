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

"""The pictures that networks are measured on, read from the work folder and the guard set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.datasets import open_dataset
from xspec_ros.errors import DataError
from xspec_ros.learn.adapt.gather import ASIDE, frames_folder, NEXT, TRAINING
from xspec_ros.learn.adapt.guard import Aside
from xspec_ros.learn.data.sources import (
    MemoryPictures,
    open_source,
    Source,
    SourceContext,
    to_picture,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.rig import Rig
    from xspec_ros.datasets import Dataset, Sample
    from xspec_ros.learn.adapt.gather import Found
    from xspec_ros.learn.adapt.recipe import SourceModel
    from xspec_ros.learn.data.picture import Picture, PictureSet
    from xspec_ros.learn.train.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardChoice:
    """The labelled pictures that a new model must not be worse on.

    Attributes:
        path: Data set folder.
        fold: Only this fold.
        part: Only this part.
    """

    path: Path
    fold: str | None = None
    part: str | None = None


def open_guard(choice: GuardChoice, model: SourceModel) -> PictureSet:
    """Open the guard set with the model's classes.

    Raises:
        DataError: It cannot be read, holds no thermal pictures, or no labels that the model knows.
    """
    manifest = model.bundle.manifest
    context = SourceContext(
        data_root=Path(),
        cache=Path(),
        classes=manifest.classes,
        detection_classes=manifest.detection_classes,
    )
    folds = () if choice.fold is None else (choice.fold,)
    source = Source(dataset=str(choice.path.resolve()), folds=folds, part=choice.part)
    pictures = open_source(source, context)
    if not any(picture.label_map is not None or picture.has_boxes for picture in pictures):
        message = f'no labels in --guard {choice.path}'
        raise DataError(message, hint='give a data set with masks or boxes, or leave --guard out')
    return pictures


def load_aside(work: Path, found: Found, *, rgb: bool, rig: Rig | None) -> list[Aside]:
    """Read the frames kept aside, and those that follow them.

    Args:
        work: Work folder.
        found: What lies there.
        rgb: Take RGB along, on the thermal grid.
        rig: How it is laid there; None where it lies there already.
    """
    root = frames_folder(work)
    followers: dict[str, Picture] = {}
    if found.followed:
        after = open_dataset(root, part=NEXT)
        followers = {sample.name: _picture(sample, rig=None) for sample in after}
    frames: Dataset = open_dataset(root, part=ASIDE)
    return [
        Aside(
            picture=_picture(sample, rig=rig, rgb=rgb and sample.rgb is not None),
            follower=followers.get(sample.name),
        )
        for sample in frames
    ]


def load_some(work: Path, recipe: Recipe, *, rig: Rig | None, most: int) -> MemoryPictures:
    """Read some of the frames that are learned from, as the trainer does.

    Args:
        work: Work folder.
        recipe: Its only source says which cameras.
        rig: How RGB is laid on the thermal grid.
        most: How many.
    """
    frames = open_dataset(frames_folder(work), part=TRAINING)
    none = np.zeros(len(recipe.labels()), np.bool_)
    source, pictures = recipe.data[0], []
    for sample in frames:
        picture = to_picture(sample, source, none, rig=rig)
        if picture is not None:
            pictures.append(picture)
        if len(pictures) == most:
            break
    return MemoryPictures(pictures, {'name': TRAINING})


def some_of(pictures: Sequence[Picture] | PictureSet, most: int) -> list[Picture]:
    """Return at most so many pictures, evenly spread."""
    places = np.linspace(0, max(0, len(pictures) - 1), min(len(pictures), most))
    return [pictures[place] for place in places.round().astype(int).tolist()]


def _picture(sample: Sample, *, rig: Rig | None, rgb: bool = False) -> Picture:
    source = Source(modality='both' if rgb else 'thermal', masks=False, boxes=False)
    picture = to_picture(sample, source, np.zeros(0, np.bool_), rig=rig)
    if picture is None:
        message = f'{sample.name} has lost its thermal picture'
        raise DataError(message, hint='empty the work folder and run again')
    return picture
