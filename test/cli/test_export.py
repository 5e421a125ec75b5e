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

"""``xspec export``: checkpoint in, verified bundle out, and what the JSON says of it."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from xspec_ros.bundle.store import open_bundle
from xspec_ros.cli import export
from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.datasets import Boxes, Sample, write_dataset


def run(*arguments: object):
    app = typer.Typer(rich_markup_mode=None)
    app.command()(export.command)
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
    """Folder of three labelled noise pictures."""
    rng = np.random.default_rng(0)
    samples = [
        Sample(
            name=f'{index}',
            thermal=rng.integers(0, 255, (72, 96)).astype(np.uint8),
            label_map=np.zeros((72, 96), np.uint8),
            boxes_thermal=Boxes.of([[2, 2, 20, 20]], [0]),
            day=True,
            fold='val',
        )
        for index in range(3)
    ]
    folder = tmp_path_factory.mktemp('data') / 'set'
    write_dataset(samples, folder, DEFAULT_CLASSES)
    return folder


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    pytest.importorskip('torch')
    import torch

    from xspec_ros.learn.data.sources import Source
    from xspec_ros.learn.export.untrained import random_state
    from xspec_ros.learn.train.checkpoint import CheckpointInfo, save_checkpoint
    from xspec_ros.learn.train.recipe import InputSpec, NetworkSpec, Recipe

    torch.set_num_threads(1)
    arguments = {'num_classes': 11, 'num_detection_classes': 3, 'width': 0.25}
    recipe = Recipe(
        name='tried', data=(Source(dataset='set'),), input=InputSpec(network_hw=(96, 128))
    )
    info = CheckpointInfo(
        network=NetworkSpec(name='student', arguments=arguments),
        classes=DEFAULT_CLASSES,
        detection_classes=DEFAULT_DETECTION_CLASSES,
        recipe=msgspec.to_builtins(recipe),
        step=1,
        metrics={},
        data=[],
    )
    folder = tmp_path_factory.mktemp('run') / 'best'
    save_checkpoint(folder, random_state('student', arguments, 0), info)
    return folder


@pytest.fixture(scope='module')
def exported(checkpoint, dataset, tmp_path_factory):
    out = tmp_path_factory.mktemp('out') / 'model'
    result = run(checkpoint, '--out', out, '--precision', 'fp32,int8', '--data', dataset, '--json')
    return result, out


def test_every_engine_present_is_verified_on_the_data_given(exported):
    result, out = exported
    figures = json.loads(result.stdout)
    assert set(figures['engines']) >= {'onnxruntime', 'torch'}
    for row in figures['engines'].values():
        assert row['ok']
        assert row['label_agreement'] >= 0.999
        assert row['box_px'] <= 0.5
    assert figures['frames'] == 'set'
    assert figures['files'].keys() == open_bundle(out).manifest.files.keys()


def test_int8_passes_by_its_figures_or_is_left_out_with_exit_1(exported):
    result, out = exported
    figures = json.loads(result.stdout)
    variants = open_bundle(out).manifest.precisions
    if 'int8' in figures['dropped']:
        assert result.exit_code == 1
        assert set(variants) == {'fp32'}
        assert 'int8' in figures['error']['message']
    else:
        assert result.exit_code == 0
        assert any(row['ok'] for row in figures['precisions']['int8'].values())
        assert 'torch' not in variants['int8'].verified


def test_the_card_has_the_verification(exported):
    _, out = exported
    assert '| onnxruntime | fp32 |' in (out / 'README.md').read_text()


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--precision', 'int4'], 'int4'),
        (['--fold', 'val'], 'without --data'),
    ],
)
def test_bad_options_process_nothing(checkpoint, dataset, tmp_path, arguments, words):
    extra = [] if '--fold' in arguments else ['--data', dataset]
    result = run(checkpoint, '--out', tmp_path / 'model', *arguments, *extra, '--json')
    assert result.exit_code == 2
    assert words in json.loads(result.stdout)['error']['message']
    assert not (tmp_path / 'model').exists()


def test_a_folder_without_a_checkpoint_is_exit_2(tmp_path):
    result = run(tmp_path, '--out', tmp_path / 'model', '--json')
    assert result.exit_code == 2
    assert 'no checkpoint' in json.loads(result.stdout)['error']['message']


def test_a_data_set_that_is_absent_is_exit_2(checkpoint, tmp_path):
    result = run(checkpoint, '--out', tmp_path / 'model', '--data', tmp_path / 'absent', '--json')
    assert result.exit_code == 2
    assert 'absent' in json.loads(result.stdout)['error']['message']
