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

"""A whole data set looked through: every file that cannot be used, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.datasets.images import picture_size
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xspec_ros.datasets.dataset import Dataset, Entry
    from xspec_ros.datasets.sample import Sample


def check(dataset: Dataset) -> list[str]:
    """Read every file of a data set and list what is wrong with it.

    Pictures of a pair may differ in size (two cameras that were not registered), but where most
    pairs of a set are of equal size, a pair that is not is listed.

    Args:
        dataset: The data set.

    Returns:
        One line a problem; empty when all is well.
    """
    problems = [line for index in range(len(dataset)) for line in _problems(dataset, index)]
    return problems + _unequal_pairs(dataset)


def _problems(dataset: Dataset, index: int) -> list[str]:
    try:
        return _outside(dataset[index])
    except DataError as error:
        return [error.message]


def _outside(sample: Sample) -> list[str]:
    """List boxes that lie wholly outside their picture."""
    problems = []
    for which, image, boxes in (
        ('thermal', sample.thermal, sample.boxes_thermal),
        ('rgb', sample.rgb, sample.boxes_rgb),
    ):
        if image is None or boxes is None:
            continue
        number = count_outside(boxes.boxes_xyxy, *image.shape[:2])
        if number:
            problems.append(f'{number} {which} boxes of {sample.name} lie outside the picture')
    return problems


def count_outside(boxes_xyxy: NDArray[np.float32], height: int, width: int) -> int:
    """Return how many boxes, (N, 4) corners, lie wholly outside a picture."""
    left, top, right, bottom = boxes_xyxy.T
    outside = (left >= width) | (top >= height) | (right <= 0) | (bottom <= 0)
    return int(outside.sum())


def _unequal_pairs(dataset: Dataset) -> list[str]:
    pairs = [entry for entry in dataset.entries if entry.rgb and entry.thermal]
    unequal = [entry for entry in pairs if _differs(entry)]
    if not unequal or len(unequal) * 2 > len(pairs):
        return []
    return [f'rgb and thermal of {entry.name} differ in size' for entry in unequal]


def _differs(entry: Entry) -> bool:
    if entry.rgb is None or entry.thermal is None:
        return False
    try:
        rgb, thermal = picture_size(entry.rgb.path), picture_size(entry.thermal.path)
    except DataError:
        return False  # listed already
    return rgb is not None and thermal is not None and rgb != thermal
