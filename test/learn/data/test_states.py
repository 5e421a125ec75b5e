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

import pytest

from xspec_ros.errors import DataError
from xspec_ros.learn.data.states import file_states


def test_a_folder_is_told_by_all_its_files(tmp_path):
    (tmp_path / 'set' / 'rgb').mkdir(parents=True)
    file = tmp_path / 'set' / 'rgb' / '1.png'
    file.write_bytes(b'one')
    before = file_states(tmp_path / 'set')
    assert ('set/rgb/1.png', 3) in {(state.path, state.size) for state in before}
    os.utime(file, ns=(1, 1))
    assert file_states(tmp_path / 'set') != before


def test_a_file_is_told_by_itself(tmp_path):
    file = tmp_path / 'drive.mcap'
    file.write_bytes(b'four')
    assert [(state.path, state.size) for state in file_states(file)] == [('drive.mcap', 4)]


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DataError, match='cannot read'):
        file_states(tmp_path / 'none.mcap')
