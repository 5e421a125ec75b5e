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

"""Where the files lie that are installed beside the package: recipes, parameters, launch files."""

from __future__ import annotations

from pathlib import Path

from xspec_ros.config import nearest
from xspec_ros.errors import ConfigError

PACKAGE = Path(__file__).resolve().parent


def share_folder() -> Path:
    """Return the folder that holds ``config`` and ``launch``.

    A checkout (an editable install, ``colcon build --symlink-install``) holds them beside the
    package, an installation in ``share/xspec_ros`` of the prefix that the package lies in.

    Raises:
        ConfigError: They are not installed.
    """
    for parent in PACKAGE.parents:
        for folder in (parent, parent / 'share' / PACKAGE.name):
            if (folder / 'package.xml').is_file() and (folder / 'config' / 'recipes').is_dir():
                return folder
    message = f'no share/{PACKAGE.name} above {PACKAGE}'
    raise ConfigError(message, hint='install with pip or colcon, or run from a checkout')


def find_recipe(recipe: str | Path) -> Path:
    """Return the file of a recipe.

    Args:
        recipe: A file, or the name of one that is shipped, such as ``default``.

    Raises:
        ConfigError: Neither.
    """
    path = Path(recipe)
    if path.name != str(recipe) or path.suffix or path.is_file():
        return path
    folder = share_folder() / 'config' / 'recipes'
    shipped = folder / f'{path.name}.yaml'
    if shipped.is_file():
        return shipped
    message = f'no file and no shipped recipe {str(recipe)!r}'
    raise ConfigError(message, hint=nearest(path.name, [each.stem for each in folder.glob('*')]))
