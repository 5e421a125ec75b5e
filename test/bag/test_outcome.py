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

"""Exit status and files of a run."""

from __future__ import annotations

import json

import pytest

from xspec_ros.bag.outcome import make_folder, ReplayOutcome, write_outcome
from xspec_ros.errors import DataError


@pytest.mark.parametrize(
    ('usable', 'error', 'interrupted', 'code'),
    [
        (True, None, False, 0),
        (True, DataError('torn'), False, 1),
        (False, DataError('nothing'), False, 2),
        (False, DataError('stopped'), True, 1),
    ],
)
def test_the_exit_status_tells_all_part_or_nothing(usable, error, interrupted, code):
    outcome = ReplayOutcome(summary={}, error=error, usable=usable, interrupted=interrupted)
    assert outcome.exit_code == code


def test_summary_and_page_are_written_and_named(tmp_path):
    outcome = ReplayOutcome(summary={'answered': 3}, usable=True, problems=['no rgb images'])
    write_outcome(tmp_path, outcome, lambda: '<p>page</p>')
    summary = json.loads((tmp_path / 'summary.json').read_text())
    assert summary['files'] == ['report.html', 'summary.json']
    assert summary['problems'] == ['no rgb images']
    assert (tmp_path / 'report.html').read_text() == '<p>page</p>'
    assert sorted(path.name for path in tmp_path.iterdir()) == summary['files']


def test_nothing_answered_makes_no_page(tmp_path):
    write_outcome(tmp_path, ReplayOutcome(summary={}), lambda: pytest.fail('asked for a page'))
    assert [path.name for path in tmp_path.iterdir()] == ['summary.json']


def test_a_full_disk_is_told_and_leaves_no_half_file(tmp_path, small_disk):
    outcome = ReplayOutcome(summary={}, usable=True)
    with small_disk(1000):
        write_outcome(tmp_path, outcome, lambda: 'x' * 5000)
    assert 'cannot be written' in str(outcome.error)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(DataError, match='cannot be made'):
        make_folder(tmp_path / 'file/out')
