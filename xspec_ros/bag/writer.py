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

"""Write bags: one MCAP file that stays readable whatever happens, or a folder by rosbags."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
import shutil
import struct
from typing import BinaryIO, cast, IO, Literal, Protocol, TYPE_CHECKING, TypeAlias

from mcap.opcode import Opcode
from mcap.writer import CompressionType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer as FolderWriter

from xspec_ros.bag.mcap_file import MAGIC
from xspec_ros.errors import DataError
from xspec_ros.messages.typestore import definition, type_hash

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from rosbags.interfaces import Connection

# Every picture closes its chunk, so a killed process loses at most the frame it was writing.
CHUNK_BYTES = 256 * 1024
KEPT_MARKS = 64
# The shortest end a reader takes: end of data and footer, both without checksum and summary.
END = (
    struct.pack('<BQI', Opcode.DATA_END, 4, 0)
    + struct.pack('<BQQQI', Opcode.FOOTER, 20, 0, 0, 0)
    + MAGIC
)

Storage: TypeAlias = Literal['mcap', 'sqlite3']
STORAGES: dict[Storage, StoragePlugin] = {
    'mcap': StoragePlugin.MCAP,
    'sqlite3': StoragePlugin.SQLITE3,
}


class _Sink(Protocol):
    """Where the messages go."""

    def write(self, topic: str, type_name: str, cdr: bytes | memoryview, log_ns: int) -> None:
        """Take one message."""

    def close(self) -> None:
        """Finish the bag."""


class BagWriter:
    """One bag being written; use it as a context manager.

    The bag is finished properly also when the block is left by an error or Ctrl-C. When the disk
    is full, what was written is cut back to the last whole chunk and closed, then the error is
    raised.

    Args:
        path: ``NAME.mcap`` for one file, anything else for a bag folder.
        storage: Storage of a folder.
        compress: Compress chunks of a single file with zstd.
        chunk_bytes: Bytes after which a chunk of a single file ends; what waits for its end is
            lost with a killed process.
        overwrite: Replace a bag that is there; otherwise only an absent or empty path is taken.

    Raises:
        DataError: The path is taken or cannot be written.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        storage: Storage = 'mcap',
        compress: bool = False,
        chunk_bytes: int = CHUNK_BYTES,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self.messages = 0
        self.topics: list[str] = []
        _clear(self.path, overwrite=overwrite)
        self._sink: _Sink | None = None
        with _explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._sink = (
                _FileSink(self.path, compress=compress, chunk_bytes=chunk_bytes)
                if is_single_file(self.path)
                else _FolderSink(self.path, storage)
            )

    def write(self, topic: str, type_name: str, cdr: bytes | memoryview, log_ns: int) -> None:
        """Append one message.

        Args:
            topic: Topic name.
            type_name: ROS 2 type known to the type store.
            cdr: The message.
            log_ns: Log time in nanoseconds.

        Raises:
            DataError: The bag cannot be written on; what is there has been closed readable.
        """
        if self._sink is None:
            message = f'{self.path} is closed'
            raise DataError(message, hint='it cannot be written any more')
        try:
            with _explained(self.path):
                self._sink.write(topic, type_name, cdr, log_ns)
        except (DataError, KeyboardInterrupt):
            self._sink = None
            raise
        self.messages += 1
        if topic not in self.topics:
            self.topics.append(topic)

    def close(self) -> None:
        """Finish the bag; closing twice is fine."""
        sink, self._sink = self._sink, None
        if sink is not None:
            with _explained(self.path):
                sink.close()

    def __enter__(self) -> BagWriter:
        """Return the writer."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the bag, also after an error."""
        self.close()


def is_single_file(path: Path) -> bool:
    """Tell whether a bag path means one MCAP file."""
    return path.suffix == '.mcap'


