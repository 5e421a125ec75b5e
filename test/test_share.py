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

"""What is installed beside the package is found: from a checkout and from a prefix."""

from __future__ import annotations

from pathlib import Path

import pytest

from xspec_ros import share
from xspec_ros.errors import ConfigError

ROOT = Path(__file__).parent.parent


def installed(prefix: Path, package: str) -> Path:
    """Lay an installation out as pip and colcon do and return its share folder."""
    folder = prefix / 'share' / 'xspec_ros'
    (folder / 'config' / 'recipes').mkdir(parents=True)
    (folder / 'config' / 'recipes' / 'mine.yaml').touch()
    (folder / 'package.xml').touch()
    (prefix / package).mkdir(parents=True)
    return folder


def test_a_checkout_is_its_own_share_folder():
    assert share.share_folder() == ROOT


@pytest.mark.parametrize(
    'package',
    [
        'lib/python3.12/site-packages/xspec_ros',  # pip, in an environment or for a user; colcon
        'local/lib/python3.10/dist-packages/xspec_ros',  # pip of Debian and Ubuntu
    ],
)
def test_an_installation_is_found_from_its_package(monkeypatch, tmp_path, package):
    folder = installed(tmp_path, package)
    monkeypatch.setattr(share, 'PACKAGE', tmp_path / package)
    assert share.share_folder() == folder
    assert share.find_recipe('mine') == folder / 'config' / 'recipes' / 'mine.yaml'


def test_a_package_alone_says_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(share, 'PACKAGE', tmp_path / 'xspec_ros')
    with pytest.raises(ConfigError, match='install with pip or colcon'):
        share.share_folder()


def test_a_bare_name_is_a_shipped_recipe():
    assert share.find_recipe('default') == ROOT / 'config' / 'recipes' / 'default.yaml'


def test_a_file_goes_before_a_shipped_recipe(monkeypatch, tmp_path):
    (tmp_path / 'default').touch()
    monkeypatch.chdir(tmp_path)
    assert share.find_recipe('default') == Path('default')


@pytest.mark.parametrize('path', ['here/default', 'default.yaml', '/abs/default'])
def test_a_path_stays_a_path(path):
    assert share.find_recipe(path) == Path(path)


def test_a_misspelt_recipe_gets_the_nearest_name():
    with pytest.raises(ConfigError, match='did you mean default'):
        share.find_recipe('defalt')
