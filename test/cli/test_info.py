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
