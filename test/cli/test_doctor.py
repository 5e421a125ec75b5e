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

"""``xspec doctor``: findings, and the command behind every problem."""

from __future__ import annotations

import json

import typer
from typer.testing import CliRunner

from xspec_ros.cli import doctor


def run(*arguments: object):
    app = typer.Typer(rich_markup_mode=None)
    app.command()(doctor.command)
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_json_has_the_fixed_keys():
    result = run('--json')
    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {'engines', 'ros', 'dds', 'problems'} <= data.keys()
    assert data['engines']['onnxruntime'] == 'ok'
    assert data['versions']['numpy']


def test_a_receive_buffer_below_two_images_comes_with_the_command():
    problems = json.loads(run('--largest-image', 10**9, '--json').stdout)['problems']
    assert any('sudo sysctl -w net.core.rmem_max=' in problem for problem in problems)


def test_a_person_reads_what_to_add():
    assert 'engines' in run().stdout
