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

"""What tells a drive's files from those of yesterday without reading them."""

from __future__ import annotations

from typing import NamedTuple, TYPE_CHECKING

from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path


class FileState(NamedTuple):
    """A file as its folder lists it."""

    path: str
    size: int
    mtime_ns: int


def file_states(path: Path) -> list[FileState]:
    """Return every file of a bag or folder, in order.

    Args:
        path: A file, or a folder with all that lies below it.

    Raises:
        DataError: It cannot be read.
    """
    files = sorted(path.rglob('*')) if path.is_dir() else [path]
    try:
        stats = [file.stat() for file in files]
    except OSError as err:
        message = f'cannot read {path}: {err.strerror or err}'
        raise DataError(message, hint='give the path of a bag or of a data set folder') from err
    return [
        FileState(str(file.relative_to(path.parent)), stat.st_size, stat.st_mtime_ns)
        for file, stat in zip(files, stats, strict=True)
    ]
