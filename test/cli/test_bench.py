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

"""``xspec bench``: every engine in a process of its own."""

from __future__ import annotations

import json

import typer
from typer.testing import CliRunner

from xspec_ros.cli import bench


def run(*arguments: object):
    app = typer.Typer(rich_markup_mode=None)
    app.command()(bench.command)
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_json_has_the_fixed_keys(tiny_bundle):
    result = run(
        tiny_bundle, '--engine', 'onnxruntime', '--size', '160x120', '--frames', 5, '--json'
    )
    assert result.exit_code == 0
    row = json.loads(result.stdout)['engines']['onnxruntime']
    assert set(row['latency_ms']) >= {'decode', 'infer', 'encode', 'total'}
    assert row['latency_ms']['infer']['p50'] > 0
    assert row['fps'] > 0
    assert row['cpu_s_per_frame'] > 0
    assert row['rss_mb'] > 10


def test_an_engine_that_is_not_there_is_named(tiny_bundle):
    result = run(tiny_bundle, '--engine', 'caffe', '--frames', 1, '--json')
    assert result.exit_code == 2
    assert 'caffe' in json.loads(result.stdout)['error']['message']
