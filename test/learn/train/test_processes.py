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

"""Two processes that train together on the CPU: one gradient, one will, one checkpoint."""

from __future__ import annotations

from pathlib import Path
import signal
import subprocess
import sys

import pytest
from safetensors.torch import load_file
import torch

from xspec_ros.config import dump_yaml
from xspec_ros.learn.train.checkpoint import load_checkpoint
from xspec_ros.learn.train.processes import any_process, count_processes, gather, mean_terms
from xspec_ros.learn.train.run import run_recipe, RunOptions

HERE = Path(__file__).resolve().parent
PAIRS = 'data=[{synth: {count: 6, seed: 3, night_share: 0.5, size: [128, 96]}, modality: both}]'
METHODS = {
    'supervised': (),
    'masked_mutual': (
        PAIRS,
        'method={name: masked_mutual, arguments: {stage: 2, prototypes: ema, n_min: 1, theta: 0}}',
    ),
    'crm': (PAIRS, 'method={name: crm}', 'network={name: fusion, arguments: {width: 0.25}}'),
    'cgdet': (PAIRS, 'method={name: cgdet}', 'teacher={model: RGB_RUN}'),
    'crossmatch': (
        PAIRS,
        'method={name: crossmatch, arguments: {self_training: 0, auxiliary_weight: 0, ramp: 0, '
        'diversity: 0.1, boxes: pseudo}}',  # no arg-max, which rounding may turn
        'teacher={model: RGB_RUN}',
    ),
}
TWO = ('train.processes=2', 'train.batch_size=1', 'train.save_every=2', 'train.log_every=1')


def python(script, *arguments):
    command = [sys.executable, str(HERE / script), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=900)


@pytest.fixture(scope='module')
def learnt(tmp_path_factory, new_toy_recipe, rgb_run):
    """Return what one process and each of two have learnt, by method."""
    folder = tmp_path_factory.mktemp('gradients')
    toy_recipe = new_toy_recipe(folder)
    for name, processes, size in (('one', 1, 4), ('two', 2, 2)):
        for method, settings in METHODS.items():
            batch = (f'train.processes={processes}', f'train.batch_size={size}')
            own = [each.replace('RGB_RUN', str(rgb_run)) for each in settings]
            recipe = toy_recipe(f'name={method}', *own, *batch)
            (folder / f'{name}_{method}.yaml').write_text(dump_yaml(recipe))
    done = python('two_gradients.py', folder)
    assert done.returncode == 0, done.stderr
    return {
        method: [
            load_file(folder / f'{method}_{which}.safetensors') for which in ('1_0', '2_0', '2_1')
        ]
        for method in METHODS
    }


@pytest.mark.parametrize('step', [0, 1])
@pytest.mark.parametrize('method', METHODS)
def test_two_processes_have_the_gradient_of_one(learnt, method, step):
    one, first, second = learnt[method]
    assert one.keys() == first.keys() == second.keys()
    names = [name for name in one if name.startswith(f'{step} gradient')]
    assert len(names) > 50
    alone, shared = (torch.cat([values[n].flatten() for n in names]) for values in (one, first))
    assert float((alone - shared).norm() / alone.norm()) < 1e-5
    for name in names:
        assert torch.equal(first[name], second[name]), name
        difference = float((one[name] - first[name]).norm())
        assert difference < 1e-5 * float(one[name].norm()) + 1e-7 * float(alone.norm()), name


@pytest.mark.parametrize('step', [0, 1])
@pytest.mark.parametrize('method', METHODS)
def test_the_mean_of_two_losses_is_that_of_one(learnt, method, step):
    one, first, second = learnt[method]
    names = [name for name in one if name.startswith(f'{step} loss')]
    assert names
    for name in names:
        mean = (first[name] + second[name]) / 2
        assert torch.allclose(one[name], mean, rtol=1e-5, atol=1e-6), name


