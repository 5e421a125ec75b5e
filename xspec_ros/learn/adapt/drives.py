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

"""Drives as they lie: bags with one camera or both, and data set folders, read twice.

The first time every thermal frame is looked at and none is held; the second time the chosen
frames are fetched, with their RGB partners.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TYPE_CHECKING

import numpy as np

from xspec_ros.bag.extract import decode_record, record_stamp
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.pairing import stand_in
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.spread import is_bag
from xspec_ros.core.sync import Paired, PairSynchronizer, SyncSettings
from xspec_ros.datasets import open_dataset, Sample
from xspec_ros.datasets.images import read_rgb, read_thermal
from xspec_ros.errors import DataError, MessageError
from xspec_ros.learn.adapt.choose import Shot
from xspec_ros.perception.settings import InputSettings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.records import Record
    from xspec_ros.core.frame import Modality, PixelArray, UInt8Array
    from xspec_ros.core.sync import SyncEvent
    from xspec_ros.datasets.dataset import Entry

NS_PER_S = 1e9
STAMP_DIGITS = 19  # what ``xspec bag extract`` calls a picture: its stamp in nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveOptions:
    """How bags are read.

    Attributes:
        rgb: Topic of the RGB camera; empty for the default.
        thermal: Topic of the thermal camera; empty for the default.
        sync: How their pictures are paired.
    """

    rgb: str = ''
    thermal: str = ''
    sync: SyncSettings = field(default_factory=SyncSettings)


class Drive(Protocol):
    """One drive."""

    title: str
    registered: bool  # its pairs are said to share one grid already
    problems: list[str]

    def __len__(self) -> int:
        """Return how many thermal frames it holds."""
        ...

    def shots(self) -> Iterator[Shot]:
        """Yield every thermal frame; the pixels are good until the next one."""
        ...

    def fetch(self, wanted: Collection[int], *, paired: Collection[int]) -> Iterator[FetchedFrame]:
        """Yield frames by their places, those in ``paired`` with RGB where they have a partner.

        Only after ``shots`` has run to its end.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFrame:
    """A frame of the second reading.

    Attributes:
        index: Its place among the thermal frames of the drive.
        thermal: (H, W) uint8 or uint16.
        rgb: (h, w, 3) uint8 of its partner, or None.
        day: What the drive says of the hour; None: nothing.
    """

    index: int
    thermal: PixelArray
    rgb: UInt8Array | None = None
    day: bool | None = None


def open_drive(path: Path, options: DriveOptions) -> Drive:
    """Open a bag or a data set folder.

    Raises:
        DataError: It is missing, unreadable, or has no thermal camera.
    """
    return BagDrive(path, options) if is_bag(path) else FolderDrive(path)


