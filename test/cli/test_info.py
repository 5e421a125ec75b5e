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

"""``xspec info``: the model card, for people and programs."""

from __future__ import annotations

import json

import typer
from typer.testing import CliRunner

from xspec_ros.cli import info


def run(*arguments: object):
    app = typer.Typer(rich_markup_mode=None)
    app.command()(info.command)
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_json_has_the_fixed_keys(tiny_bundle):
    result = run(tiny_bundle, '--json')
    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {'name', 'tasks', 'classes', 'inputs', 'metrics', 'provenance'} <= data.keys()
    assert data['classes'][8] == 'person'
    assert data['inputs']['bits'] == [8, 16]
    assert len(data['hash']) == 64


def test_a_person_gets_the_card(tiny_bundle):
    assert '## Intended use' in run(tiny_bundle).stdout


def test_a_missing_model_is_exit_2(tmp_path):
    result = run(tmp_path / 'absent', '--json')
    assert result.exit_code == 2
    assert json.loads(result.stdout)['error']['kind'] == 'bundle'
