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

"""Runs that are killed: going on is bit by bit what would have happened anyway."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys

import msgspec
import pytest
from safetensors.torch import load_file
import torch

from xspec_ros.config import dump_yaml
from xspec_ros.learn.train.checkpoint import load_checkpoint
from xspec_ros.learn.train.run import run_recipe, RunOptions

PAIRS = 'data=[{synth: {count: 4, seed: 3, night_share: 0.5, size: [128, 96]}, modality: both}]'
METHODS = {
    'supervised': (),
    'masked_mutual': (
        PAIRS,
        'method={name: masked_mutual, arguments: {stage: 2, prototypes: ema}}',
    ),
    'ccdistill': (
        PAIRS,
        'method={name: ccdistill, arguments: {self_training: 1.0, confidence: 0.0}}',
    ),
    'crm': (PAIRS, 'method={name: crm}', 'network={name: fusion, arguments: {width: 0.25}}'),
    'cgdet': (
        PAIRS,
        'method={name: cgdet, arguments: {queue: 4, night_score: 0.0}}',
        'teacher={model: RGB_RUN}',
    ),
    'crossmatch': (
        PAIRS,
        'method={name: crossmatch, arguments: {warmup: 1, tau_max: 0.0}}',
        'teacher={model: RGB_RUN}',
    ),
}
EVERY = ('train.steps=6', 'train.save_every=1', 'train.log_every=1')
FILES = ('weights.safetensors', 'state.safetensors')


@pytest.fixture(params=METHODS)
def settings(request, rgb_run):
    """Return what a recipe of each method says beyond the toy's."""
    return [each.replace('RGB_RUN', str(rgb_run)) for each in METHODS[request.param]]


def tensors(folder):
    return {
        f'{name} {key}': value
        for name in FILES
        for key, value in load_file(folder / 'last' / name).items()
    }


def differing(one, two):
    """Return the names of tensors that are not the same bits."""
    a, b = tensors(one), tensors(two)
    return [k for k in a.keys() | b.keys() if k not in a or k not in b or not same(a[k], b[k])]


def same(one, two):
    return one.dtype == two.dtype and torch.equal(one, two)


def told(folder):
    """Return what the checkpoint says of itself."""
    return [
        msgspec.json.decode((folder / 'last' / name).read_bytes())
        for name in ('checkpoint.json', 'state.json')
    ]


def start(recipe, out, *options, first=''):
    """Start a run as a process, as a user does."""
    file = out.with_suffix('.yaml')
    file.write_text(dump_yaml(recipe))
    program = (
        f'{first}import torch, cv2; torch.set_num_threads(1); cv2.setNumThreads(1); '
        'from xspec_ros.cli.app import main; main()'
    )
    command = [sys.executable, '-c', program, 'train', str(file), '--out', str(out), *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def kill_after(process, step):
    """Kill the process as soon as it tells that a step is done."""
    for line in process.stderr:
        if re.search(rf'step {step}/', line):
            process.kill()
    process.wait()
    assert process.returncode == -signal.SIGKILL


# What a method keeps is tried below for each of them; a process that dies, with the least and the
# most that is kept.
@pytest.mark.parametrize('settings', ['supervised', 'crossmatch'], indirect=True)
def test_a_killed_process_goes_on_bit_by_bit(toy_recipe, tmp_path, settings):
    recipe = toy_recipe(*settings, *EVERY)
    run_recipe(recipe, RunOptions(out=tmp_path / 'whole'))
    step = random.Random(f'kill {recipe.method.name}').randint(2, 4)
    kill_after(start(recipe, tmp_path / 'killed'), step)
    done = run_recipe(recipe, RunOptions(out=tmp_path / 'killed', resume=True))
    assert done.steps == 6
    assert differing(tmp_path / 'whole', tmp_path / 'killed') == []
    assert told(tmp_path / 'whole') == told(tmp_path / 'killed')


class KilledError(Exception):
    """Stands for a kill: nothing is saved, nothing is told."""


def test_every_step_can_be_gone_on_from(toy_recipe, tmp_path, monkeypatch, settings):
    recipe = toy_recipe(*settings, *EVERY, 'train.accumulate=2', 'train.steps=3')
    run_recipe(recipe, RunOptions(out=tmp_path / 'whole'))
    for step in (1, 2):
        out = tmp_path / f'killed_{step}'
        with monkeypatch.context() as patch:
            patch.setattr('xspec_ros.learn.train.run.Journal.step', killing(step))
            with pytest.raises(KilledError):
                run_recipe(recipe, RunOptions(out=out))
        torch.manual_seed(step)  # what another process would have
        run_recipe(recipe, RunOptions(out=out, resume=True))
        assert differing(tmp_path / 'whole', out) == []


def killing(after):
    def step(journal, number, terms, *, lr):
        if number == after:
            raise KilledError

    return step


def test_a_full_disk_ends_the_run_and_keeps_the_last_checkpoint(toy_recipe, tmp_path):
    recipe, out = toy_recipe(*EVERY, 'train.log_every=100'), tmp_path / 'run'
    run_recipe(toy_recipe(*EVERY, 'train.steps=2'), RunOptions(out=out))
    limit = (out / 'last' / 'state.safetensors').stat().st_size - 1000

    first = f'import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); '
    process = start(recipe, out, '--resume', first=first)
    words = process.stderr.read()
    assert process.wait() == 2
    assert 'cannot write checkpoint' in words
    assert 'the last good checkpoint is kept' in words
    assert 'Traceback' not in words
    assert load_checkpoint(out).info.step == 2
    done = run_recipe(recipe, RunOptions(out=out, resume=True))  # with room again
    assert done.steps == 6


def test_figures_of_validation_are_kept(toy_recipe, tmp_path):
    settings = (*EVERY, 'validation=[{dataset: toy}]', 'train.eval_every=2', 'train.steps=5')
    recipe = toy_recipe(*settings)
    run_recipe(recipe, RunOptions(out=tmp_path / 'whole'))
    kill_after(start(recipe, tmp_path / 'killed'), 4)
    run_recipe(recipe, RunOptions(out=tmp_path / 'killed', resume=True))
    assert told(tmp_path / 'whole') == told(tmp_path / 'killed')
    for name in ('best', 'last'):
        weights = [
            load_file(tmp_path / run / name / 'weights.safetensors') for run in ('whole', 'killed')
        ]
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
