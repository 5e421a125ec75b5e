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

"""Folders that are whole or not there at all."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Fill a folder beside and rename it at the end, so that a torn one is never opened.

    Args:
        folder: Where it is to lie; nothing lies there yet.

    Yields:
        The folder to fill. What an earlier attempt left there is gone.

    Raises:
        OSError: It cannot be made or renamed.
    """
    unfinished = folder.with_name(folder.name + '.unfinished')
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        yield unfinished
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # gone already where all went well


def fill_once(folder: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder that several processes may want at once: the first does, the others wait.

    Args:
        folder: Where it is to lie; a lock file of its name lies beside it meanwhile.
        fill: Fills the folder that it is given.

    Raises:
        OSError: It cannot be made or renamed.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(folder.name + '.lock')
    with path.open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file closes, by a crash too
        if not folder.exists():
            with whole_folder(folder) as unfinished:
                fill(unfinished)
        path.unlink(missing_ok=True)  # whoever waits for it, or makes a new one, finds the folder
