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

"""One picture or pair with its labels, and how a set's classes become the model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TYPE_CHECKING, TypeAlias

import numpy as np

from xspec_ros.core.labels import IGNORED_NAMES, index_by_name, UNLABELLED
from xspec_ros.core.truth import Boxes, COMPLEMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.core.labels import ClassLabel

__all__ = ['Boxes', 'Other', 'Sample', 'detection_table', 'mask_table']

SYNONYMS = {
    'traffic sign': 'sign',
    'traffic_sign': 'sign',
    'guard rail': 'guardrail',
    'people': 'person',
    'survivor': 'person',
}
VOID_NAMES = frozenset({'void', 'ignore'})
Other: TypeAlias = Literal['ignore', 'complement']


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One picture or pair with its labels; None means unlabelled or absent.

    Attributes:
        name: Name of the picture without suffix.
        rgb: (H, W, 3) uint8, channels R, G, B.
        thermal: (H, W) uint8 or uint16, as stored.
        label_map: (H, W) uint8 model class ids, 255 unlabelled, 254 see ``COMPLEMENT``;
            size of the thermal picture, of the visible one where there is no thermal.
        boxes_thermal: Boxes in pixels of the thermal picture.
        boxes_rgb: Boxes in pixels of the visible picture.
        day: True by day and dusk, False at night, None unknown.
        fold: Fold of ``split.csv``, or the part where it names none.
        part: Folder of the set: ``pool``, ``train``, ``val``.
    """

    name: str
    rgb: UInt8Array | None = None
    thermal: PixelArray | None = None
    label_map: UInt8Array | None = None
    boxes_thermal: Boxes | None = None
    boxes_rgb: Boxes | None = None
    day: bool | None = None
    fold: str = ''
    part: str = ''


def mask_table(
    source_names: Sequence[str], classes: Sequence[ClassLabel], *, other: Other = 'ignore'
) -> tuple[UInt8Array, frozenset[int]]:
    """Build the table from a set's mask ids to model ids, and the model ids it annotates.

    Args:
        source_names: Names of the set's ids, in id order; '' for an id that is never labelled.
        classes: The model's classes.
        other: ``ignore``: what has no counterpart becomes 255. ``complement``: in a set that
            annotates only some of the model's classes, unlabelled pixels and classes without
            counterpart become 254; void stays 255.

    Returns:
        (256,) uint8 table, and the annotated model ids.
    """
    known = index_by_name(classes)
    synonyms = {name: known[same] for name, same in SYNONYMS.items() if same in known}
    known = synonyms | known
    lowered = [name.strip().lower() for name in source_names[:256]]
    named = [name not in IGNORED_NAMES for name in lowered]
    found = [
        known.get(name) if is_class else None
        for name, is_class in zip(lowered, named, strict=True)
    ]
    annotated = frozenset(index for index in found if index is not None)
    partial = other == 'complement' and len(annotated) < len(classes)
    table = np.full(256, UNLABELLED, np.uint8)
    for source_id, (name, index) in enumerate(zip(lowered, found, strict=True)):
        if index is not None:
            table[source_id] = index
        elif partial and name and name not in VOID_NAMES:
            table[source_id] = COMPLEMENT
    table[UNLABELLED] = UNLABELLED
    return table, annotated


def detection_table(
    classes: Sequence[ClassLabel], detection_classes: Sequence[str]
) -> dict[str, int]:
    """Map lower-case category names and aliases to detection class ids.

    Args:
        classes: The model's segmentation classes, for their aliases.
        detection_classes: Names of the detection classes.
    """
    ids = {name.lower(): index for index, name in enumerate(detection_classes)}
    table = {
        alias.lower(): ids[label.name.lower()]
        for label in classes
        for alias in label.aliases
        if label.name.lower() in ids
    }
    table |= ids
    return {name: table[known] for name, known in SYNONYMS.items() if known in table} | table
