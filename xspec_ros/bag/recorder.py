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

"""Write pairs of a live stream into bags: never blocking the stream, never beyond the budget."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
import logging
from pathlib import Path
import re
import shutil
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING

from xspec_ros.bag.writer import BagWriter, is_single_file
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.perception.budget import DiskBudget, MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspec_ros.perception.budget import Place
    from xspec_ros.perception.harvest import Refusal
    from xspec_ros.perception.shots import CameraMessage, ShotPair

log = logging.getLogger(__name__)

QUEUE_BYTES = 256 * 2**20
CLOSE_WITHIN_S = 1.0
NAME = 'pairs'
TIME = '%Y_%m_%d-%H_%M_%S'
CHUNK_BYTES = 1  # every message ends its chunk, and a killed process loses no message before it
STAMP_END = 12  # a CDR header and the stamp, which alone differs from one calibration to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """How the writing goes.

    Attributes:
        path: File being written, or the last one; None before the first pair.
        files: Files begun.
        pairs: Pairs that are in them.
        queued: Pairs that wait to be written.
        lost: Pairs that were accepted and could not be written.
        failure: Why nothing is written any more; empty while something is.
        used_bytes: Disk space counted against the budget.
        limit_bytes: The budget.
        free_bytes: Free space on the disk; None when the folder is gone.
    """

    path: Path | None
    files: int
    pairs: int
    queued: int
    lost: int
    failure: str
    used_bytes: int
    limit_bytes: int
    free_bytes: int | None


class RecordingPlace:
    """Where recordings lie and what they are called.

    A folder gets ``pairs_TIME.mcap``; ``NAME.mcap`` is used as it is while it is free, and
    becomes ``NAME_TIME.mcap`` where it is taken. Further files of one start are numbered.

    Args:
        out: Folder or ``.mcap`` file.

    Raises:
        ConfigError: The folder cannot be made or written.
    """

    def __init__(self, out: Path | str) -> None:
        path = Path(out).expanduser()
        self._exact = path if is_single_file(path) else None
        self.folder = path.parent if self._exact else path
        self._name = path.stem if self._exact else NAME
        self._started = datetime.now().astimezone().strftime(TIME)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe = self.folder / f'.{self._name}_{self._started}'
            probe.touch()
            probe.unlink()
        except OSError as error:
            message = f'out is {out}: {self.folder} cannot be written: {error.strerror}'
            raise ConfigError(message, hint='choose a folder that can be written') from error

    def used_bytes(self) -> int:
        """Return what the recordings of earlier starts take."""
        ours = re.compile(
            rf'{re.escape(self._name)}(_\d{{4}}(_\d\d){{2}}-\d\d(_\d\d){{2}})?(_\d+)?\.mcap'
        )
        there = (path for path in self.folder.iterdir() if ours.fullmatch(path.name))
        return sum(path.stat().st_size for path in there)

    def free_bytes(self) -> int | None:
        """Return the free space of the disk; None when the folder is gone."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return None

    def next_file(self) -> Path:
        """Return a path at which nothing is."""
        if self._exact is not None and not self._exact.exists():
            return self._exact
        stem, number = f'{self._name}_{self._started}', 0
        while (path := self.folder / f'{stem}{f"_{number}" if number else ""}.mcap').exists():
            number += 1
        return path


