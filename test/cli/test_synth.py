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

import pytest

from xspec_ros.bag.reader import BagReader
from xspec_ros.datasets import open_dataset


@pytest.mark.parametrize('format_', ['mcap', 'sqlite3', 'dataset'])
def test_synth_writes_every_format(drive, run, tmp_path, format_):
    out = tmp_path / 'drive'
    options = ('--frames', 2, '--size', '96x64', '--format', format_, '--json')
    code, data = run('synth', '--out', out, *options)
    assert code == 0
    assert data == {'frames': 2, 'pairs': 2, 'path': str(out)}
    if format_ == 'dataset':
        assert len(open_dataset(out)) == 2
    else:
        with BagReader(out) as reader:
            counts = {topic.name: topic.count for topic in reader.topics()}
        assert counts['/ground_truth/segmentation'] == counts['/rgb/image_raw'] == 2
        assert counts['/ground_truth/detections'] == counts['/ground_truth/rgb_detections'] == 2


def test_synth_into_one_file_is_deterministic(run, tmp_path):
    for name in ('a.mcap', 'b.mcap'):
        options = ('--frames', 2, '--size', '96x64', '--seed', 5, '--night')
        assert run('synth', '--out', tmp_path / name, *options)[0] == 0
    assert (tmp_path / 'a.mcap').read_bytes() == (tmp_path / 'b.mcap').read_bytes()


def test_synth_draws_another_camera(run, tmp_path):
    for name, options in (('own', ()), ('other', ('--camera', 'noise=5', '--camera', 'tone=2'))):
        out = tmp_path / f'{name}.mcap'
        assert run('synth', '--out', out, '--frames', 1, '--size', '96x64', *options)[0] == 0
    assert (tmp_path / 'own.mcap').read_bytes() != (tmp_path / 'other.mcap').read_bytes()


@pytest.mark.parametrize(
    'option',
    [
        ('--size', '96'),
        ('--drop', 2),
        ('--format', 'zip'),
        ('--camera', 'nois=4'),
        ('--camera', 'height_m=99'),
    ],
)
def test_synth_refuses_nonsense(run, tmp_path, option):
    code, data = run('synth', '--out', tmp_path / 'x.mcap', *option, '--json')
    assert code == 2
    assert data['error']['kind'] == 'config'
    assert not (tmp_path / 'x.mcap').exists()
