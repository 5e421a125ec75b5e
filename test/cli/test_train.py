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

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip('torch')

from xspec_ros.cli.train import command

RECIPE = """
name: tiny
data:
  - synth: {count: 2, seed: 1, size: [96, 64]}
network: {arguments: {width: 0.25}}
input: {network_hw: [64, 96]}
train: {steps: 2, batch_size: 2, crop_hw: [64, 64], precision: 32-true, device: cpu, log_every: 1}
"""


@pytest.fixture
def xspec(tmp_path, monkeypatch):
    import torch

    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tiny.yaml').write_text(RECIPE)
    app = typer.Typer()
    app.command()(command)
    return lambda *arguments: CliRunner().invoke(app, ['tiny.yaml', *arguments])


def test_a_run_prints_one_json_object(xspec, tmp_path):
    result = xspec('--json')
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said['steps'] == 2
    assert {'best', 'metrics', 'checkpoint'} <= set(said)
    assert (tmp_path / said['checkpoint'] / 'weights.safetensors').is_file()
    assert (tmp_path / 'runs' / 'tiny' / 'recipe.yaml').is_file()
    again = xspec('--json', '--resume', '--set', 'train.steps=3')
    assert json.loads(again.stdout)['steps'] == 3


def test_checking_trains_nothing(xspec, tmp_path):
    result = xspec('--check', '--json')
    assert result.exit_code == 0
    assert json.loads(result.stdout)['data'][0]['pictures'] == 2
    assert not (tmp_path / 'runs').exists()


def test_bad_data_is_listed_with_exit_code_1(xspec, tmp_path):
    (tmp_path / 'data').mkdir()
    result = xspec('--check', '--json', '--set', 'data=[{dataset: nowhere}]')
    assert result.exit_code == 1
    assert 'nowhere' in json.loads(result.stdout)['problems'][0]


@pytest.mark.parametrize(
    ('arguments', 'word'),
    [
        (['--set', 'train.stepps=3'], 'steps'),
        (['--set', 'data=[{dataset: nowhere}]'], 'data_root'),
        (['--resume'], 'resume'),
        (['--init', 'absent.safetensors'], 'absent'),
    ],
)
def test_what_cannot_work_ends_with_2_and_says_why(xspec, arguments, word):
    result = xspec('--json', *arguments)
    assert result.exit_code == 2
    error = json.loads(result.stdout)['error']
    assert word in error['message'] + error['hint']
