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

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from xspec_ros.learn.data.whole import fill_once, whole_folder


def write(folder):
    (folder / 'a').write_text('whole')


def test_a_folder_that_is_not_finished_is_not_there(tmp_path):
    folder = tmp_path / 'made'

    def fail(part):
        write(part)
        message = 'half way'
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match='half way'):
        fill_once(folder, fail)
    assert not folder.exists()
    fill_once(folder, write)
    assert (folder / 'a').read_text() == 'whole'


def test_what_a_killed_attempt_left_is_gone(tmp_path):
    left = tmp_path / 'made.unfinished'
    left.mkdir()
    (left / 'torn').touch()
    with whole_folder(tmp_path / 'made') as part:
        write(part)
    assert [path.name for path in (tmp_path / 'made').iterdir()] == ['a']


def test_of_several_at_once_one_fills_and_all_find_it(tmp_path):
    folder, filled, together = tmp_path / 'cache' / 'made', [], Barrier(4)

    def fill(part):
        filled.append(part)
        write(part)

    def want(_):
        together.wait()
        fill_once(folder, fill)
        return (folder / 'a').read_text()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(want, range(4))) == ['whole'] * 4
    assert len(filled) == 1
    assert [path.name for path in folder.parent.iterdir()] == ['made']  # no lock is left
