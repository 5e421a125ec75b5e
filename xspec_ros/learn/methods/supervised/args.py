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

"""Arguments of plain supervised training."""

from __future__ import annotations

from typing import Annotated, TYPE_CHECKING

import msgspec

from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Weight = Annotated[float, msgspec.Meta(ge=0)]


class SupervisedArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of the terms.

    Attributes:
        segmentation: Weight of the cross-entropy.
        complement: Weight of the loss on pixels known to be none of the annotated classes.
        box: Weight of the GIoU term; it is the smallest of the three by nature.
        objectness: Weight of the objectness term.
        classification: Weight of the box class term.
        class_weights: Weight of a pixel by the name of its class; 1 where not named.
    """

    segmentation: Weight = 1.0
    complement: Weight = 1.0
    box: Weight = 3.0
    objectness: Weight = 1.0
    classification: Weight = 1.0
    class_weights: dict[str, Weight] = {}


def weights_in_order(named: Mapping[str, float], class_names: Sequence[str]) -> list[float]:
    """Return the weight of every class in id order, 1 where none is named.

    Args:
        named: Weight by the name of a class.
        class_names: Classes in id order.

    Raises:
        ConfigError: A weight names an unknown class.
    """
    unknown = sorted(set(named) - set(class_names))
    if unknown:
        message = f'class_weights names unknown classes: {", ".join(unknown)}'
        raise ConfigError(message, hint=f'known: {", ".join(class_names)}')
    return [named.get(name, 1.0) for name in class_names]
