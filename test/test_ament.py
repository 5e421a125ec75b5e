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

"""The ament lint tests, where ROS 2 is sourced."""

from __future__ import annotations

from pathlib import Path
import re

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = [str(ROOT / name) for name in ('xspec_ros', 'launch', 'test')]
OFFLINE = 'failed to load external entity'


def linter(name: str):
    """Return a linter's module; skip without it."""
    pytest.importorskip('ament_lint', reason='no ROS 2 is sourced')
    return pytest.importorskip(f'ament_{name}.main', reason=f'ament_{name} is not usable here')


def test_flake8_of_ament_agrees() -> None:
    config = str(Path(__file__).with_name('ament_flake8.ini'))
    code, errors = linter('flake8').main_with_errors(argv=['--config', config, *FOLDERS])
    assert code == 0, '\n'.join(errors)


def test_pep257_of_ament_agrees(capfd: pytest.CaptureFixture[str]) -> None:
    options = ['--convention', 'google', '--add-ignore', 'D105', 'D107', 'D202', 'D301', '--']
    code = linter('pep257').main(argv=[*options, str(ROOT / 'xspec_ros'), str(ROOT / 'launch')])
    assert code == 0, capfd.readouterr().err


def test_every_source_file_has_a_copyright_that_ament_knows(
    capfd: pytest.CaptureFixture[str],
) -> None:
    paths = [*FOLDERS, str(ROOT / 'setup.py'), str(ROOT / 'docs'), str(ROOT / 'benchmarks')]
    assert linter('copyright').main(argv=paths) == 0, capfd.readouterr().out


def test_the_package_manifest_is_valid_xml(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lint = linter('xmllint').main
    manifest = ROOT / 'package.xml'
    code, said = lint(argv=[str(manifest)]), capfd.readouterr().err
    if OFFLINE in said:  # the schema is on the web; without it the form can be checked still
        copy = tmp_path / 'package.xml'
        text = re.sub(r'<\?xml-model[^>]*>', '', manifest.read_text(encoding='utf-8'))
        copy.write_text(text, encoding='utf-8')
        code, said = lint(argv=[str(copy)]), capfd.readouterr().err
    assert code == 0, said
