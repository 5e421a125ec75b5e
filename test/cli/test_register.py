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

"""``xspec register``: the rig file, its JSON, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.core.rig import load_rig
from xspec_ros.datasets import Sample, write_dataset

KEYS = {'homography', 'residual_px', 'residual_p90_px', 'pairs', 'matches', 'blocks', 'inliers'}


@pytest.fixture
def noise(tmp_path):
    """A data set of eight pairs that have nothing in common."""
    rng = np.random.default_rng(0)
    samples = (
        Sample(
            name=f'{index}',
            rgb=rng.integers(0, 256, (96, 128, 3)).astype(np.uint8),
            thermal=rng.integers(0, 256, (72, 96)).astype(np.uint8),
        )
        for index in range(8)
    )
    write_dataset(samples, tmp_path / 'noise', DEFAULT_CLASSES)
    return tmp_path / 'noise'


def test_help_has_examples(run):
    code, text = run('register', '--help')
    assert code == 0
    assert 'Examples:\n    xspec register' in text


def test_a_drive_becomes_a_rig_file(run, tmp_path):
    drive, out = tmp_path / 'drive.mcap', tmp_path / 'rig.yaml'
    made = ('--frames', 20, '--rate', 2, '--size', '160x120', '--seed', 2)
    assert run('synth', '--out', drive, *made)[0] == 0
    code, data = run('register', drive, '--out', out, '--pairs', 10, '--json')
    assert code == 0
    assert data.keys() >= KEYS
    assert data['path'] == str(out)
    assert data['pairs'] == 10
    assert data['residual_px'] < 1.0
    assert np.allclose(data['homography'], np.eye(3), atol=1.5)
    rig = load_rig(out)
    assert np.allclose(rig.homography, data['homography'])
    assert rig.residual_px == pytest.approx(data['residual_px'], abs=1e-3)
    assert (rig.rgb_hw, rig.thermal_hw) == ((120, 160), (120, 160))
    assert (rig.pairs, rig.source) == (10, 'drive.mcap')


def test_what_cannot_be_trusted_is_not_written(run, noise, tmp_path):
    out = tmp_path / 'rig.yaml'
    code, data = run('register', noise, '--out', out, '--json')
    assert code == 1
    assert data['error']['kind'] == 'data'
    assert data['error']['hint']
    assert data.keys() >= KEYS
    assert data['path'] is None
    assert not out.exists()


@pytest.mark.parametrize(
    ('drive', 'more', 'message'),
    [
        ('none.mcap', (), 'no bag at'),
        ('noise', ('--pairs', 5), '5 usable pairs of one size, 8 are needed'),
        ('noise', ('--fold', 'val'), 'fold'),
    ],
)
def test_nothing_to_work_on_is_exit_2(run, noise, tmp_path, drive, more, message):
    out = tmp_path / 'rig.yaml'
    code, data = run('register', noise.parent / drive, '--out', out, *more, '--json')
    assert code == 2
    assert message in data['error']['message']
    assert not out.exists()


def test_a_folder_is_no_rig_file(run, noise, tmp_path):
    code, data = run('register', noise, '--out', tmp_path, '--json')
    assert (code, data['error']['kind']) == (2, 'config')
