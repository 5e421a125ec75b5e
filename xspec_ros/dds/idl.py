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

"""DDS types made at run time from the ROS 2 message definitions; samples stay raw CDR.

The C layer needs the full type (it checks every message against it and announces it to peers),
but Python never takes a message apart: a sample carries the bytes that ROS 2 would send.
This module goes without postponed annotations, which cyclonedds cannot resolve.
"""

from functools import cache
from typing import Any, cast, Protocol

from cyclonedds.idl import annotations, IdlStruct, make_idl_struct, types
from rosbags.interfaces import Nodetype

from xspec_ros.messages.typestore import definition, typestore

# The binding's type aliases are indexed at run time in ways its annotations do not know.
idl_types = cast('Any', types)

BASE_TYPES: dict[str, Any] = {
    'bool': bool,
    'byte': types.byte,
    'char': types.uint8,
    'int8': types.int8,
    'uint8': types.uint8,
    'int16': types.int16,
    'uint16': types.uint16,
    'int32': types.int32,
    'uint32': types.uint32,
    'int64': types.int64,
    'uint64': types.uint64,
    'float32': types.float32,
    'float64': types.float64,
}
EMPTY_STRUCT = 'structure_needs_at_least_one_member'


class RawSample(Protocol):
    """A message of any type as CDR bytes, encapsulation header included."""

    cdr: bytes


def wrap(kind: type[RawSample], cdr: bytes) -> RawSample:
    """Return a sample of a type made by ``idl_type`` around ready-made CDR."""
    sample = kind.__new__(kind)
    sample.cdr = cdr
    return sample


def _serialize(sample: RawSample, *_: object, **__: object) -> bytes:
    """Hand the bytes through; cyclonedds asks for exactly ``bytes``."""
    return sample.cdr


def _deserialize(kind: type[RawSample], /, data: bytes, *_: object, **__: object) -> RawSample:
    """Keep the bytes as received."""
    return wrap(kind, data)


def dds_type_name(ros_type: str) -> str:
    """Return the DDS name of a ROS type: ``sensor_msgs::msg::dds_::Image_``."""
    package, kind, name = ros_type.split('/')
    return f'{package}::{kind}::dds_::{name}_'


def ros_type_name(dds_type: str) -> str:
    """Return the ROS name of a DDS type, or the text itself where it is none of ROS's."""
    parts = dds_type.split('::')
    if len(parts) == 4 and parts[2] == 'dds_' and parts[3].endswith('_'):
        return f'{parts[0]}/{parts[1]}/{parts[3][:-1]}'
    return dds_type


@cache
def idl_type(ros_type: str) -> type[RawSample]:
    """Return the DDS type of a ROS message.

    Args:
        ros_type: Type name with ``/msg/``.

    Returns:
        A class whose samples hold CDR bytes.

    Raises:
        DataError: The type is not known here.
    """
    definition(ros_type)
    made = cast('Any', _struct(ros_type, raw=True))
    # Inheriting the methods would not do: cyclonedds takes every base class for an IDL type.
    # Without deserialize_key, taking samples fails as soon as a writer leaves.
    made.serialize = _serialize
    made.deserialize = classmethod(_deserialize)
    made.deserialize_key = classmethod(_deserialize)
    return cast('type[RawSample]', made)


@cache
def _struct(ros_type: str, *, raw: bool = False) -> type[IdlStruct]:
    fields = {
        f'{name}_': _field(description)
        for name, description in cast('Any', typestore().fielddefs[ros_type][1])
    }
    made = make_idl_struct(
        ros_type.rpartition('/')[2] + '_',
        dds_type_name(ros_type).replace('::', '.'),
        fields or {EMPTY_STRUCT: types.uint8},
        dataclassify=not raw,
    )
    return annotations.final(made)


def _field(description: object) -> object:
    """Translate one field of a rosbags definition."""
    kind, detail = cast('tuple[int, Any]', description)
    if kind == Nodetype.NAME:
        return _struct(detail)
    if kind == Nodetype.BASE:
        name, limit = detail
        if name == 'string':
            return idl_types.bounded_str[limit] if limit else str
        return BASE_TYPES[name]
    element, length = detail
    if kind == Nodetype.ARRAY:
        return idl_types.array[_field(element), length]
    return idl_types.sequence[(_field(element), length) if length else _field(element)]
