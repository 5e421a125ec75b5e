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

"""Strict YAML to and from typed structs: an unknown or duplicate key or wrong type is an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import difflib
from pathlib import Path
import re
from typing import Any, TypeVar

import msgspec
from msgspec import inspect
import yaml

from xspec_ros.errors import ConfigError

T = TypeVar('T')

MAX_CONFIG_BYTES = 4 * 2**20
_FLOAT = re.compile(
    r'^[-+]?(?:(?:\d[\d_]*\.[\d_]*|\.\d[\d_]*|\d[\d_]*)(?:[eE][-+]?\d+)?|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$'
)
_INT = re.compile(r'^(?:[-+]?\d[\d_]*|0x[0-9a-fA-F]+|0b[01]+)$')


def load_struct(path: str | Path, type_: type[T], *, overrides: Sequence[str] = ()) -> T:
    """Read a YAML file into a typed struct.

    Args:
        path: The file.
        type_: A msgspec struct (or any type msgspec can check).
        overrides: ``key=value`` texts with dotted keys, applied over the file.

    Returns:
        The struct; what the file leaves out has its default.

    Raises:
        ConfigError: The file is missing, no YAML, or does not fit the type.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            message = f'{path} is larger than {MAX_CONFIG_BYTES} bytes'
            raise ConfigError(message, hint='give a configuration file')
        text = path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        message = f'cannot read {path}: {error}'
        raise ConfigError(message, hint='give the path of a readable YAML file') from error
    return parse_struct(text, type_, str(path), overrides=overrides)


def parse_struct(text: str, type_: type[T], where: str, *, overrides: Sequence[str] = ()) -> T:
    """Parse YAML text into a typed struct.

    Args:
        text: The YAML text; empty text means all defaults.
        type_: The struct type.
        where: File or source, for messages.
        overrides: ``key=value`` texts with dotted keys.

    Raises:
        ConfigError: The text is no YAML or does not fit the type.
    """
    content = parse_yaml(text, where)
    return convert({} if content is None else content, type_, where, overrides=overrides)


def parse_yaml(text: str, where: str) -> object:
    """Parse one YAML document: YAML 1.2 scalars, no duplicate keys, no aliases, no tags.

    Args:
        text: The YAML text.
        where: File or source, for messages.

    Raises:
        ConfigError: The text cannot be parsed; the message names the line.
    """
    try:
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        line = f', line {error.problem_mark.line + 1}' if error.problem_mark else ''
        message = f'{error.problem or error.context} in {where}{line}'
        raise ConfigError(message, hint='correct the YAML there') from error
    except (yaml.YAMLError, ValueError) as error:
        message = f'{where} is not YAML: {str(error).splitlines()[0]}'
        raise ConfigError(message, hint='correct the YAML there') from error
    except RecursionError as error:
        message = f'{where} is nested too deeply'
        raise ConfigError(message, hint='flatten the YAML') from error


def convert(obj: object, type_: type[T], where: str, *, overrides: Sequence[str] = ()) -> T:
    """Check plain values against a type and build it.

    Args:
        obj: Mappings, lists and scalars.
        type_: The struct type.
        where: File or source, for messages.
        overrides: ``key=value`` texts with dotted keys; values are YAML.

    Raises:
        ConfigError: An unknown key (with the nearest valid one) or a value of the wrong type
            or range; the message names the key.
    """
    content = _override(obj, overrides) if overrides else obj
    _refuse_unknown(inspect.type_info(type_), content, '', where)
    try:
        return msgspec.convert(content, type_)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(' - at ')
        key = place.strip('`').removeprefix('$').lstrip('.')
        message = f'{what[:1].lower()}{what[1:]} at {key or "the top"} of {where}'
        raise ConfigError(message, hint=_hint(content, key)) from error


def dump_yaml(value: object) -> str:
    """Return a struct (or plain values) as YAML that ``parse_struct`` reads back.

    Args:
        value: A msgspec struct, dataclass or plain value.
    """
    plain = msgspec.to_builtins(value)
    return str(yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=99))


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2 scalars that refuses duplicate keys and aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:  # noqa: ANN401
        """Compose one node; an alias is an error, so values cannot be cyclic or explode."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # stub lacks it
            problem = 'aliases are not allowed'
            raise yaml.constructor.ConstructorError(None, None, problem, mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a mapping with text keys, each given once."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = key_node.value
            if not isinstance(key_node, yaml.ScalarNode):
                problem = 'a key must be plain text'
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            if key in seen:
                problem = f'duplicate key {key!r}'
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """SafeDumper that quotes what the strict loader would read as another type."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Write every value out: the loader takes no aliases."""
        return True


for _tag, _pattern, _first in (
    ('bool', re.compile(r'^(?:true|True|TRUE|false|False|FALSE)$'), list('tTfF')),
    ('null', re.compile(r'^(?:~|null|Null|NULL|)$'), ['~', 'n', 'N', '']),
    ('int', _INT, list('-+0123456789')),
    ('float', _FLOAT, list('-+.0123456789')),
):
    for _class in (_StrictLoader, _Dumper):
        _class.add_implicit_resolver(f'tag:yaml.org,2002:{_tag}', _pattern, _first)


