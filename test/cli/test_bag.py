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

import numpy as np
import pytest

from xspec_ros.bag.reader import BagReader
from xspec_ros.datasets import open_dataset


@pytest.mark.parametrize(
    'verb', [('bag', 'pack'), ('bag', 'extract'), ('bag', 'info'), ('synth',)]
)
def test_help_has_examples(run, verb):
    code, text = run(*verb, '--help')
    assert code == 0
    assert 'Examples:\n    xspec' in text


def test_extract_and_pack_go_around(run, drive, tmp_path):
    code, data = run('bag', 'extract', drive, '--out', tmp_path / 'set', '--json')
    assert (code, data['pairs'], data['path']) == (0, 4, str(tmp_path / 'set'))
    samples = open_dataset(tmp_path / 'set')
    assert len(samples) == 4
    assert samples[3].label_map is not None
    assert np.all(samples[3].label_map == 3)
    out = tmp_path / 'again.mcap'
    code, data = run('bag', 'pack', tmp_path / 'set', '--out', out, '--bits', 16, '--json')
    assert code == 0
    assert data['path'] == str(out)
    with BagReader(out) as reader:
        counts = {topic.name: topic.count for topic in reader.topics()}
    assert data['messages'] == sum(counts.values())
    assert set(data['topics']) == set(counts)
    assert counts['/ground_truth/segmentation'] == counts['/thermal/image_raw'] == 4


def test_stamp_offsets_bring_cameras_together(run, tmp_path):
    drive = tmp_path / 'late.mcap'
    run('synth', '--out', drive, '--frames', 4, '--offset-ms', 400)
    for verb, more in (('info', ()), ('extract', ('--out', tmp_path / 'set'))):
        offset = ('--rgb-offset-ms', -400)
        assert run('bag', verb, drive, *more, *offset, '--json')[1]['pairs'] == 4
    apart = ('--thermal-offset-ms', 1000)
    assert run('bag', 'info', drive, *apart, '--json')[1]['pairs'] == 0


def test_info_tells_topics_pairs_and_problems(run, drive):
    code, data = run('bag', 'info', drive, '--json')
    assert code == 0
    assert data['pairs'] == 4
    assert data['problems'] == []
    thermal = next(entry for entry in data['topics'] if entry['name'] == '/thermal/image_raw')
    assert thermal['type'] == 'sensor_msgs/msg/Image'
    assert thermal['count'] == 4
    assert thermal['rate_hz'] == pytest.approx(10.0)
    assert thermal['encoding'] == 'mono8'
    assert run('bag', 'info', drive)[0] == 0


def test_torn_bag_is_exit_1_with_what_was_achieved(run, drive, tmp_path):
    drive.write_bytes(drive.read_bytes()[:-200])
    code, data = run('bag', 'extract', drive, '--out', tmp_path / 'set', '--json')
    assert (code, data['pairs'], data['error']['kind']) == (1, 4, 'data')
    code, data = run('bag', 'info', drive, '--json')
    assert code == 1
    assert 'torn' in data['problems'][0]


@pytest.mark.parametrize('verb', ['info', 'extract'])
def test_missing_bag_is_exit_2(run, tmp_path, verb):
    more = ['--out', tmp_path / 'out'] if verb == 'extract' else []
    code, data = run('bag', verb, tmp_path / 'none', *more, '--json')
    assert code == 2
    assert set(data['error']) == {'kind', 'message', 'hint'}


def test_wrong_topic_is_exit_2_and_names_the_candidates(run, drive):
    code, data = run('bag', 'info', drive, '--thermal', '/nope', '--json')
    assert code == 2
    assert '/thermal/image_raw' in data['error']['message']


def test_pack_refuses_a_taken_path_and_a_missing_set(run, drive, tmp_path):
    code, data = run('bag', 'pack', tmp_path / 'none', '--out', tmp_path / 'x.mcap', '--json')
    assert code == 2
    run('bag', 'extract', drive, '--out', tmp_path / 'set')
    code, data = run('bag', 'pack', tmp_path / 'set', '--out', drive, '--json')
    assert code == 2
    assert '--overwrite' in data['error']['hint']
