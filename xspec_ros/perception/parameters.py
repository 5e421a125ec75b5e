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

"""What a settings struct says about its parameters, flat: for ROS, the docs and checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
import math
from typing import Annotated, get_args, get_origin, get_type_hints, Literal, TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Meta, Struct

from xspec_ros.config import convert, nearest
from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal['text', 'integer', 'number', 'flag', 'numbers']
S = TypeVar('S', bound=Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a struct, nested structs flattened with dots.

    Attributes:
        name: Dotted name.
        kind: What its value is.
        default: Default; None where the parameter may stay unset.
        description: Its meaning.
        minimum: Smallest value, None without.
        maximum: Largest value, None without.
        choices: Valid values as text; empty for any.
        optional: It may stay unset.
        change: When it may change: ``live`` at any time, ``configure`` while unconfigured,
            ``start`` never.
    """

    name: str
    kind: Kind
    default: object
    description: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    optional: bool
    change: str


def parameters_of(struct: type[Struct], prefix: str = '') -> tuple[Parameter, ...]:
    """Return every parameter of a settings struct, in its order.

    Args:
        struct: Struct whose fields are ``Annotated[type, Meta(...)]`` or structs of such.
        prefix: Put before every name.
    """
    found: list[Parameter] = []
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, Struct):
            found += parameters_of(hint, prefix=f'{prefix}{field.name}.')
        else:
            found.append(_parameter(f'{prefix}{field.name}', hint, field.default))
    return tuple(found)


def build_settings(struct: type[S], values: Mapping[str, object], where: str) -> S:
    """Return the checked struct made of dotted names and values.

    Args:
        struct: The settings struct.
        values: Values by dotted name; None leaves the default.
        where: Source, for messages.

    Raises:
        ConfigError: An unknown name, or a value of the wrong type or out of its range.
    """
    known = {parameter.name: parameter for parameter in parameters_of(struct)}
    nested: dict[str, object] = {}
    for name, value in values.items():
        if name not in known:
            message = f'unknown parameter {name} in {where}'
            raise ConfigError(message, hint=nearest(name, list(known)))
        if value is not None:
            _put(nested, name, _checked(known[name], value, where))
    return convert(nested, struct, where)


def _checked(parameter: Parameter, value: object, where: str) -> object:
    """Refuse NaN and infinity, which pass every comparison; widen integers to numbers."""
    if parameter.kind == 'number' and type(value) is int:
        value = float(value)
    if parameter.kind == 'numbers' and isinstance(value, Iterable) and not isinstance(value, str):
        value = [float(item) for item in value]
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        message = f'parameter {parameter.name} is {value} in {where}'
        raise ConfigError(message, hint='give a finite number')
    return value


def _put(nested: dict[str, object], name: str, value: object) -> None:
    head, _, rest = name.partition('.')
    if not rest:
        nested[head] = value
        return
    inner = nested.setdefault(head, {})
    if isinstance(inner, dict):
        _put(inner, rest, value)


def _parameter(name: str, hint: object, default: object) -> Parameter:
    annotated, meta = _split(hint)
    type_, optional = _without_none(annotated)
    type_, limits = _split(type_)  # limits of an optional value stand on the value
    limits = limits if limits != Meta() else meta
    kind, choices = _kind(type_)
    low = limits.ge if limits.gt is None else math.nextafter(limits.gt, math.inf)
    return Parameter(
        name=name,
        kind=kind,
        default=default,
        description=meta.description or '',
        minimum=low,
        maximum=limits.le,
        choices=choices,
        optional=optional,
        change=str((meta.extra or {}).get('change', 'configure')),
    )


def _split(hint: object) -> tuple[object, Meta]:
    """Return type and description of ``Annotated[type, Meta(...)]``; of others an empty one."""
    if get_origin(hint) is not Annotated:
        return hint, Meta()
    type_, meta = get_args(hint)
    return type_, meta


def _without_none(hint: object) -> tuple[object, bool]:
    members = [member for member in get_args(hint) if member is not type(None)]
    if type(None) in get_args(hint) and len(members) == 1:
        return members[0], True
    return hint, False


def _kind(hint: object) -> tuple[Kind, tuple[str, ...]]:
    plain: dict[object, Kind] = {str: 'text', bool: 'flag', int: 'integer', float: 'number'}
    if hint in plain:
        return plain[hint], ()
    if get_origin(hint) is not Literal:
        return 'numbers', ()
    members = get_args(hint)
    kind: Kind = 'text' if isinstance(members[0], str) else 'integer'
    return kind, tuple(str(member) for member in members)
