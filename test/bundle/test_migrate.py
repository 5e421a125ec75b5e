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

"""Schema versions other than the present one."""

from __future__ import annotations

import pytest

from xspec_ros.bundle import migrate as module
from xspec_ros.bundle.manifest import SCHEMA_VERSION
from xspec_ros.bundle.migrate import migrate
from xspec_ros.errors import BundleError


def test_the_present_version_passes_unchanged():
    raw = {'schema_version': SCHEMA_VERSION, 'name': 'x'}
    assert migrate(raw, 'here') == raw


def test_a_newer_version_is_refused_by_name():
    with pytest.raises(BundleError, match=f'schema version {SCHEMA_VERSION + 1}'):
        migrate({'schema_version': SCHEMA_VERSION + 1}, 'here')


@pytest.mark.parametrize('version', [0, -1])
def test_an_older_version_without_a_migration_is_refused_by_name(version):
    with pytest.raises(BundleError, match=f'schema version {version}'):
        migrate({'schema_version': version}, 'here')


@pytest.mark.parametrize('version', [None, '1', 1.0, True])
def test_a_version_is_a_whole_number(version):
    with pytest.raises(BundleError, match='schema_version'):
        migrate({'schema_version': version}, 'here')


def test_migrations_run_in_order(monkeypatch):
    steps = {
        SCHEMA_VERSION - 2: lambda raw: {**raw, 'steps': ['first']},
        SCHEMA_VERSION - 1: lambda raw: {**raw, 'steps': [*raw['steps'], 'second']},
    }
    monkeypatch.setattr(module, 'MIGRATIONS', steps)
    raw = migrate({'schema_version': SCHEMA_VERSION - 2}, 'here')
    assert raw['steps'] == ['first', 'second']
