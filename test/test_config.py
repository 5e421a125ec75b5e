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

"""Strict YAML: what is taken, what is refused, and how the refusal reads."""

from __future__ import annotations

from typing import Annotated

from hypothesis import given, settings
from hypothesis import strategies as st
import msgspec
import pytest

from xspec_ros.config import convert, dump_yaml, load_struct, parse_struct, parse_yaml
from xspec_ros.core.labels import ClassLabel
from xspec_ros.errors import ConfigError


class Optimizer(msgspec.Struct, frozen=True, kw_only=True):
    lr: Annotated[float, msgspec.Meta(gt=0)] = 0.1
    steps: int = 3


class Flip(msgspec.Struct, frozen=True, kw_only=True, tag='flip'):
    share: float = 0.5


class Crop(msgspec.Struct, frozen=True, kw_only=True, tag='crop'):
    size: int = 32


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    optimizer: Optimizer = Optimizer()
    augment: list[Flip | Crop] = []
    classes: tuple[ClassLabel, ...] = ()
    sets: dict[str, Optimizer] = {}
    extra: Optimizer | None = None
    name: str = 'x'


def refusal(text: str, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_struct(text, Recipe, 'r.yaml', overrides=overrides)
    return str(caught.value)


def test_empty_text_is_all_defaults():
    assert parse_struct('# nothing\n', Recipe, 'r.yaml') == Recipe()


def test_a_file_holds_only_what_differs(tmp_path):
    path = tmp_path / 'recipe.yaml'
    path.write_text('optimizer: {lr: 1e-3}\nextra: {steps: 7}\n')
    recipe = load_struct(path, Recipe)
    assert recipe.optimizer == Optimizer(lr=0.001, steps=3)
    assert recipe.extra == Optimizer(steps=7)


@pytest.mark.parametrize(
    ('text', 'value'),
    [
        ('1e-3', 0.001),
        ('2E5', 2e5),
        ('1.5e3', 1500.0),
        ('.5', 0.5),
        ('010', 10),
        ('0x10', 16),
        ('1_000', 1000),
        ('12:30', '12:30'),
        ('no', 'no'),
        ('on', 'on'),
        ('true', True),
        ('2020-01-01', '2020-01-01'),
        ('~', None),
    ],
)
def test_scalars_are_read_as_in_yaml_1_2(text, value):
    read = parse_yaml(text, 'r.yaml')
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ('text', 'parts'),
    [
        ('optimzer: {}', ['unknown key optimzer', 'r.yaml', 'did you mean optimizer?']),
        ('optimizer: {lrr: 1}', ['optimizer.lrr', 'did you mean lr?']),
        ('sets: {a: {stepz: 1}}', ['sets.a.stepz', 'did you mean steps?']),
        ('augment: [{type: flip, shares: 1}]', ['augment[0].shares', 'did you mean share?']),
        ('augment: [{type: flap}]', ['flap', 'augment[0].type']),
        ('classes: [{name: a, color: [1, 2, 3]}]', ['classes[0].color', 'colour']),
        ('optimizer: {lr: fast}', ['optimizer.lr', "'fast'"]),
        ('optimizer: {lr: -1}', ['optimizer.lr', '-1']),
        ('optimizer: {steps: 1.5}', ['optimizer.steps', 'int']),
        ('name: 5', ['name', 'str']),
        ('name: a\nname: b', ["duplicate key 'name'", 'line 2']),
        ('optimizer: {lr: 1, lr: 2}', ["duplicate key 'lr'"]),
        ('optimizer: &a {lr: 1}\nextra: *a', ['aliases', 'line 2']),
        ('name: !!python/name:os.system x', ['tag']),
        ('name: [', ['line 1']),
        ('[1, 2]', ['top', 'r.yaml']),
        ('? [1]\n: 2', ['plain text']),
        ('name: \x00', ['not YAML']),
    ],
)
def test_refusals_name_key_place_and_remedy(text, parts):
    message = refusal(text)
    assert all(part in message for part in parts), message
    assert '\n' not in message


def test_overrides_reach_into_mappings_and_lists():
    recipe = parse_struct(
        'augment: [{type: crop}]',
        Recipe,
        'r.yaml',
        overrides=('optimizer.lr=1e-2', 'augment.0.size=8', 'sets.a.steps=2', 'name=b=c'),
    )
    assert recipe.optimizer.lr == 0.01
    assert recipe.augment == [Crop(size=8)]
    assert recipe.sets == {'a': Optimizer(steps=2)}
    assert recipe.name == 'b=c'


@pytest.mark.parametrize(
    'override', ['optimizer.lr', '=1', 'name.a=1', 'augment.0.size=1', 'optimizer.x=1']
)
def test_overrides_that_fit_nowhere_are_refused(override):
    refusal('name: a', (override,))


def test_overrides_leave_the_given_values_alone():
    given_values = {'optimizer': {'lr': 0.5}}
    convert(given_values, Recipe, 'here', overrides=['optimizer.lr=0.1'])
    assert given_values == {'optimizer': {'lr': 0.5}}


@pytest.mark.parametrize('content', [b'\xff\xfe', None])
def test_files_that_cannot_be_read_are_named(tmp_path, content):
    path = tmp_path / 'recipe.yaml'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r'recipe\.yaml'):
        load_struct(path, Recipe)


def test_deep_nesting_is_an_error_and_not_a_crash():
    refusal('[' * 5000)


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False),
    st.text(st.characters(codec='utf-8', exclude_categories=['Cs', 'Cc']), max_size=12),
    st.sampled_from(['1e3', '1_0', '0x1', 'true', 'null', '.5', '<<', '=', 'no', '12:30']),
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text('abc_', min_size=1, max_size=4), st.lists(scalars, max_size=4)))
def test_what_is_dumped_is_read_back(values):
    assert parse_yaml(dump_yaml(values), 'dump') == values


def test_structs_are_read_back_from_their_dump():
    recipe = Recipe(
        optimizer=Optimizer(lr=1e-10),
        augment=[Flip(share=0.25), Crop()],
        classes=(ClassLabel(name='1e3', colour=(1, 2, 3)),),
    )
    assert parse_struct(dump_yaml(recipe), Recipe, 'dump') == recipe
