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

"""The ROS 2 types this package speaks: one rosbags store, type hashes, definitions for files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

DEFINITIONS = Path(__file__).parent / 'definitions'


@cache
def typestore() -> Typestore:
    """Return the one store: ROS 2 Jazzy, vision_msgs 4.x and foxglove_msgs' image annotations.

    Returns:
        A rosbags store; treat it as read-only, it is shared by the whole process.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in sorted(DEFINITIONS.glob('*/*.msg')):
        name = f'{path.parent.name}/msg/{path.stem}'
        store.register(get_types_from_msg(path.read_text(encoding='utf-8'), name))
    return store


def is_known(name: str) -> bool:
    """Tell whether the store has this type, for example ``sensor_msgs/msg/Image``."""
    return name in typestore().fielddefs


@cache
def type_hash(name: str) -> str:
    """Return the ``RIHS01_…`` hash that ROS 2 Iron and later put beside a type name.

    Args:
        name: Type name with ``/msg/``.

    Raises:
        DataError: The type is not known here.
    """
    _require(name)
    return typestore().hash_rihs01(name)


@cache
def definition(name: str) -> str:
    """Return the ``ros2msg`` definition text of a type, its parts included, as MCAP stores it.

    Args:
        name: Type name with ``/msg/``.

    Raises:
        DataError: The type is not known here.
    """
    _require(name)
    return typestore().generate_msgdef(name, ros_version=2)[0]


def _require(name: str) -> None:
    if not is_known(name):
        message = f'unknown message type {name!r}'
        raise DataError(
            message, hint='write it as package/msg/Type, for example sensor_msgs/msg/Image'
        )
