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

"""The folder that lies between drives and bundle."""

from __future__ import annotations

import pytest

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.adapt.work import work_folder


def test_a_passing_folder_lies_beside_the_bundle_and_goes(tmp_path):
    with work_folder(tmp_path / 'models' / 'new', None) as folder:
        (folder / 'run').mkdir()
        assert folder.parent == tmp_path / 'models'
        assert folder.name.startswith('.')
    assert list((tmp_path / 'models').iterdir()) == []


def test_it_goes_when_something_breaks(tmp_path):
    with pytest.raises(KeyboardInterrupt), work_folder(tmp_path / 'new', None):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_named_folder_stays_with_its_frames_and_without_the_old_run(tmp_path):
    with work_folder(tmp_path / 'new', tmp_path / 'work') as folder:
        (folder / 'frames').mkdir()
        (folder / 'run').mkdir()
    with work_folder(tmp_path / 'new', tmp_path / 'work') as folder:
        assert [path.name for path in folder.iterdir()] == ['frames']


def test_the_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / 'work' / 'run').mkdir(parents=True)
    (tmp_path / 'work' / 'thesis.tex').touch()
    with (
        pytest.raises(ConfigError, match='thesis'),
        work_folder(tmp_path / 'new', tmp_path / 'work'),
    ):
        pass
    assert (tmp_path / 'work' / 'run').is_dir()


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / 'file').touch()
    with (
        pytest.raises(DataError, match='cannot write'),
        work_folder(tmp_path / 'file' / 'x', None),
    ):
        pass
