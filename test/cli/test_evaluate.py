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

"""``xspec evaluate``: keys, exit codes, and what a person reads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from xspec_ros.cli import evaluate
from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.datasets import Boxes, Sample, write_dataset


@pytest.fixture
def dataset(tmp_path):
    """Folder of three pictures by day and night."""
    rng = np.random.default_rng(0)
    samples = [
        Sample(
            name=f'{index}',
            thermal=rng.integers(0, 255, (32, 40)).astype(np.uint8),
            label_map=rng.integers(0, 11, (32, 40)).astype(np.uint8),
            boxes_thermal=Boxes.of([[2, 2, 20, 20]], [index]),
            day=index > 0,
            fold='val' if index else 'train',
        )
        for index in range(3)
    ]
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    return tmp_path / 'set'


def run(*arguments: object):
    app = typer.Typer(rich_markup_mode=None)
    app.command()(evaluate.command)
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_json_is_one_object_with_the_fixed_keys(tiny_bundle, dataset):
    result = run(tiny_bundle, dataset, '--fold', 'val', '--engine', 'onnxruntime', '--json')
    figures = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {'miou', 'map', 'map50', 'map75', 'per_class', 'pictures'} <= set(figures)
    assert figures['pictures'] == figures['day']['pictures'] == 2
    assert figures['night'] is None
    assert figures['per_class']['person']['ap50'] is None


def test_a_person_gets_a_table(tiny_bundle, dataset):
    result = run(tiny_bundle, dataset, '--engine', 'onnxruntime')
    assert result.exit_code == 0
    for word in ('3 pictures', 'mAP50', 'night', 'sidewalk', 'mIoU over road'):
        assert word in result.stdout


def test_a_damaged_picture_is_done_in_part(tiny_bundle, dataset):
    (dataset / 'thermal' / '1.png').write_bytes(b'torn')
    result = run(tiny_bundle, dataset, '--engine', 'onnxruntime', '--json')
    figures = json.loads(result.stdout)
    assert result.exit_code == 1
    assert figures['pictures'] == 2
    assert '1.png' in figures['error']['message']


@pytest.mark.parametrize(
    ('arguments', 'kind'),
    [
        (('--fold', 'test'), 'data'),
        (('--mode', 'rgb'), 'bundle'),
        (('--mode', 'infrared'), 'config'),
        (('--unlabelled', 'maybe'), 'config'),
        (('--engine', 'none'), 'engine'),
    ],
)
def test_what_cannot_be_evaluated_is_exit_two(tiny_bundle, dataset, arguments, kind):
    result = run(tiny_bundle, dataset, *arguments, '--json')
    assert result.exit_code == 2
    error = json.loads(result.stdout)['error']
    assert error['hint']
    assert error['kind'] == kind
