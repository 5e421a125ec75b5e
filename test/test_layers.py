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

"""Who may import whom: the syntax trees are held against one table."""

from __future__ import annotations

import ast
from pathlib import Path
import subprocess
import sys

import pytest

import xspec_ros

ROOT = Path(xspec_ros.__file__).parent
BASE = {'errors', 'config', 'core'}
ALLOWED: dict[str, set[str]] = {
    'errors': set(),
    'config': {'errors'},
    'core': {'errors'},
    'synth': {'core', 'errors'},
    'datasets': BASE,
    'bundle': BASE,
    'messages': {'core', 'errors'},
    'engines': {'core', 'bundle', 'errors'},
    'perception': BASE | {'bundle', 'engines', 'messages', 'datasets'},
    'bag': BASE | {'bundle', 'messages', 'perception', 'datasets', 'report'},
    'dds': BASE | {'messages', 'perception'},
    'nodes': BASE | {'messages', 'perception'},
    'report': BASE | {'datasets', 'bundle', 'perception'},
    'learn': BASE | {'datasets', 'synth', 'bag', 'bundle', 'engines', 'perception'},
}
EXCEPTIONS = {
    ('core/rig.py', 'config'),
    ('engines/torch.py', 'learn'),
    ('nodes/evaluator.py', 'bag'),
    ('nodes/record_pairs.py', 'bag'),
}
THIRD_PARTY_HOME = {
    'rclpy': ('nodes',),
    'message_filters': ('nodes',),
    'cv_bridge': ('nodes',),
    'cyclonedds': ('dds',),
    'torch': ('learn', 'engines/torch.py'),
    'lightning_fabric': ('learn/train',),
    'onnxruntime': ('engines/onnxruntime.py', 'learn/export'),
    'openvino': ('engines/openvino.py',),
    'tensorrt': ('engines/tensorrt.py',),
    'rosbags': ('messages', 'bag', 'dds/idl.py'),
    'mcap': ('bag',),
    'typer': ('cli',),
    'rich': ('cli',),
}
LEARN_ORDER = ('batch', 'models', 'data', 'methods', 'train', 'export', 'adapt')


def modules() -> list[Path]:
    return sorted(ROOT.rglob('*.py'))


def imports(path: Path) -> set[str]:
    """Return every imported module, those inside functions included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
        elif isinstance(node, ast.ImportFrom) and node.level:
            pytest.fail(f'{path} imports relatively; absolute names say where things live')
    return found


def folder_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix('.py')


@pytest.mark.parametrize('path', modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_its_folder_may(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix()
    folder = folder_of(path)
    if folder not in ALLOWED:
        return  # cli and the package's own entry points may use anything
    inside = {name.split('.')[1] for name in imports(path) if name.startswith('xspec_ros.')}
    excused = {target for where, target in EXCEPTIONS if where == relative}
    assert inside - ALLOWED[folder] - {folder} - excused == set()


@pytest.mark.parametrize('package', sorted(THIRD_PARTY_HOME))
def test_a_heavy_package_is_imported_only_at_home(package: str) -> None:
    homes = THIRD_PARTY_HOME[package]
    strays = [
        path.relative_to(ROOT).as_posix()
        for path in modules()
        if folder_of(path) != 'cli'
        and any(name.split('.')[0] == package for name in imports(path))
        and not path.relative_to(ROOT).as_posix().startswith(homes)
    ]
    assert strays == []


def test_no_two_folders_import_each_other() -> None:
    edges = {
        (folder_of(path), name.split('.')[1])
        for path in modules()
        for name in imports(path)
        if name.startswith('xspec_ros.') and folder_of(path) in ALLOWED
    }
    excused = {('engines', 'learn')}
    both = {(a, b) for a, b in edges if a < b and (b, a) in edges and (a, b) not in excused}
    assert both == set()


def test_learn_flows_from_batch_to_adapt() -> None:
    for path in sorted((ROOT / 'learn').rglob('*.py')):
        stage = path.relative_to(ROOT / 'learn').parts[0].removesuffix('.py')
        if stage not in LEARN_ORDER:
            continue
        for name in imports(path):
            parts = name.split('.')
            if parts[:2] == ['xspec_ros', 'learn'] and len(parts) > 2 and parts[2] in LEARN_ORDER:
                later = LEARN_ORDER.index(parts[2]) > LEARN_ORDER.index(stage)
                assert not later, f'{path} imports {name}'


def test_importing_the_package_and_its_help_costs_no_heavy_package() -> None:
    heavy = "{'torch', 'rclpy', 'onnxruntime', 'openvino', 'cyclonedds', 'cv2', 'rosbags'}"
    code = (
        'import sys, xspec_ros.cli.app as app; app.build(); '
        f'print(sorted({heavy} & set(sys.modules)))'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
