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
import os
import signal

import pytest
from safetensors.torch import load_file
import torch

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.train import run as run_module
from xspec_ros.learn.train.checkpoint import load_checkpoint
from xspec_ros.learn.train.run import run_recipe, RunOptions


def weights(folder):
    return load_file(folder / 'last' / 'weights.safetensors')


def state(folder):
    return load_file(folder / 'last' / 'state.safetensors')


def equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize('settings', [(), ('train.precision=bf16-mixed', 'train.accumulate=2')])
def test_a_stopped_run_goes_on_bit_by_bit(toy_recipe, tmp_path, monkeypatch, settings):
    recipe = toy_recipe(*settings)
    run_recipe(recipe, RunOptions(out=tmp_path / 'whole'))

    steps = run_module.Journal.step

    def interrupting(journal, step, terms, *, lr):
        steps(journal, step, terms, lr=lr)
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(run_module.Journal, 'step', interrupting)
    stopped = run_recipe(recipe, RunOptions(out=tmp_path / 'parts'))
    monkeypatch.undo()
    assert (stopped.steps, stopped.finished) == (3, False)
    done = run_recipe(recipe, RunOptions(out=tmp_path / 'parts', resume=True))
    assert (done.steps, done.finished) == (6, True)
    assert equal(weights(tmp_path / 'whole'), weights(tmp_path / 'parts'))
    assert equal(state(tmp_path / 'whole'), state(tmp_path / 'parts'))


def test_two_runs_of_one_recipe_are_equal(toy_recipe, tmp_path):
    recipe = toy_recipe('train.steps=2')
    for name in ('one', 'two'):
        run_recipe(recipe, RunOptions(out=tmp_path / name))
    assert equal(weights(tmp_path / 'one'), weights(tmp_path / 'two'))


PLAIN = (
    'photo={percentile: 0, gain: 0, offset: 0, gamma: 1, equalise: 0, invert: 0, noise: 0, '
    'fixed_pattern: 0, blur: 0, erase: 0}',
    'crop={scale: [1.0, 1.0], aspect: 1.0, flip: 0, focus: 0}',
    'input.network_hw=[64, 96]',
    'train={steps: 200, batch_size: 4, crop_hw: [64, 96], precision: 32-true, device: cpu, '
    'lr: 4e-3, warmup: 10, ema_decay: 0.9, log_every: 1, eval_every: 200, save_every: 200}',
)


def test_four_pictures_can_be_learnt_by_heart(toy_recipe, tmp_path):
    recipe = toy_recipe(*PLAIN, 'validation=[{dataset: toy}]')
    losses = []
    record = run_module.Journal.step

    def recording(journal, step, terms, *, lr):
        losses.append(sum(float(term) for term in terms.values()))
        record(journal, step, terms, lr=lr)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module.Journal, 'step', recording)
        report = run_recipe(recipe, RunOptions(out=tmp_path / 'run'))
    assert sum(losses[-5:]) < 0.2 * sum(losses[:5])
    assert report.metrics['map50'] > 0.9
    assert report.metrics['miou'] > 0.8
    assert report.best_step == 200
    loaded = load_checkpoint(report.checkpoint)
    assert loaded.info.step == 200
    assert loaded.info.metrics['map50'] == report.metrics['map50']


def test_a_loss_that_is_not_finite_stops_before_the_step(toy_recipe, tmp_path):
    recipe = toy_recipe('train.lr=1e30', 'train.warmup=0', 'train.clip_norm=1e30')
    with pytest.raises(DataError, match='not finite at step') as caught:
        run_recipe(recipe, RunOptions(out=tmp_path / 'run'))
    (saved,) = (tmp_path / 'run').glob('nonfinite_step_*.safetensors')
    assert saved.name in str(caught.value)
    assert load_file(saved)['thermal'].shape == (2, 1, 64, 96)


def test_a_run_folder_is_not_overwritten(toy_recipe, tmp_path):
    recipe = toy_recipe('train.steps=1')
    run_recipe(recipe, RunOptions(out=tmp_path / 'run'))
    with pytest.raises(ConfigError, match='--resume'):
        run_recipe(recipe, RunOptions(out=tmp_path / 'run'))


def test_another_recipe_cannot_be_resumed(toy_recipe, tmp_path):
    run_recipe(toy_recipe('train.steps=1'), RunOptions(out=tmp_path / 'run'))
    other = toy_recipe('train.steps=1', 'seed=5', 'train.lr=1e-4')
    with pytest.raises(ConfigError, match='seed, train'):
        run_recipe(other, RunOptions(out=tmp_path / 'run', resume=True))


def test_a_key_that_is_new_since_the_run_began_has_its_default(toy_recipe, tmp_path):
    place = tmp_path / 'run'
    run_recipe(toy_recipe('train.steps=1'), RunOptions(out=place))
    info = place / 'last' / 'checkpoint.json'
    told = json.loads(info.read_text())
    del told['recipe']['train']['schedule']
    info.write_text(json.dumps(told))
    resumed = run_recipe(toy_recipe('train.steps=1'), RunOptions(out=place, resume=True))
    assert resumed.finished
    other = toy_recipe('train.steps=1', 'train.schedule=poly')
    info.write_text(json.dumps(told))
    with pytest.raises(ConfigError, match='train'):
        run_recipe(other, RunOptions(out=place, resume=True))


def test_nothing_to_resume_is_an_error(toy_recipe, tmp_path):
    with pytest.raises(DataError, match='nothing to resume'):
        run_recipe(toy_recipe(), RunOptions(out=tmp_path / 'run', resume=True))


def test_initial_weights_are_taken(toy_recipe, tmp_path):
    run_recipe(toy_recipe('train.steps=1'), RunOptions(out=tmp_path / 'first'))
    source = tmp_path / 'first' / 'last' / 'weights.safetensors'
    still = toy_recipe('train.steps=1', 'train.lr=1e-12', 'train.warmup=0', 'seed=9')
    run_recipe(still, RunOptions(out=tmp_path / 'second', init=source))
    before, after = load_file(source), weights(tmp_path / 'second')
    key = 'segmentation.classifier.weight'
    assert torch.allclose(before[key], after[key], atol=1e-5)


def test_weights_of_another_network_are_refused(toy_recipe, tmp_path):
    from safetensors.torch import save_file

    save_file({'something': torch.zeros(3)}, tmp_path / 'other.safetensors')
    options = RunOptions(out=tmp_path / 'run', init=tmp_path / 'other.safetensors')
    with pytest.raises(DataError, match='none of'):
        run_recipe(toy_recipe(), options)
