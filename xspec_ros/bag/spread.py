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

"""Pairs spread evenly over a drive, whether it is a bag or a data set folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.bag.extract import extract_pairs, Extraction
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.reader import BagReader
from xspec_ros.datasets import open_dataset
from xspec_ros.errors import DataError
from xspec_ros.perception.settings import InputSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xspec_ros.core.sync import SyncSettings
    from xspec_ros.datasets import Sample

BAG_FILES = ('metadata.yaml', '*.mcap', '*.db3', '*.mcap.zstd', '*.db3.zstd')


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveChoice:
    """Which pairs of a drive to take.

    Attributes:
        most: At most this many pairs.
        rgb: Topic of the RGB camera of a bag; empty for the default.
        thermal: Topic of the thermal camera of a bag; empty for the default.
        fold: Only this fold of a data set.
        part: Only this part of a data set.
    """

    most: int
    rgb: str = ''
    thermal: str = ''
    fold: str | None = None
    part: str | None = None


def is_bag(path: Path) -> bool:
    """Tell a bag from a data set folder: a file, or a folder with a bag's files."""
    return not path.is_dir() or any(any(path.glob(name)) for name in BAG_FILES)


def spread_pairs(path: Path, choice: DriveChoice, sync: SyncSettings) -> Iterator[Sample]:
    """Yield pairs of a drive, evenly spread, in order.

    Args:
        path: A bag, or a data set folder.
        choice: How many, and from where.
        sync: How a bag's pictures are paired.

    Yields:
        Samples with both pictures.

    Raises:
        DataError: The drive is missing, unreadable, lacks a camera, or holds no pair.
    """
    found = 0
    samples = _of_bag(path, choice, sync) if is_bag(path) else _of_folder(path, choice)
    for sample in samples:
        found += 1
        yield sample
    if not found:
        message = f'no pairs in {path}'
        raise DataError(message, hint='both cameras are needed; see xspec bag info')


def _of_bag(path: Path, choice: DriveChoice, sync: SyncSettings) -> Iterator[Sample]:
    with BagReader(path) as bag:
        inputs = choose_inputs(
            bag,
            {
                'rgb': InputSettings(topic=choice.rgb),
                'thermal': InputSettings(topic=choice.thermal),
            },
            needed=('rgb', 'thermal'),
        )
        cameras = [topic for topic in bag.topics() if topic.name in inputs.cameras]
        every = -(-max(1, min(topic.count for topic in cameras)) // choice.most)
        yield from extract_pairs(
            bag, replace(inputs, truth=()), sync, every=every, state=Extraction()
        )


def _of_folder(path: Path, choice: DriveChoice) -> Iterator[Sample]:
    dataset = open_dataset(path, fold=choice.fold, part=choice.part)
    pairs = [
        index
        for index, entry in enumerate(dataset.entries)
        if entry.rgb is not None and entry.thermal is not None
    ]
    places = np.linspace(0, max(0, len(pairs) - 1), min(choice.most, len(pairs)))
    return iter(dataset.select([pairs[place] for place in places.round().astype(int).tolist()]))
