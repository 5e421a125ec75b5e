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

"""What the repository promises about itself."""

from __future__ import annotations

from pathlib import Path
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

import xspec_ros

ROOT = Path(__file__).parent.parent
MAX_FILE_BYTES = 20_000_000
LICENCE_LINES = 14  # at the head of every source file, as ament_copyright wants it
MAX_LINES = 400
MAX_BUNDLE_BYTES = 30_000_000


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip('not a git checkout')
    return [ROOT / name for name in listed.stdout.split('\0') if name and (ROOT / name).is_file()]


def test_one_version_everywhere() -> None:
    manifest = ElementTree.parse(ROOT / 'package.xml').getroot()
    setup_text = (ROOT / 'setup.py').read_text(encoding='utf-8')
    assert manifest.findtext('version') == xspec_ros.__version__
    assert f"version='{xspec_ros.__version__}'" in setup_text


def test_no_file_is_larger_than_a_repository_should_carry() -> None:
    assert [p.name for p in tracked_files() if p.stat().st_size > MAX_FILE_BYTES] == []


def test_every_shipped_bundle_is_small() -> None:
    for folder in (ROOT / 'xspec_ros' / 'models').glob('*/'):
        assert sum(p.stat().st_size for p in folder.rglob('*')) < MAX_BUNDLE_BYTES


def test_every_source_file_names_its_licence() -> None:
    bare = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.suffix == '.py' and 'Apache License, Version 2.0' not in path.read_text()[:300]
    ]
    assert bare == []


def test_modules_stay_readable() -> None:
    long_ones = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.suffix == '.py'
        and ROOT / 'test' not in path.parents
        and len(path.read_text(encoding='utf-8').splitlines()) > MAX_LINES + LICENCE_LINES
    ]
    assert long_ones == []


def test_no_pickle_is_ever_loaded() -> None:
    risky = re.compile(r'\bpickle\.loads?\(|torch\.load\(|allow_pickle=True')
    readers = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / 'xspec_ros').rglob('*.py')
        if risky.search(path.read_text(encoding='utf-8'))
    ]
    assert readers == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f'{page.name}: {target}'
        for page in [ROOT / 'README.md', *(ROOT / 'docs').rglob('*.md')]
        for target in re.findall(r'\]\(([^)#\s]+)', page.read_text(encoding='utf-8'))
        if '://' not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_generated_pages_are_up_to_date() -> None:
    code = (
        'import sys; sys.path.insert(0, "docs"); import generate; '
        'print([n for n, page in generate.PAGES.items() '
        'if (generate.HERE / n).read_text(encoding="utf-8") != page()])'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == '[]', 'run `make docs`'
