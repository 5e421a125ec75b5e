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

"""What a settings struct says about its parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct
import pytest

from xspec_ros.errors import ConfigError
from xspec_ros.nodes.settings import NodeSettings
from xspec_ros.perception.parameters import build_settings, Parameter, parameters_of
from xspec_ros.perception.settings import Settings


class Inner(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topic: Annotated[str, Meta(description='A topic.')] = '/a'


class Outer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    inner: Inner = Inner()
    gain: Annotated[float, Meta(description='Gain.', gt=0.0, le=2.0)] = 1.0
    limit: Annotated[float | None, Meta(description='Limit.', extra={'change': 'live'})] = None
    span: Annotated[tuple[float, float] | None, Meta(description='Span.')] = None
    kind: Annotated[Literal['x', 'y'], Meta(description='Kind.')] = 'x'
    number: Annotated[int, Meta(description='Number.', ge=0, le=9)] = 3
    flag: Annotated[bool, Meta(description='Flag.')] = False


def by_name() -> dict[str, Parameter]:
    return {parameter.name: parameter for parameter in parameters_of(Outer)}


def test_nested_structs_become_dotted_names_in_order() -> None:
    assert list(by_name()) == ['inner.topic', 'gain', 'limit', 'span', 'kind', 'number', 'flag']


def test_ranges_choices_and_change_are_read_from_the_type() -> None:
    found = by_name()
    assert found['gain'].minimum is not None
    assert 0.0 < found['gain'].minimum < 1e-300
    assert (found['gain'].maximum, found['gain'].change) == (2.0, 'configure')
    assert (found['limit'].optional, found['limit'].change) == (True, 'live')
    assert found['kind'].choices == ('x', 'y')
    assert [found[name].kind for name in ('span', 'number', 'flag')] == [
        'numbers',
        'integer',
        'flag',
    ]


@given(gain=st.floats(0.01, 2.0), number=st.integers(0, 9))
def test_values_come_back_as_they_were_given(gain: float, number: int) -> None:
    values = {'inner.topic': '/b', 'gain': gain, 'number': number, 'limit': None}
    built = build_settings(Outer, values, 'test')
    assert (built.inner.topic, built.gain, built.number, built.limit) == ('/b', gain, number, None)


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'gian': 1.0}, 'unknown parameter gian.*did you mean gain'),
        ({'gain': 3.0}, 'gain'),
        ({'gain': float('nan')}, 'gain is nan.*finite'),
        ({'span': [1.0, float('inf')]}, 'span'),
        ({'kind': 'z'}, 'kind'),
        ({'number': True}, 'number'),
        ({'flag': 1}, 'flag'),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build_settings(Outer, values, 'test')


def test_integers_are_taken_for_numbers() -> None:
    assert build_settings(Outer, {'gain': 2, 'span': [1, 2]}, 'test').span == (1.0, 2.0)


def test_the_defaults_of_the_node_are_those_of_every_door() -> None:
    assert build_settings(Settings, {}, 'test') == Settings()
    extra = {p.name for p in parameters_of(NodeSettings)} - {
        p.name for p in parameters_of(Settings)
    }
    assert extra == {'autostart'}


def test_every_parameter_of_the_node_is_described() -> None:
    assert [p.name for p in parameters_of(NodeSettings) if not p.description] == []
