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


def test_replay_prints_the_keys_of_the_contract(run, drive, tiny_bundle, tmp_path):
    out = tmp_path / 'out'
    code, data = run('replay', drive, '--model', tiny_bundle, '--out', out, '--json')
    assert code == 0
    keys = 'thermal answered pairs unpaired dropped dropped_by rejected_by detections fps'
    assert {*keys.split(), 'latency_ms', 'metrics'} <= set(data)
    assert set(data['latency_ms']) == {'decode', 'wait', 'infer', 'encode', 'total'}
    assert set(data['latency_ms']['total']) == {'p50', 'p95', 'p99', 'max', 'mean'}
    assert {'results.mcap', 'summary.json', 'report.html'} == {p.name for p in out.iterdir()}


def test_replay_of_a_torn_bag_is_exit_1(run, drive, tiny_bundle, tmp_path):
    drive.write_bytes(drive.read_bytes()[:-200])
    options = ('--model', tiny_bundle, '--out', tmp_path / 'out', '--json')
    code, data = run('replay', drive, *options)
    assert (code, data['answered']) == (1, 4)
    assert 'torn' in data['error']['message']


def test_replay_without_model_or_usable_frame_is_exit_2(run, drive, tiny_bundle, tmp_path):
    code, data = run('replay', drive, '--model', tmp_path / 'none', '--json')
    assert (code, data['error']['kind']) == (2, 'bundle')
    options = ('--model', tiny_bundle, '--out', tmp_path / 'out', '--json')
    code, data = run('replay', drive, '--set', 'max_pixels=1024', *options)
    assert code == 2
    assert data['thermal'] == 4
    assert 'no usable frame' in data['error']['message']


def test_replay_names_the_nearest_parameter_of_a_typo(run, drive, tmp_path):
    code, data = run('replay', drive, '--set', 'score_treshold=0.5', '--json')
    assert code == 2
    assert 'score_threshold' in data['error']['hint']
