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

"""What pip and colcon install beside the package, laid out by the real setup.py."""

from __future__ import annotations

import ast
import os
from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip('setuptools')

ROOT = Path(__file__).parent.parent
NODES = ROOT / 'xspec_ros' / 'nodes'


@pytest.fixture(scope='module')
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('prefix')
    command = [sys.executable, 'setup.py', '-q', 'install_data', '--install-dir', str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder


def test_the_package_is_in_the_index(prefix):
    assert (prefix / 'share/ament_index/resource_index/packages/xspec_ros').is_file()
    assert (prefix / 'share/xspec_ros/package.xml').is_file()


@pytest.mark.parametrize('folder', ['launch', 'config'])
def test_every_file_is_shipped(prefix, folder):
    own = {path.relative_to(ROOT) for path in (ROOT / folder).rglob('*') if path.is_file()}
    share = prefix / 'share' / 'xspec_ros'
    shipped = {path.relative_to(share) for path in (share / folder).rglob('*') if path.is_file()}
    assert shipped == {path for path in own if '__pycache__' not in path.parts}


def test_every_node_can_be_run(prefix):
    executables = prefix / 'lib' / 'xspec_ros'
    found = {path.name for path in executables.iterdir()}
    assert all(os.access(executables / name, os.X_OK) for name in found)
    nodes = {
        path.stem
        for path in NODES.glob('*.py')
        if 'main' in {getattr(part, 'name', '') for part in ast.parse(path.read_text()).body}
    }
    assert found == {*nodes, 'xspec'}


def test_an_executable_runs_from_elsewhere(prefix, tmp_path):
    command = [sys.executable, str(prefix / 'lib' / 'xspec_ros' / 'xspec'), 'info', '--help']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert 'Check a bundle' in done.stdout


def test_an_executable_prefers_its_own_environment(prefix, tmp_path):
    """In an environment that is not active, the interpreter beside it is taken."""
    (prefix / 'pyvenv.cfg').touch()
    (prefix / 'bin').mkdir()
    python = prefix / 'bin' / 'python3'
    python.write_text('#!/bin/sh\necho "own $@"\n', encoding='utf-8')
    python.chmod(0o755)
    program = prefix / 'lib' / 'xspec_ros' / 'perception'
    command = [sys.executable, str(program), '--ros-args']
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f'own {program} --ros-args\n'
