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

"""Launch files and parameter files: short, described, and true to the settings structs."""

from __future__ import annotations

import ast
from pathlib import Path
import re

import pytest

from xspec_ros.config import parse_yaml
from xspec_ros.core.radiometry import find_radiometry
from xspec_ros.nodes.settings import NodeSettings
from xspec_ros.nodes.vehicle import flatten
from xspec_ros.perception.parameters import build_settings, parameters_of

ROOT = Path(__file__).parent.parent
LAUNCH_FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
PARAMETER_FILES = [
    ROOT / 'config' / 'perception.yaml',
    *sorted((ROOT / 'config' / 'cameras').rglob('*.yaml')),
]
LICENCE_LINES = 14
MAX_LINES = 80


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parameters_in(text: str, where: str) -> dict[str, object]:
    """Return what a parameter file sets, for every node, by dotted name."""
    content = parse_yaml(text, where)
    if content is None:
        return {}
    assert isinstance(content, dict)
    assert list(content) == ['/**']
    assert list(content['/**']) == ['ros__parameters']
    return flatten(content['/**']['ros__parameters'])


def with_examples(text: str) -> str:
    """Return a parameter file with its commented keys taken in."""
    lines = text.splitlines()
    if '# /**:' in lines:
        return '\n'.join(line[2:] for line in lines[lines.index('# /**:') :])
    return re.sub(r'^( +)# ([a-z_.]+: )', r'\1\2', text, flags=re.MULTILINE)


@pytest.mark.parametrize('path', LAUNCH_FILES, ids=name_of)
def test_a_launch_file_is_short(path):
    assert len(path.read_text(encoding='utf-8').splitlines()) <= MAX_LINES + LICENCE_LINES


@pytest.mark.parametrize('path', LAUNCH_FILES, ids=name_of)
def test_every_launch_argument_is_described(path):
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition('.')[2] == 'DeclareLaunchArgument'
    ]
    assert calls
    bare = [ast.unparse(c) for c in calls if 'description' not in {k.arg for k in c.keywords}]
    assert bare == []


@pytest.mark.parametrize('path', LAUNCH_FILES, ids=name_of)
def test_only_the_vehicle_computes_what_it_launches(path):
    computes = 'OpaqueFunction' in path.read_text(encoding='utf-8')
    assert not computes or path.name == 'vehicle.launch.py'


@pytest.mark.parametrize('path', PARAMETER_FILES, ids=name_of)
def test_a_parameter_file_has_only_known_keys_and_good_values(path):
    text = path.read_text(encoding='utf-8')
    for wanted in (text, with_examples(text)):
        values = parameters_in(wanted, name_of(path))
        settings = build_settings(NodeSettings, values, name_of(path))
        find_radiometry(settings.radiometry)


@pytest.mark.parametrize('path', PARAMETER_FILES, ids=name_of)
def test_a_parameter_file_has_examples(path):
    text = path.read_text(encoding='utf-8')
    assert parameters_in(with_examples(text), name_of(path)) != parameters_in(text, name_of(path))


@pytest.mark.parametrize('path', PARAMETER_FILES, ids=name_of)
def test_a_parameter_file_repeats_no_default(path):
    defaults = {parameter.name: parameter.default for parameter in parameters_of(NodeSettings)}
    values = parameters_in(path.read_text(encoding='utf-8'), name_of(path))
    assert [key for key, value in values.items() if value == defaults[key]] == []


@pytest.mark.parametrize('kind', ['thermal', 'rgb'])
def test_a_camera_file_concerns_its_own_camera_only(kind):
    other = {'thermal': 'rgb', 'rgb': 'thermal'}[kind]
    for path in (ROOT / 'config' / 'cameras' / kind).glob('*.yaml'):
        values = parameters_in(with_examples(path.read_text(encoding='utf-8')), name_of(path))
        assert f'{kind}.topic' in values or path.stem == 'any'
        assert not any(key.startswith(f'{other}.') for key in values)
