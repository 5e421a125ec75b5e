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

"""The command as a whole: help, bad usage, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def xspec(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, '-m', 'xspec_ros', *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_help_names_every_verb() -> None:
    done = xspec('--help')
    assert done.returncode == 0
    for verb in ('demo', 'synth', 'bag', 'replay', 'live', 'play', 'train', 'export', 'doctor'):
        assert verb in done.stdout


@pytest.mark.parametrize('arguments', [('replay',), ('replay', 'x.mcap', '--nope')])
def test_bad_usage_ends_with_2_and_one_json_object_where_asked(arguments: tuple[str, ...]) -> None:
    done = xspec(*arguments, '--json')
    assert done.returncode == 2
    assert set(json.loads(done.stdout)['error']) == {'kind', 'message', 'hint'}
    plain = xspec(*arguments)
    assert (plain.returncode, plain.stdout) == (2, '')
    assert 'Usage' in plain.stderr


def test_a_verb_that_succeeds_prints_one_json_object() -> None:
    done = xspec('doctor', '--json')
    assert done.returncode == 0
    assert {'engines', 'ros', 'dds', 'problems'} <= set(json.loads(done.stdout))
