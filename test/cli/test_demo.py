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


def test_demo_runs_twice_into_one_folder(drive, run, tiny_bundle, tmp_path, monkeypatch):
    for _ in range(2):
        options = ('--out', tmp_path / 'demo', '--model', tiny_bundle, '--frames', 2, '--json')
        code, data = run('demo', *options)
        assert (code, data['answered']) == (0, 2)
        assert data['metrics']['miou'] is not None
    assert (tmp_path / 'demo/drive.mcap').exists()


def test_demo_without_its_model_says_so_at_once(run, tmp_path):
    code, data = run('demo', '--out', tmp_path / 'demo', '--model', tmp_path / 'none', '--json')
    assert (code, data['error']['kind']) == (2, 'bundle')
    assert not (tmp_path / 'demo').exists()