@pytest.mark.parametrize('method', METHODS)
def test_two_processes_keep_one_state(learnt, method):
    one, first, second = learnt[method]
    names = [name for name in one if ' state ' in name]
    assert names
    for name in names:
        assert torch.equal(first[name], second[name]), name
        assert torch.allclose(one[name], first[name], rtol=1e-4, atol=1e-6), name
    if method == 'masked_mutual':
        assert one['1 state seen'].any()  # prototypes have moved


def test_two_processes_write_one_checkpoint(toy_recipe, tmp_path):
    checked = ('validation=[{dataset: toy}]', 'train.eval_every=2', 'train.steps=4')
    report = run_recipe(toy_recipe(*TWO, *checked), RunOptions(out=tmp_path / 'run'))
    assert (report.steps, report.finished) == (4, True)
    assert report.best is not None
    assert load_checkpoint(report.checkpoint).info.step == report.best_step
    assert sorted(path.name for path in (tmp_path / 'run').iterdir()) == [
        'best',
        'events',
        'last',
        'recipe.yaml',
    ]
    assert len(list((tmp_path / 'run' / 'events').iterdir())) == 1
    assert count_processes() == 1  # the other one is gone


def write_run(toy_recipe, folder, *settings):
    (folder / 'run.yaml').write_text(dump_yaml(toy_recipe(*TWO, *settings)))


@pytest.mark.parametrize('process', [0, 1])
def test_a_signal_to_one_stops_both_after_the_same_step(toy_recipe, tmp_path, process):
    write_run(toy_recipe, tmp_path)
    done = python('faulty_process.py', tmp_path, 'signal', process)
    assert done.stdout.split() == ['3', 'False'], done.stderr
    assert load_checkpoint(tmp_path / 'run' / 'last').info.step == 3


def test_two_processes_go_on_bit_by_bit(toy_recipe, tmp_path):
    write_run(toy_recipe, tmp_path)
    killed = python('faulty_process.py', tmp_path, 'kill', 1)  # after step 2, which was saved
    assert 'process 1 of the run ended by itself (exit code -9)' in killed.stderr
    recipe = toy_recipe(*TWO)
    for name, resume in (('run', True), ('whole', False)):
        run_recipe(recipe, RunOptions(out=tmp_path / name, resume=resume))
    states = [load_file(tmp_path / run / 'last' / 'state.safetensors') for run in ('run', 'whole')]
    assert states[0].keys() == states[1].keys() >= {'random.torch.0', 'random.torch.1'}
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])


@pytest.mark.parametrize(
    ('fault', 'process', 'words'),
    [
        ('loss', 1, 'loss is not finite at step 2: box'),
        ('data', 1, 'something of picture_'),
    ],
)
def test_a_fault_in_one_ends_both_and_is_told(toy_recipe, tmp_path, fault, process, words):
    write_run(toy_recipe, tmp_path)
    done = python('faulty_process.py', tmp_path, fault, process)
    assert done.returncode == 1
    assert words in done.stderr
    assert load_checkpoint(tmp_path / 'run' / 'last').info.step == 2
    saved = [path.name for path in (tmp_path / 'run').glob('nonfinite*')]
    suffix = '_process_1' if process else ''
    assert saved == ([f'nonfinite_step_000002{suffix}.safetensors'] if fault == 'loss' else [])


def test_no_process_outlives_the_first(toy_recipe, tmp_path):
    write_run(toy_recipe, tmp_path)
    done = python('faulty_process.py', tmp_path, 'kill', 0)
    assert done.returncode == -signal.SIGKILL  # and the pipes of its child were closed: it ended
    assert load_checkpoint(tmp_path / 'run' / 'last').info.step == 2


def test_a_single_process_agrees_with_itself():
    tensor = torch.ones(2)
    assert gather(tensor)[0] is tensor
    assert any_process(True)
    assert not any_process(False)
    assert mean_terms({'a': torch.tensor(1.5)}) == {'a': 1.5}
