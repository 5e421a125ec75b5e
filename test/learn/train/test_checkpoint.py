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

import os
import resource
import signal
import sys

import pytest
import torch

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.errors import DataError
from xspec_ros.learn.models import build_network
from xspec_ros.learn.train import checkpoint as module
from xspec_ros.learn.train.checkpoint import (
    CheckpointInfo,
    load_checkpoint,
    load_state,
    ResumeState,
    save_checkpoint,
)
from xspec_ros.learn.train.recipe import NetworkSpec

ARGUMENTS = {'num_classes': 11, 'num_detection_classes': 3, 'width': 0.25}


def info(step=1):
    return CheckpointInfo(
        network=NetworkSpec(name='student', arguments=ARGUMENTS),
        classes=DEFAULT_CLASSES,
        detection_classes=DEFAULT_DETECTION_CLASSES,
        recipe={'name': 'x'},
        step=step,
        metrics={'miou': 0.5},
        data=[],
    )


def state(step=1):
    return ResumeState(tensors={'a.b': torch.arange(3.0)}, step=step, best=0.25, best_step=1)


@pytest.fixture
def network():
    return build_network('student', ARGUMENTS)


def test_what_is_saved_is_loaded(tmp_path, network):
    save_checkpoint(tmp_path / 'last', network.state_dict(), info(), state())
    loaded = load_checkpoint(tmp_path / 'last')
    assert loaded.info == info()
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor)
    resumed = load_state(tmp_path / 'last')
    assert (resumed.step, resumed.best, resumed.best_step) == (1, 0.25, 1)
    assert torch.equal(resumed.tensors['a.b'], torch.arange(3.0))


def test_a_run_folder_gives_its_best(tmp_path, network):
    save_checkpoint(tmp_path / 'last', network.state_dict(), info(step=9))
    assert load_checkpoint(tmp_path).info.step == 9
    save_checkpoint(tmp_path / 'best', network.state_dict(), info(step=4))
    assert load_checkpoint(tmp_path).info.step == 4


def test_a_full_disk_leaves_the_old_one(tmp_path, network, monkeypatch):
    save_checkpoint(tmp_path / 'last', network.state_dict(), info(step=1), state(1))

    def full(*_):
        message = 'No space left on device'
        raise OSError(28, message)

    monkeypatch.setattr(module, 'save_file', full)
    with pytest.raises(DataError, match='No space left'):
        save_checkpoint(tmp_path / 'last', network.state_dict(), info(step=2), state(2))
    assert load_checkpoint(tmp_path / 'last').info.step == 1
    assert [path.name for path in tmp_path.iterdir()] == ['last']


def in_a_child(work):
    """Run ``work`` in a forked process; return how it ended (0, or minus the signal)."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_at_event(number, folder):
    """Kill this process when the interpreter is about to touch the folder for the n-th time."""
    left = [number]

    def hook(event, args):
        if event.startswith(('open', 'os.', 'shutil.')) and str(folder) in str(args):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path, network):
    weights, steps, number = network.state_dict(), set(), 0
    while True:
        number += 1
        folder = tmp_path / str(number) / 'last'
        save_checkpoint(folder, weights, info(step=1), state(1))

        def save(folder=folder, number=number):
            kill_at_event(number, folder)
            save_checkpoint(folder, weights, info(step=2), state(2))

        ended = in_a_child(save)
        found = load_checkpoint(folder).info.step
        assert load_state(folder).step == found
        save_checkpoint(folder, weights, info(step=3), state(3))  # what is left is no obstacle
        assert load_state(folder).step == 3
        assert [path.name for path in folder.parent.iterdir()] == ['last']
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        steps.add(found)
    assert found == 2
    assert steps == {1, 2}
    assert number > 12  # as many moments were tried


@pytest.mark.parametrize('share', [0.0, 0.3, 0.999])
@pytest.mark.parametrize('name', ['weights.safetensors', 'state.safetensors'])
def test_a_kill_within_a_file_leaves_the_old_one(tmp_path, network, name, share):
    folder = tmp_path / 'last'
    large = ResumeState(tensors={'a': torch.zeros(10**6)}, step=2, best=None, best_step=None)
    save_checkpoint(folder, network.state_dict(), info(step=1), large)
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert sizes['weights.safetensors'] < sizes['state.safetensors']

    def save():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the write beyond the limit kills
        limit_files(int(sizes[name] * share))
        save_checkpoint(folder, network.state_dict(), info(step=2), large)

    assert in_a_child(save) == -signal.SIGXFSZ
    assert load_checkpoint(folder).info.step == 1
    assert load_state(folder).step == 2


def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize('share', [0.0, 0.5])
def test_a_file_that_the_disk_does_not_take_leaves_the_old_one(tmp_path, network, share):
    folder = tmp_path / 'last'
    save_checkpoint(folder, network.state_dict(), info(step=1), state(1))
    size = (folder / 'weights.safetensors').stat().st_size

    def save():
        limit_files(int(size * share))
        with pytest.raises(DataError, match=r'cannot write checkpoint .* last good'):
            save_checkpoint(folder, network.state_dict(), info(step=2), state(2))
        os.kill(os.getpid(), signal.SIGUSR1)  # it was raised

    assert in_a_child(save) == -signal.SIGUSR1
    assert load_checkpoint(folder).info.step == load_state(folder).step == 1
    assert [path.name for path in tmp_path.iterdir()] == ['last']


def test_a_kill_between_the_renames_leaves_one_to_be_found(tmp_path, network):
    save_checkpoint(tmp_path / 'last', network.state_dict(), info(), state())
    (tmp_path / 'last').rename(tmp_path / 'last.old')
    assert load_checkpoint(tmp_path / 'last').info.step == 1
    assert load_state(tmp_path / 'last').step == 1


def test_an_empty_folder_is_no_checkpoint(tmp_path):
    with pytest.raises(DataError, match='no checkpoint'):
        load_checkpoint(tmp_path)


def test_a_damaged_file_is_named(tmp_path, network):
    save_checkpoint(tmp_path / 'last', network.state_dict(), info())
    (tmp_path / 'last' / 'weights.safetensors').write_bytes(b'torn')
    with pytest.raises(DataError, match='last'):
        load_checkpoint(tmp_path / 'last')


def test_weights_that_do_not_fit_are_refused(tmp_path, network):
    few = dict(list(network.state_dict().items())[:-1])
    save_checkpoint(tmp_path / 'last', few, info())
    with pytest.raises(DataError, match='do not fit'):
        load_checkpoint(tmp_path / 'last')


def test_a_checkpoint_without_state_cannot_be_resumed(tmp_path, network):
    save_checkpoint(tmp_path / 'best', network.state_dict(), info())
    with pytest.raises(DataError, match='nothing to resume'):
        load_state(tmp_path / 'best')
