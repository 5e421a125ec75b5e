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

"""Class lists: names, aliases, colours, and how a data set's classes map to a model's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

UNLABELLED = 255
MAX_CLASSES = 254
MAX_NAME_LENGTH = 128
IGNORED_NAMES = frozenset({'unlabelled', 'unlabeled', 'void', 'ignore', 'background'})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLabel:
    """One class.

    Attributes:
        name: Unique name, printable.
        aliases: Names other data sets use for it.
        colour: R, G, B, 0 to 255.
    """

    name: str
    aliases: tuple[str, ...] = ()
    colour: tuple[int, int, int] = (255, 255, 255)


DEFAULT_CLASSES: tuple[ClassLabel, ...] = (
    ClassLabel(name='road', colour=(128, 64, 128)),
    ClassLabel(name='sidewalk', aliases=('pavement',), colour=(244, 35, 232)),
    ClassLabel(name='building', colour=(70, 70, 70)),
    ClassLabel(name='fence', aliases=('guardrail',), colour=(190, 153, 153)),
    ClassLabel(name='pole', aliases=('column', 'column_pole'), colour=(153, 153, 153)),
    ClassLabel(name='sign', aliases=('sign_symbol', 'signsymbol'), colour=(220, 220, 0)),
    ClassLabel(name='vegetation', aliases=('tree',), colour=(107, 142, 35)),
    ClassLabel(name='sky', colour=(70, 130, 180)),
    ClassLabel(name='person', aliases=('pedestrian',), colour=(220, 20, 60)),
    ClassLabel(name='bicycle', aliases=('bike', 'bicyclist'), colour=(119, 11, 32)),
    ClassLabel(name='car', colour=(0, 0, 142)),
)
DEFAULT_DETECTION_CLASSES = ('person', 'bicycle', 'car')


def check_class_names(names: Sequence[str], where: str) -> None:
    """Refuse class lists that no mono8 mask or message can carry.

    Args:
        names: Class names in id order.
        where: File or key, for the message.

    Raises:
        ConfigError: Empty, duplicate, unprintable or overlong names; more than 254 classes.
    """
    if not 1 <= len(names) <= MAX_CLASSES:
        message = f'{len(names)} classes in {where}'
        raise ConfigError(message, hint=f'a label image holds 1 to {MAX_CLASSES} classes')
    for index, name in enumerate(names):
        if not name or len(name) > MAX_NAME_LENGTH or not name.isprintable():
            message = f'class name {name[:40]!r} on line {index + 1} of {where}'
            hint = f'names are printable and 1 to {MAX_NAME_LENGTH} characters long'
            raise ConfigError(message, hint=hint)
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if list(names).count(name) > 1})
        message = f'duplicate class names in {where}: {", ".join(twice)}'
        raise ConfigError(message, hint='give every class its own name')


def index_by_name(classes: Sequence[ClassLabel]) -> dict[str, int]:
    """Map every lower-case name and alias to its class id."""
    table: dict[str, int] = {}
    for index, label in enumerate(classes):
        for name in (label.name, *label.aliases):
            table.setdefault(name.lower(), index)
    return table


def lookup_table(source_names: Sequence[str], classes: Sequence[ClassLabel]) -> NDArray[np.uint8]:
    """Build the table that turns a data set's mask ids into a model's class ids.

    Args:
        source_names: Names of the data set's ids, in id order.
        classes: The model's classes.

    Returns:
        (256,) uint8; ids without a counterpart, and unlabelled or void ones, become 255.
    """
    table = np.full(256, UNLABELLED, np.uint8)
    known = index_by_name(classes)
    for source_id, name in enumerate(source_names[:256]):
        if name.lower() not in IGNORED_NAMES:
            table[source_id] = known.get(name.lower(), UNLABELLED)
    return table


def palette(classes: Sequence[ClassLabel]) -> NDArray[np.uint8]:
    """Return a (256, 3) uint8 RGB colour table; ids beyond the classes are black."""
    colours = np.zeros((256, 3), np.uint8)
    for index, label in enumerate(classes):
        colours[index] = label.colour
    return colours
