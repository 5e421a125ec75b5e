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

"""Disk space for recordings: what still fits, and where one file ends and the next begins."""

from __future__ import annotations

from typing import Literal, TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from xspec_ros.perception.shots import ShotPair

MEGABYTE = 1_000_000
# What a file costs beyond its messages, at most: type definitions twice, header, summary, end.
FILE_BYTES = 64 * 1024
# What a message costs beyond its bytes, at most: record, a chunk of its own, two index entries.
MESSAGE_BYTES = 320

Place: TypeAlias = Literal['same_file', 'new_file']


class DiskBudget:
    """Counts what recordings may take on the disk, before anything is written.

    Every pair is counted at an upper bound of what it takes, so that the finished files are
    never larger than what was counted.

    Attributes:
        limit_bytes: Bytes that all recordings together may take.
        used_bytes: Bytes counted so far, earlier recordings included.

    Args:
        limit_bytes: Bytes that all recordings together may take.
        split_bytes: Largest file; 0 for no limit.
        used_bytes: Bytes that earlier recordings take.
    """

    def __init__(self, limit_bytes: int, *, split_bytes: int = 0, used_bytes: int = 0) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = used_bytes
        self._split_bytes = split_bytes
        self._file_bytes = 0
        self._epoch: int | None = None

    def admit(self, pair: ShotPair) -> Place | None:
        """Count a pair that is to be written.

        A file never holds stamps that go back: a new epoch begins a new file.

        Returns:
            Where it goes; None when it does not fit, and nothing is counted then.
        """
        cost = pair.nbytes + MESSAGE_BYTES * (len(pair.pictures) + len(pair.infos))
        full = 0 < self._split_bytes < self._file_bytes + cost
        new = full or pair.epoch != self._epoch
        total = cost + FILE_BYTES if new else cost
        if self.used_bytes + total > self.limit_bytes:
            return None
        self.used_bytes += total
        self._file_bytes = total if new else self._file_bytes + total
        self._epoch = pair.epoch
        return 'new_file' if new else 'same_file'
