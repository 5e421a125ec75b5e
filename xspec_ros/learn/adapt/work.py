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

"""The folder for what lies between drives and bundle."""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import TYPE_CHECKING

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.adapt.gather import FRAMES_NAME
from xspec_ros.learn.adapt.handover import DRAFT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN_NAME = 'run'
OURS = frozenset({FRAMES_NAME, f'{FRAMES_NAME}.unfinished', RUN_NAME, DRAFT_NAME})


@contextlib.contextmanager
def work_folder(out: Path, kept: Path | None) -> Iterator[Path]:
    """Make the folder; a passing one lies beside the bundle and is gone at the end.

    Args:
        out: Folder of the new bundle.
        kept: A folder that stays; its chosen frames are used again, its run is not.

    Yields:
        The folder.

    Raises:
        ConfigError: ``kept`` holds something else.
        DataError: It cannot be made.
    """
    folder = out.parent / f'.{out.name}.adapt-{os.getpid()}' if kept is None else kept
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strange = sorted({path.name for path in folder.iterdir()} - OURS)
    except OSError as err:
        message = f'cannot write {folder}: {err.strerror or err}'
        raise DataError(message, hint='give a folder that can be written') from err
    if strange:
        message = f'{folder} holds {", ".join(strange[:3])}'
        raise ConfigError(message, hint='give --work a new folder, or one of an earlier adapt')
    for name in (RUN_NAME, DRAFT_NAME):
        shutil.rmtree(folder / name, ignore_errors=True)
    try:
        yield folder
    finally:
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
