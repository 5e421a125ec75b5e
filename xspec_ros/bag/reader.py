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

"""Read any ROS 2 bag: one file or a folder, MCAP or sqlite3, compressed, split, torn."""

from __future__ import annotations

import heapq
import logging
from pathlib import Path, PurePosixPath
import re
import shutil
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import yaml
import zstandard

from xspec_ros.bag.mcap_file import MAGIC as MCAP_MAGIC
from xspec_ros.bag.mcap_file import McapFile
from xspec_ros.bag.records import BagFile, Record, TopicInfo
from xspec_ros.bag.sqlite_file import SqliteFile
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from types import TracebackType

METADATA = 'metadata.yaml'
SUFFIXES = ('.mcap', '.db3', '.mcap.zstd', '.db3.zstd')
SQLITE_MAGIC = b'SQLite format 3\0'
ROS1_MAGIC = b'#ROSBAG'
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'

logger = logging.getLogger(__name__)


class BagReader:
    """One bag, opened for reading; use it as a context manager.

    Args:
        path: A ``.mcap`` or ``.db3`` file, or a bag folder (its ``metadata.yaml`` may be missing).

    Raises:
        DataError: The path is missing, empty or no ROS 2 bag.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._scratch: TemporaryDirectory[str] | None = None
        self._damage: list[str] = []
        self._files: list[BagFile] = []
        if not self.path.exists():
            message = f'no bag at {self.path}'
            raise DataError(message, hint='give a .mcap file or a bag folder')
        try:
            paths, message_zstd = (
                self._folder_files() if self.path.is_dir() else ([self.path], False)
            )
            for file in paths:
                self._open_file(file, message_zstd=message_zstd)
        except BaseException:
            self.close()
            raise

    @property
    def tear(self) -> str | None:
        """What could not be read so far; None while everything could."""
        damage = [*self._damage, *(text for file in self._files for text in file.damage)]
        return '; '.join(damage) or None

    def topics(self) -> tuple[TopicInfo, ...]:
        """Return every topic with its type and count, over all files of the bag."""
        found: dict[tuple[str, str], TopicInfo] = {}
        for topic in (topic for file in self._files for topic in file.topics()):
            before = found.get((topic.name, topic.type_name))
            found[topic.name, topic.type_name] = TopicInfo(
                name=topic.name,
                type_name=topic.type_name,
                count=topic.count + (before.count if before else 0),
                digest=topic.digest or (before.digest if before else ''),
                definition=topic.definition or (before.definition if before else ''),
            )
        return tuple(found.values())

    def messages(self, topics: Collection[str] | None = None) -> Iterator[Record]:
        """Yield messages in log-time order; equal times in order of recording.

        Args:
            topics: Topics to read; None for all, empty for none.

        Yields:
            One record a message; what cannot be read is named in ``tear`` afterwards.
        """
        streams = [file.messages(topics) for file in self._files]
        yield from heapq.merge(*streams, key=lambda record: record.log_ns)

    def __iter__(self) -> Iterator[Record]:
        """Yield all messages in log-time order."""
        return self.messages()

    def __enter__(self) -> BagReader:
        """Return the reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the bag."""
        self.close()

    def close(self) -> None:
        """Close all files."""
        for file in self._files:
            file.close()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def _folder_files(self) -> tuple[list[Path], bool]:
        """Return the storage files of a folder and whether messages are compressed singly."""
        there = sorted(
            (file for file in self.path.iterdir() if file.name.endswith(SUFFIXES)),
            key=lambda file: [
                int(part) if part.isdigit() else part for part in re.split(r'(\d+)', file.name)
            ],
        )
        named, message_zstd = self._metadata()
        missing = [name for name in named if not (self.path / name).exists()]
        files = [self.path / name for name in named if name not in missing] or there
        if missing and files:
            self._damage.append(f'files of {self.path.name} are missing: {", ".join(missing)}')
        if not files:
            message = f'no bag files in {self.path}'
            raise DataError(message, hint=f'expected {METADATA} and *.mcap or *.db3')
        return files, message_zstd

    def _metadata(self) -> tuple[list[str], bool]:
        """Return file names and message compression as ``metadata.yaml`` states them."""
        path = self.path / METADATA
        try:
            info = yaml.safe_load(path.read_text(encoding='utf-8'))['rosbag2_bagfile_information']
            names = [PurePosixPath(str(name)).name for name in info['relative_file_paths']]
            mode = str(info.get('compression_mode') or '').lower()
        except FileNotFoundError:
            logger.info('%s has no %s, reading its files as they lie', self.path, METADATA)
            return [], False
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            logger.warning('%s is unreadable (%s), reading the files as they lie', path, error)
            return [], False
        return names, mode == 'message'

    def _open_file(self, path: Path, *, message_zstd: bool) -> None:
        try:
            with path.open('rb') as file:
                head = file.read(len(SQLITE_MAGIC))
            if head.startswith(ZSTD_MAGIC):
                path, head = self._unpacked(path)
            if head.startswith(MCAP_MAGIC):
                self._files.append(McapFile(path))
            elif head == SQLITE_MAGIC:
                self._files.append(SqliteFile(path, message_zstd=message_zstd))
            else:
                self._refuse(path, head)
        except OSError as error:
            message = f'{path} cannot be read: {error.strerror}'
            raise DataError(message, hint='check the path and its permissions') from error

    def _refuse(self, path: Path, head: bytes) -> None:
        """Raise what is wrong with a file that is no bag, or note it in a split bag."""
        if not head:
            message, hint = f'{path} is empty (0 bytes)', 'the recording never started'
        elif head.startswith(ROS1_MAGIC):
            message, hint = f'{path} is a ROS 1 bag', 'convert it with rosbags-convert'
        else:
            message, hint = f'{path} is no ROS 2 bag', 'it starts neither as MCAP nor as sqlite3'
        if self.path.is_dir() and (self._files or not head):
            self._damage.append(message)
            return
        raise DataError(message, hint=hint)

    def _unpacked(self, path: Path) -> tuple[Path, bytes]:
        """Decompress a file that was compressed as a whole; a torn one as far as it goes."""
        if self._scratch is None:
            self._scratch = TemporaryDirectory(prefix='xspec-bag-')
        target = Path(self._scratch.name) / path.stem
        with path.open('rb') as packed, target.open('wb') as out:
            try:
                with zstandard.ZstdDecompressor().stream_reader(
                    packed, read_across_frames=True
                ) as stream:
                    shutil.copyfileobj(stream, out, 1 << 20)
            except zstandard.ZstdError as error:
                self._damage.append(f'{path.name} cannot be decompressed to its end: {error}')
        with target.open('rb') as file:
            return target, file.read(len(SQLITE_MAGIC))


def describe_topics(topics: Sequence[TopicInfo]) -> str:
    """Return the topics and types of a bag as one line, for error messages."""
    if not topics:
        return 'none'
    return ', '.join(f'{topic.name} ({topic.type_name}, {topic.count})' for topic in topics)


def choose_topic(
    topics: Sequence[TopicInfo], wanted: Sequence[str], types: Collection[str], *, where: Path
) -> TopicInfo:
    """Pick the first wanted topic that is there with an accepted type and has messages.

    Args:
        topics: Topics of the bag.
        wanted: Names in order of preference.
        types: Accepted types.
        where: The bag, for the message.

    Returns:
        The topic.

    Raises:
        DataError: None is there, or only with another type; names what is there instead.
    """
    named = [topic for name in wanted for topic in topics if topic.name == name]
    fitting = [topic for topic in named if topic.type_name in types]
    for topic in fitting:
        if topic.count:
            return topic
    if fitting:
        return fitting[0]
    if named:
        message = (
            f'{named[0].name} in {where} has type {named[0].type_name}, '
            f'not {" or ".join(sorted(types))}'
        )
    else:
        message = f'no topic {wanted[0]} in {where}'
    candidates = [topic for topic in topics if topic.type_name in types]
    if candidates:
        message += f'; candidates: {describe_topics(candidates)}'
        raise DataError(message, hint='name one of them with an option')
    message += f'; it holds: {describe_topics(topics)}'
    raise DataError(message, hint='is this the right bag?')