class PairRecorder:
    """Writes pairs in a thread of its own; a bounded queue lies between.

    A file is begun with the first pair that goes into it and ended by ``close``, when the budget
    is used up, or when the disk refuses; it can be read in every case.

    Args:
        place: Where to.
        budget: What may be written.
        min_free_bytes: Free space to leave on the disk.
        queue_bytes: Most bytes that wait to be written.
    """

    def __init__(
        self,
        place: RecordingPlace,
        budget: DiskBudget,
        *,
        min_free_bytes: int = 0,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self._place = place
        self._budget = budget
        self._min_free_bytes = min_free_bytes
        self._queue_bytes = queue_bytes
        self._queue: deque[tuple[ShotPair, Place]] = deque()
        self._waiting_bytes = 0
        self._changed = Condition()
        self._refusal: Refusal | None = None
        self._closing_at: float | None = None
        self._bag: BagWriter | None = None
        self._infos: dict[str, bytes] = {}
        self._state = Recording(
            path=None,
            files=0,
            pairs=0,
            queued=0,
            lost=0,
            failure='',
            used_bytes=budget.used_bytes,
            limit_bytes=budget.limit_bytes,
            free_bytes=place.free_bytes(),
        )
        self._thread = Thread(target=self._run, name='recorder', daemon=True)
        self._thread.start()

    def offer(self, pair: ShotPair) -> Refusal | None:
        """Take a pair to be written, at once and from any thread.

        Returns:
            Why not; None when it was taken.
        """
        with self._changed:
            full = self._queue and self._waiting_bytes + pair.nbytes > self._queue_bytes
            if self._closing_at is not None or full:
                return self._refusal or 'queue'
            place = None if self._refusal else self._budget.admit(pair)
            if place is None:
                self._refusal = self._refusal or 'budget'
            else:
                self._queue.append((pair, place))
                self._waiting_bytes += pair.nbytes
            self._changed.notify()
            return self._refusal

    def state(self) -> Recording:
        """Return how it goes now."""
        free_bytes = self._place.free_bytes()
        with self._changed:
            return replace(
                self._state,
                queued=len(self._queue),
                used_bytes=self._budget.used_bytes,
                free_bytes=free_bytes,
            )

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Write what waits, as long as there is time, and end the file; twice is fine.

        Args:
            within_s: Time after which what still waits is given up.
        """
        with self._changed:
            self._closing_at = monotonic() + within_s
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        """Write until closed, until the budget is used up, or until the disk refuses."""
        try:
            while (item := self._next()) is not None:
                self._write(*item)
        except DataError as error:
            self._stop('disk', str(error), lost=1)
        try:
            self._end_file()
        except DataError as error:
            self._stop('disk', str(error))
        with self._changed:
            if self._refusal == 'budget':
                used, limit = self._budget.used_bytes, self._budget.limit_bytes
                where = self._place.folder
                text = f'budget used up: {used / MEGABYTE:.1f} of {limit / MEGABYTE:.1f} MB'
                self._stop('budget', f'{text} in {where} - move recordings away and start again')
            self._state = replace(self._state, lost=self._state.lost + len(self._queue))
            self._queue.clear()

    def _next(self) -> tuple[ShotPair, Place] | None:
        """Wait for a pair; None when there will be none, or no time for it."""
        with self._changed:
            while not self._queue and self._refusal is None and self._closing_at is None:
                self._changed.wait()
            late = self._closing_at is not None and monotonic() > self._closing_at
            if late or not self._queue:
                return None
            pair, place = self._queue.popleft()
            self._waiting_bytes -= pair.nbytes
            return pair, place

    def _write(self, pair: ShotPair, place: Place) -> None:
        self._check_disk(pair.nbytes)
        if place == 'new_file' or self._bag is None:
            self._end_file()
            self._bag = self._begin_file()
        for message in (*self._changed_infos(pair), *pair.pictures):
            self._bag.write(message.topic, message.type_name, message.cdr, pair.log_ns)
        with self._changed:
            self._state = replace(self._state, pairs=self._state.pairs + 1)

    def _check_disk(self, nbytes: int) -> None:
        free_bytes = self._place.free_bytes()
        if free_bytes is None:
            message = f'{self._place.folder} is gone'
            raise DataError(message, hint='start again; the pairs in it went with it')
        if free_bytes - nbytes < self._min_free_bytes:
            least = self._min_free_bytes / MEGABYTE
            message = f'{self._place.folder}: disk full, {free_bytes / MEGABYTE:.1f} MB are free'
            raise DataError(message, hint=f'min_free_mb is {least:g}; make room and start again')

    def _begin_file(self) -> BagWriter:
        path = self._place.next_file()
        bag = BagWriter(path, chunk_bytes=CHUNK_BYTES)
        self._infos.clear()
        with self._changed:
            self._state = replace(self._state, path=path, files=self._state.files + 1)
        log.info('recording into %s', path)
        return bag

    def _changed_infos(self, pair: ShotPair) -> Iterator[CameraMessage]:
        """Yield the calibrations that this file does not hold yet."""
        for info in pair.infos:
            body = info.cdr[STAMP_END:]
            if self._infos.get(info.topic) != body:
                self._infos[info.topic] = body
                yield info

    def _end_file(self) -> None:
        bag, self._bag = self._bag, None
        if bag is not None:
            bag.close()

    def _stop(self, refusal: Refusal, failure: str, *, lost: int = 0) -> None:
        """Note why nothing is written any more."""
        with self._changed:
            self._refusal = refusal
            self._state = replace(self._state, failure=failure, lost=self._state.lost + lost)


def open_recorder(
    out: Path | str, *, budget_mb: float, split_mb: float = 0.0, min_free_mb: float = 0.0
) -> PairRecorder:
    """Return a recorder; nothing is written before the first pair.

    Args:
        out: Folder or ``.mcap`` file.
        budget_mb: What all recordings there may take, earlier ones included, in 10^6 bytes.
        split_mb: Size at which the next file begins; 0: never.
        min_free_mb: Free space to leave on the disk.

    Raises:
        ConfigError: The folder cannot be made or written.
    """
    place = RecordingPlace(out)
    budget = DiskBudget(
        int(budget_mb * MEGABYTE),
        split_bytes=int(split_mb * MEGABYTE),
        used_bytes=place.used_bytes(),
    )
    return PairRecorder(place, budget, min_free_bytes=int(min_free_mb * MEGABYTE))
