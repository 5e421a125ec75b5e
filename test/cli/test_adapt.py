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

"""``xspec adapt``: a model handed over, and everything that is not."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest

pytest.importorskip('torch')

from xspec_ros.bundle.store import bundle_hash, open_bundle
from xspec_ros.cli.signals import interrupt_on_term
from xspec_ros.core.frame import Frame
from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.datasets import Sample, write_dataset
from xspec_ros.perception.settings import Settings
from xspec_ros.perception.swap import open_tried

KEYS = {'before', 'after', 'accepted', 'reason', 'frames', 'minutes', 'registration'}
KEYS |= {'agreement', 'path', 'steps', 'warnings'}
QUICK = [
    'least_steps=2',
    'max_steps=2',
    'batch_size=2',
    'looks=1',
    'look_frames=2',
    'verify_frames=2',
    'device=cpu',
    'precision=32-true',
]
LENIENT = ['points_lost=100', 'unlabelled_points_lost=100', 'least_agreement=0', 'most_vanished=1']


@pytest.fixture(autouse=True)
def one_thread():
    import cv2
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def sets(*texts):
    return [part for text in texts for part in ('--set', text)]


def test_help_has_examples(run):
    code, text = run('adapt', '--help')
    assert code == 0
    assert 'Examples:\n    xspec adapt' in text


def test_a_model_is_handed_over_whole_and_says_where_it_comes_from(
    run, drive_pairs, tiny_bundle, tmp_path
):
    out = tmp_path / 'models' / 'new'
    given = (
        '--from',
        tiny_bundle,
        '--out',
        out,
        '--minutes',
        60,
        '--guard',
        drive_pairs,
        '--json',
    )
    code, told = run('adapt', drive_pairs, *given, *sets(*QUICK, *LENIENT))
    assert code == 0, told
    assert told.keys() >= KEYS
    assert 'error' not in told
    assert told['accepted']
    assert 'mIoU' in told['reason']
    assert told['path'] == str(out)
    assert told['steps'] == 2
    assert told['registration']['used']
    frames = told['frames']
    assert frames['read'] == 26 == frames['chosen'] + sum(frames['rejected_by'].values())
    assert frames['chosen'] == frames['training'] + frames['kept_aside']
    for when in ('before', 'after'):
        assert 0.0 <= told[when]['miou'] <= 1.0
        assert told[when]['consistency']['flip'] is not None
    assert [path.name for path in out.parent.iterdir()] == ['new']

    bundle, parent = open_bundle(out), open_bundle(tiny_bundle)
    manifest = bundle.manifest
    assert manifest.name == 'untrained_adapted'
    assert manifest.provenance.parent == {'name': 'untrained', 'hash': bundle_hash(parent)}
    assert manifest.network == parent.manifest.network
    assert manifest.thresholds == parent.manifest.thresholds
    assert set(manifest.precisions) == {'fp32'}
    assert all(seen.ok for seen in manifest.precisions['fp32'].verified.values())
    uses = {entry['use']: entry for entry in manifest.provenance.data}
    assert uses['adaptation, unlabelled']['name'] == 'pairs'
    assert len(uses['adaptation, unlabelled']['fingerprint']) == 64
    assert uses['validation']['pictures'] == 26
    assert manifest.provenance.metrics['miou'] == pytest.approx(told['after']['miou'])
    for place in (tmp_path, drive_pairs.parent, tiny_bundle.parent):
        assert str(place) not in json.dumps(manifest.provenance.recipe)
        assert str(place) not in (out / 'bundle.json').read_text()
    assert 'begun from untrained' in (out / 'README.md').read_text()

    perception = open_tried(Settings(engine='onnxruntime', threads=1), str(out), size_hw=(96, 128))
    image = np.random.default_rng(0).integers(0, 4000, (96, 128)).astype(np.uint16)
    frame = Frame(modality='thermal', stamp_ns=7, frame_id='t', image=image, encoding='mono16')
    answer = perception.infer_frame(frame, None, (0.0, 4000.0))
    perception.close()
    assert answer.label_map.shape == (96, 128)
    assert answer.stamp_ns == 7


def test_a_drive_without_anything_new_is_refused(run, tiny_bundle, tmp_path):
    still = np.random.default_rng(0).normal(0, 1, (6, 8)).repeat(8, axis=0).repeat(8, axis=1)
    samples = [
        Sample(name=f'{n:03d}', thermal=(7000 + 500 * still).astype(np.uint16)) for n in range(30)
    ]
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    given = ('--from', tiny_bundle, '--out', tmp_path / 'new')
    code, told = run('adapt', tmp_path / 'set', *given, '--json')
    assert code == 1
    assert told.keys() >= KEYS
    assert (told['accepted'], told['before'], told['after'], told['path']) == (
        False,
        None,
        None,
        None,
    )
    assert told['frames']['rejected_by'] == {'duplicate': 29}
    assert told['error']['message'] == f'refused: {told["reason"]}'
    code, text = run('adapt', tmp_path / 'set', *given)
    assert code == 1
    assert 'refused: 1 of 30 thermal frames' in text
    assert not (tmp_path / 'new').exists()


@pytest.mark.parametrize(
    ('more', 'word'),
    [
        (['--set', 'framse=3'], 'frames'),
        (['--fold', 'val'], '--guard'),
        (['--minutes', '0'], 'minutes'),
        (['--guard', 'absent'], 'absent'),
        (['--teacher', 'absent'], 'absent'),
        (['--rig', 'absent.yaml'], 'absent.yaml'),
        (['--from', 'absent'], 'absent'),
        (['--thermal', '/boson'], '/boson'),
    ],
)
def test_what_cannot_work_ends_with_2_and_says_why(run, drive, tiny_bundle, tmp_path, more, word):
    given = ('--from', tiny_bundle, '--out', tmp_path / 'new')
    code, told = run('adapt', drive, *given, *more, '--json')
    assert code == 2
    assert word in told['error']['message'] + told['error']['hint']
    assert not (tmp_path / 'new').exists()


def test_a_drive_of_rgb_alone_is_nothing_to_adapt_to(run, tiny_bundle, tmp_path):
    samples = [Sample(name='1', rgb=np.zeros((8, 8, 3), np.uint8))]
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    given = ('--from', tiny_bundle, '--out', tmp_path / 'new', '--json')
    code, told = run('adapt', tmp_path / 'set', *given)
    assert code == 2
    assert 'no thermal pictures' in told['error']['message']
    assert told['accepted'] is False


def test_an_out_that_exists_is_left_alone(run, drive, tiny_bundle, tmp_path):
    code, told = run('adapt', drive, '--from', tiny_bundle, '--out', tmp_path, '--json')
    assert code == 2
    assert 'exists' in told['error']['message']


def test_ctrl_c_tells_what_there_is(run, drive, tiny_bundle, tmp_path, monkeypatch):
    from xspec_ros.learn.adapt import run as run_module

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, 'gather', interrupted)
    given = ('--from', tiny_bundle, '--out', tmp_path / 'new', '--json')
    code, told = run('adapt', drive, *given)
    assert code == 1
    assert told['reason'] == 'stopped by Ctrl-C'
    assert told['accepted'] is False
    assert [path.name for path in tmp_path.iterdir()] == ['drive.mcap']


def test_a_polite_kill_unwinds_like_ctrl_c():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), interrupt_on_term():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
