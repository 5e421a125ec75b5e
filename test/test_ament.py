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

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = [str(ROOT / name) for name in ('xspec_ros', 'launch', 'test')]


def test_flake8_of_ament_agrees() -> None:
    ament_flake8 = pytest.importorskip('ament_flake8.main', reason='no ROS 2 is sourced')
    code, errors = ament_flake8.main_with_errors(argv=['--linelength', '99', *FOLDERS])
    assert code == 0, '\n'.join(errors)


def test_pep257_of_ament_agrees() -> None:
    ament_pep257 = pytest.importorskip('ament_pep257.main', reason='no ROS 2 is sourced')
    assert ament_pep257.main(argv=['--convention', 'google', str(ROOT / 'xspec_ros')]) == 0


def test_the_package_manifest_is_valid_xml() -> None:
    ament_xmllint = pytest.importorskip('ament_xmllint.main', reason='no ROS 2 is sourced')
    assert ament_xmllint.main(argv=[str(ROOT / 'package.xml')]) == 0