class _MarkedFile:
    """A file that remembers where whole records end, unbuffered so that they reach the disk."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.marks: list[int] = []
        self._place = 0

    def write(self, data: bytes) -> int:
        """Write all of ``data`` or raise; a whole record ends with every call."""
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self._place += len(data)
        self.marks = [*self.marks[-KEPT_MARKS:], self._place]
        return len(data)

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def cut(self, mark: int) -> None:
        """Cut the file back."""
        self._file.seek(mark)
        self._file.truncate()
        self._place = mark


class _FileSink:
    """One MCAP file with checksums and early chunks."""

    def __init__(self, path: Path, *, compress: bool, chunk_bytes: int) -> None:
        self._file = _MarkedFile(path.open('wb', buffering=0))
        self._writer = McapWriter(
            cast('IO[bytes]', self._file),
            chunk_size=chunk_bytes,
            compression=CompressionType.ZSTD if compress else CompressionType.NONE,
            enable_crcs=True,
        )
        self._schemas: dict[str, int] = {}
        self._channels: dict[tuple[str, str], int] = {}
        self._counts: dict[int, int] = {}
        self._guarded(lambda: self._writer.start(profile='ros2'))

    def write(self, topic: str, type_name: str, cdr: bytes | memoryview, log_ns: int) -> None:
        channel = self._channels.get((topic, type_name))
        if channel is None:
            channel = self._add_channel(topic, type_name)
        self._counts[channel] += 1
        self._guarded(
            lambda: self._writer.add_message(
                channel,
                log_time=log_ns,
                publish_time=log_ns,
                data=cast('bytes', cdr),
                sequence=self._counts[channel],
            )
        )

    def close(self) -> None:
        self._guarded(self._writer.finish)
        self._file.close()

    def _add_channel(self, topic: str, type_name: str) -> int:
        if type_name not in self._schemas:
            text = definition(type_name).encode()
            self._schemas[type_name] = self._writer.register_schema(type_name, 'ros2msg', text)
        channel: int = self._writer.register_channel(
            topic, 'cdr', self._schemas[type_name], {'topic_type_hash': type_hash(type_name)}
        )
        self._channels[topic, type_name] = channel
        self._counts[channel] = 0
        return channel

    def _guarded(self, work: Callable[[], object]) -> None:
        """Run one write; when disk or Ctrl-C ends it, end the file at the last whole record."""
        try:
            work()
        except (OSError, KeyboardInterrupt):
            with suppress(OSError):
                self._end_early()
            with suppress(OSError):
                self._file.close()
            raise

    def _end_early(self) -> None:
        """Cut back as far as needed until the 50 bytes of an MCAP end fit on the disk."""
        for mark in reversed(self._file.marks):
            self._file.cut(mark)
            with suppress(OSError):
                self._file.write(END)
                return
        if self._file.marks:
            self._file.cut(self._file.marks[-1])


class _FolderSink:
    """A bag folder with ``metadata.yaml``, written by rosbags."""

    def __init__(self, path: Path, storage: Storage) -> None:
        self._writer = FolderWriter(path, version=8, storage_plugin=STORAGES[storage])
        self._writer.open()
        self._connections: dict[tuple[str, str], Connection] = {}

    def write(self, topic: str, type_name: str, cdr: bytes | memoryview, log_ns: int) -> None:
        connection = self._connections.get((topic, type_name))
        if connection is None:
            connection = self._writer.add_connection(
                topic, type_name, msgdef=definition(type_name), rihs01=type_hash(type_name)
            )
            self._connections[topic, type_name] = connection
        self._writer.write(connection, log_ns, cdr)

    def close(self) -> None:
        self._writer.close()


class _explained:  # noqa: N801 - reads as a clause: with _explained(path)
    """Turn what storages raise into one clear error."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Word the error."""
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            message = f'{self._path} cannot be written: {reason}'
            hint = 'free some space or choose another path; what was written before is readable'
            raise DataError(message, hint=hint) from error
        if error is not None and type(error).__module__.partition('.')[0] in (
            'sqlite3',
            'rosbags',
        ):
            message = f'{self._path} cannot be written: {error}'
            raise DataError(message, hint='choose another path') from error


def _clear(path: Path, *, overwrite: bool) -> None:
    """Make room for a bag, or say why not."""
    if not path.exists():
        return
    if is_single_file(path):
        taken = path.is_dir() or (path.is_file() and path.stat().st_size > 0)
        ours = not path.is_dir()
    else:
        taken = not path.is_dir() or any(path.iterdir())
        ours = (path / 'metadata.yaml').is_file()
        if path.is_dir() and not taken:
            path.rmdir()
    if taken and not (overwrite and ours):
        message = f'{path} is there already'
        hint = 'pass --overwrite to replace it' if ours else 'choose another path'
        raise DataError(message, hint=hint)
    if taken and path.is_dir():
        shutil.rmtree(path)


__all__ = ['BagWriter', 'Storage', 'is_single_file']