def _decimal_int(loader: _StrictLoader, node: yaml.ScalarNode) -> int:
    """Read an integer; a leading zero is no octal number."""
    text = loader.construct_scalar(node).replace('_', '')
    return int(text, 0) if text[:2] in {'0x', '0b'} else int(text)


def _float(loader: _StrictLoader, node: yaml.ScalarNode) -> float:
    return float(
        loader.construct_scalar(node)
        .replace('_', '')
        .lower()
        .replace('.inf', 'inf')
        .replace('.nan', 'nan')
    )


_StrictLoader.add_constructor('tag:yaml.org,2002:int', _decimal_int)
_StrictLoader.add_constructor('tag:yaml.org,2002:float', _float)


def _override(obj: object, overrides: Sequence[str]) -> object:
    """Return a copy of plain values with ``a.b=1`` texts applied."""
    content = _copy(obj)
    for text in overrides:
        key, equals, value = text.partition('=')
        if not equals or not key.strip():
            message = f'override {text!r} is not key=value'
            raise ConfigError(message, hint='write for example --set optimizer.lr=1e-3')
        _put(content, key.strip().split('.'), parse_yaml(value, f'--set {text}'), text)
    return content


def _copy(obj: object) -> object:
    if isinstance(obj, Mapping):
        return {key: _copy(value) for key, value in obj.items()}
    if isinstance(obj, list | tuple):
        return [_copy(value) for value in obj]
    return obj


def _put(content: object, keys: list[str], value: object, text: str) -> None:
    """Set one value inside nested mappings and lists, making mappings on the way."""
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        if isinstance(content, dict):
            if last:
                content[key] = value
            elif content.get(key) is None:
                content[key] = {}
            content = content[key]
        elif isinstance(content, list) and key.isdigit() and int(key) < len(content):
            if last:
                content[int(key)] = value
            content = content[int(key)]
        else:
            message = f'override {text!r}: {".".join(keys[:depth]) or "the top"} has no {key!r}'
            raise ConfigError(message, hint='name a key of a mapping or an index of a list')


def _refuse_unknown(info: inspect.Type, obj: object, key: str, where: str) -> None:
    """Walk type and values together; raise at the first key that the type does not have."""
    if isinstance(info, inspect.Metadata):
        _refuse_unknown(info.type, obj, key, where)
    elif isinstance(info, inspect.UnionType):
        _refuse_unknown_in_union(info, obj, key, where)
    elif isinstance(info, inspect.StructType | inspect.DataclassType) and isinstance(obj, Mapping):
        _refuse_unknown_field(info, obj, key, where)
    elif isinstance(info, inspect.DictType) and isinstance(obj, Mapping):
        for name, value in obj.items():
            _refuse_unknown(info.value_type, value, f'{key}.{name}'.lstrip('.'), where)
    elif isinstance(info, inspect.ListType | inspect.VarTupleType) and isinstance(obj, list):
        for index, value in enumerate(obj):
            _refuse_unknown(info.item_type, value, f'{key}[{index}]', where)
    elif isinstance(info, inspect.TupleType) and isinstance(obj, list):
        for index, (item_type, value) in enumerate(zip(info.item_types, obj, strict=False)):
            _refuse_unknown(item_type, value, f'{key}[{index}]', where)


def _refuse_unknown_in_union(info: inspect.UnionType, obj: object, key: str, where: str) -> None:
    """Check the one member of a union that the value's shape or tag points to."""
    members: Sequence[inspect.Type] = [
        member for member in info.types if not isinstance(member, inspect.NoneType)
    ]
    if isinstance(obj, Mapping):
        structs = [m for m in members if isinstance(m, inspect.StructType) and m.tag_field]
        if structs:
            members = [m for m in structs if obj.get(m.tag_field) == m.tag]
    if len(members) == 1:
        _refuse_unknown(members[0], obj, key, where)


def _refuse_unknown_field(
    info: inspect.StructType | inspect.DataclassType,
    obj: Mapping[object, object],
    key: str,
    where: str,
) -> None:
    fields = {field.encode_name: field.type for field in info.fields}
    tag = info.tag_field if isinstance(info, inspect.StructType) else None
    for name, value in obj.items():
        place = f'{key}.{name}'.lstrip('.')
        if name in fields:
            _refuse_unknown(fields[str(name)], value, place, where)
        elif name != tag:
            message = f'unknown key {place} in {where}'
            raise ConfigError(message, hint=nearest(str(name), list(fields)))


def nearest(name: str, known: Sequence[str]) -> str:
    """Return a hint that offers the known names nearest to a wrong one.

    Args:
        name: The wrong name.
        known: The valid names.
    """
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f'did you mean {" or ".join(near)}?'
    return f'known: {", ".join(sorted(known)) or "none"}'


def _hint(content: object, key: str) -> str:
    """Show the offending value."""
    value = content
    for token in re.findall(r'[^.\[\]]+', key):
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            return 'correct that key'
    return f'the value given is {str(value)[:80]!r}' if key else 'give a mapping of keys to values'