class BagDrive:
    """A bag; pairs are made from stamps alone, RGB is decoded only when fetched.

    Args:
        path: The bag.
        options: Topics and pairing.

    Raises:
        DataError: It is missing, unreadable, or has no thermal camera.
    """

    registered = False

    def __init__(self, path: Path, options: DriveOptions) -> None:
        self.title = path.name
        self.problems: list[str] = []
        self._path, self._options = path, options
        self._stamps: list[int] = []  # by place; -1 where nothing could be decoded
        self._partners: dict[int, int] = {}  # RGB stamp by thermal stamp
        with BagReader(path) as bag:
            self._inputs = self._choose(bag)
            thermal = [name for name, (what, _) in self._inputs.cameras.items() if what != 'rgb']
            self._count = sum(topic.count for topic in bag.topics() if topic.name in thermal)
        if not self._count:
            message = f'no messages on {", ".join(thermal)} in {path}'
            raise DataError(message, hint=f'xspec bag info {path} shows what is there')

    def __len__(self) -> int:
        """Return how many thermal frames it holds."""
        return self._count

    def shots(self) -> Iterator[Shot]:
        """Yield every thermal frame and pair the stamps on the way."""
        self._stamps, self._partners = [], {}
        sync = PairSynchronizer(self._options.sync)
        with BagReader(self._path) as bag:
            for record in bag.messages(list(self._inputs.cameras)):
                if self._inputs.cameras[record.topic][0] == 'rgb':
                    stamp_ns = _rgb_stamp(record)
                    if stamp_ns is not None:
                        self._pair(sync.push(stand_in('rgb', stamp_ns)))
                    continue
                shot = self._shot(record)
                if shot.image is not None:
                    self._pair(sync.push(stand_in('thermal', self._stamps[-1])))
                yield shot
            self._pair(sync.flush())
            if bag.tear is not None:
                self.problems.append(f'{self.title}: {bag.tear}')

    def fetch(self, wanted: Collection[int], *, paired: Collection[int]) -> Iterator[FetchedFrame]:
        """Yield frames by their places, with RGB where asked for; see ``Drive``."""
        partner = {
            index: self._partners[self._stamps[index]]
            for index in paired
            if self._stamps[index] in self._partners
        }
        rgb: dict[int, Record | None] = dict.fromkeys(partner.values())
        waiting: dict[int, PixelArray] = {}
        place, left = -1, len(wanted)
        with BagReader(self._path) as bag:
            for record in bag.messages(list(self._inputs.cameras)):
                if self._inputs.cameras[record.topic][0] == 'rgb':
                    stamp_ns = _rgb_stamp(record)
                    if stamp_ns in rgb and rgb[stamp_ns] is None:
                        rgb[stamp_ns] = record
                else:
                    place += 1
                    if place in wanted:
                        waiting[place] = decode_record(record, 'thermal').image
                there = [i for i in waiting if i not in partner or rgb.get(partner[i])]
                yield from (self._fetched(i, waiting.pop(i), partner, rgb) for i in there)
                left -= len(there)
                if not left:
                    return
        yield from (self._fetched(i, image, partner, rgb) for i, image in waiting.items())

    def _choose(self, bag: BagReader) -> Inputs:
        topics: dict[Modality, InputSettings] = {
            'thermal': InputSettings(topic=self._options.thermal),
            'rgb': InputSettings(topic=self._options.rgb),
        }
        return choose_inputs(bag, topics, needed=('thermal',))

    def _shot(self, record: Record) -> Shot:
        place = len(self._stamps)
        try:
            frame = decode_record(record, 'thermal')
        except MessageError:
            self._stamps.append(-1)
            return Shot(index=place, time_s=None, image=None)
        self._stamps.append(frame.stamp_ns)
        stamp_ns = frame.stamp_ns or record.log_ns  # a driver without a clock
        return Shot(index=place, time_s=stamp_ns / NS_PER_S, image=frame.image)

    def _pair(self, events: Iterable[SyncEvent]) -> None:
        for event in events:
            if isinstance(event, Paired):
                self._partners[event.pair.thermal.stamp_ns] = event.pair.rgb.stamp_ns

    def _fetched(
        self,
        index: int,
        thermal: PixelArray,
        partner: dict[int, int],
        rgb: dict[int, Record | None],
    ) -> FetchedFrame:
        record = rgb.pop(partner[index], None) if index in partner else None
        image = None
        if record is not None:
            try:
                image = decode_record(record, 'rgb').image.astype(np.uint8, copy=False)
            except MessageError as error:
                self.problems.append(f'{self.title}: RGB cannot be decoded: {error.reason}')
        return FetchedFrame(index=index, thermal=thermal, rgb=image)


class FolderDrive:
    """The thermal pictures of a data set folder; its labels are not looked at.

    Args:
        path: The folder.

    Raises:
        DataError: It is no data set, or holds no thermal picture.
    """

    registered = True

    def __init__(self, path: Path) -> None:
        self.title = path.name
        self.problems: list[str] = []
        self._entries = [one for one in open_dataset(path).entries if one.thermal is not None]
        if not self._entries:
            message = f'no thermal pictures in {path}'
            raise DataError(message, hint='adapt learns from the thermal camera')

    def __len__(self) -> int:
        """Return how many thermal pictures there are."""
        return len(self._entries)

    def shots(self) -> Iterator[Shot]:
        """Yield every thermal picture; its name may be its stamp."""
        for place, entry in enumerate(self._entries):
            yield Shot(index=place, time_s=_stamp_of_name(entry.name), image=self._thermal(entry))

    def fetch(self, wanted: Collection[int], *, paired: Collection[int]) -> Iterator[FetchedFrame]:
        """Yield pictures by their places; see ``Drive``."""
        for place in sorted(wanted):
            entry = self._entries[place]
            thermal = self._thermal(entry)
            if thermal is None:
                continue
            rgb = self._rgb(entry) if place in paired else None
            yield FetchedFrame(index=place, thermal=thermal, rgb=rgb, day=entry.day)

    def _thermal(self, entry: Entry) -> PixelArray | None:
        try:
            return None if entry.thermal is None else read_thermal(entry.thermal)
        except DataError as error:
            self.problems.append(error.message)
            return None

    def _rgb(self, entry: Entry) -> UInt8Array | None:
        try:
            return None if entry.rgb is None else read_rgb(entry.rgb)
        except DataError as error:
            self.problems.append(error.message)
            return None


def sample_of(frame: FetchedFrame, name: str, part: str) -> Sample:
    """Return a fetched frame as an unlabelled sample of a data set."""
    return Sample(name=name, part=part, thermal=frame.thermal, rgb=frame.rgb, day=frame.day)


def _rgb_stamp(record: Record) -> int | None:
    """Return the stamp of an RGB message; None for a broken one."""
    try:
        return record_stamp(record)
    except MessageError:
        return None


def _stamp_of_name(name: str) -> float | None:
    is_stamp = len(name) == STAMP_DIGITS and name.isdigit()
    return int(name) / NS_PER_S if is_stamp else None
