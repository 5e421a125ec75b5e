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

"""Bags as training pictures: every frame decoded once, kept as one memory-mapped file."""

from __future__ import annotations

from dataclasses import dataclass, field
import hashlib
import logging
from typing import cast, TYPE_CHECKING

import msgspec
import numpy as np

from xspec_ros.bag.extract import decode_record
from xspec_ros.bag.inputs import choose_inputs
from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.truth import TruthBook
from xspec_ros.core.sync import Paired, PairSynchronizer, SyncSettings
from xspec_ros.core.truth import Boxes
from xspec_ros.errors import DataError, MessageError
from xspec_ros.learn.data.daylight import is_day
from xspec_ros.learn.data.picture import Picture
from xspec_ros.learn.data.registered import on_thermal_grid
from xspec_ros.learn.data.states import file_states
from xspec_ros.learn.data.whole import fill_once
from xspec_ros.perception.settings import InputSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.core.frame import Frame, Modality, PixelArray, UInt8Array
    from xspec_ros.core.labels import ClassLabel
    from xspec_ros.core.rig import Rig
    from xspec_ros.learn.data.picture import SourceModality

LOG = logging.getLogger(__name__)
CACHE_VERSION = 1
INDEX_NAME = 'index.json'
PIXELS_NAME = 'pixels.bin'
ALIGNMENT = 8  # bytes; so that 16-bit pictures can be looked at in place


@dataclass(frozen=True, slots=True, kw_only=True)
class BagChoice:
    """What of a bag is taken.

    Attributes:
        path: The bag.
        modality: ``thermal``, ``rgb``, or ``both`` for pairs.
        every: One frame or pair out of this many.
        rig: Puts RGB on the thermal grid; needed for pairs whose pictures differ in size.
        classes: The model's segmentation classes; the bag's are mapped by name.
        detection_classes: The model's detection classes.
    """

    path: Path
    modality: SourceModality
    every: int = 1
    rig: Rig | None = None
    classes: tuple[ClassLabel, ...]
    detection_classes: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Findings:
    """What reading a bag brought to light.

    Attributes:
        rejected: Messages that could not be decoded, by topic and reason.
        problems: Everything else that is wrong, a line each.
    """

    rejected: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return one line a problem."""
        rejected = (f'{count} messages of {what}' for what, count in self.rejected.items())
        return [*rejected, *self.problems]


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """Where an array lies in the file of pixels."""

    offset: int
    dtype: str
    shape: tuple[int, ...]


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    day: bool | None
    thermal: _Place | None
    rgb: _Place | None
    label_map: _Place | None
    rgb_valid: _Place | None
    boxes: list[tuple[float, float, float, float]] | None
    box_classes: list[int]
    box_crowd: list[bool]


class BagPictures:
    """Pictures of a bag, out of the cache.

    Args:
        folder: Cache folder of the choice.
        choice: The choice.
    """

    def __init__(self, folder: Path, choice: BagChoice) -> None:
        self._entries = msgspec.json.decode(
            (folder / INDEX_NAME).read_bytes(), type=tuple[_Entry, ...]
        )
        self._pixels = np.memmap(folder / PIXELS_NAME, np.uint8, 'r')
        self._mask_classes = np.ones(len(choice.classes), bool)
        self._choice, self._key = choice, folder.name

    @property
    def title(self) -> str:
        """Name of the source, for logs."""
        return self._choice.path.name

    @property
    def facts(self) -> dict[str, object]:
        """What the checkpoint says of the source."""
        fold = '' if self._choice.every == 1 else f'every {self._choice.every}'
        return {
            'name': self.title,
            'fold': fold,
            'pictures': len(self),
            'fingerprint': self._key,
        }

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._entries)

    def __getitem__(self, index: int) -> Picture:
        """Return one picture; its arrays are views of the cache."""
        entry = self._entries[index]
        boxes = entry.boxes or []
        return Picture(
            name=entry.name,
            thermal=cast('PixelArray | None', self._array(entry.thermal)),
            rgb=cast('UInt8Array | None', self._array(entry.rgb)),
            label_map=cast('UInt8Array | None', self._array(entry.label_map)),
            mask_classes=self._mask_classes,
            boxes_xyxy=np.asarray(boxes, np.float32).reshape(-1, 4),
            box_classes=np.asarray(entry.box_classes, np.int64),
            box_crowd=np.asarray(entry.box_crowd, bool),
            has_boxes=entry.boxes is not None,
            day=entry.day,
            rgb_valid=cast('NDArray[np.bool_] | None', self._array(entry.rgb_valid)),
        )

    def __iter__(self) -> Iterator[Picture]:
        """Return the pictures in order."""
        return (self[index] for index in range(len(self)))

    def _array(self, place: _Place | None) -> NDArray[np.generic] | None:
        if place is None:
            return None
        dtype = np.dtype(place.dtype)
        size = dtype.itemsize * int(np.prod(place.shape))
        raw = self._pixels[place.offset : place.offset + size]
        return np.asarray(raw).view(dtype).reshape(place.shape)


def open_bag_pictures(choice: BagChoice, cache: Path) -> BagPictures:
    """Open the cache of a choice, decoding the bag when it is not there.

    Args:
        choice: What to take.
        cache: Folder of all caches.

    Raises:
        DataError: The bag cannot be read, holds nothing of that choice, or the cache cannot be
            written.
    """
    folder = cache / f'bag_{_key(choice)}'
    if not (folder / INDEX_NAME).exists():
        findings = Findings()
        try:
            fill_once(folder, lambda part: _decode(choice, part, findings))
        except OSError as err:
            message = f'cannot write the decoded pictures of {choice.path} to {folder}: {err}'
            raise DataError(message, hint='free space or choose another --set cache') from err
        for line in findings.lines():
            LOG.warning('%s: %s', choice.path, line)
    return BagPictures(folder, choice)


def bag_pictures(choice: BagChoice, findings: Findings) -> Iterator[Picture]:
    """Decode the pictures of a bag one after the other, with their truth where it has some.

    Args:
        choice: What to take.
        findings: Filled while the pictures are taken.

    Yields:
        Pictures named by the stamp in nanoseconds.

    Raises:
        DataError: The bag cannot be read, lacks a camera, or its pairs do not share one grid.
    """
    needed: tuple[Modality, ...] = (
        ('thermal', 'rgb') if choice.modality == 'both' else (choice.modality,)
    )
    with BagReader(choice.path) as bag:
        inputs = choose_inputs(bag, {one: InputSettings() for one in needed}, needed)
        book = TruthBook(choice.classes, choice.detection_classes)
        for record in bag.messages(inputs.truth):
            book.take(record)
        frames = _frames(bag, inputs, findings)
        moments = _pairs(frames) if choice.modality == 'both' else ((one,) for one in frames)
        for number, moment in enumerate(moments):
            if number % choice.every == 0:
                yield _picture({one.modality: one for one in moment}, book, choice)
        findings.problems += [*book.problems, *([bag.tear] if bag.tear else [])]


def _frames(bag: BagReader, inputs: Inputs, findings: Findings) -> Iterator[Frame]:
    for record in bag.messages(list(inputs.cameras)):
        modality, _ = inputs.cameras[record.topic]
        try:
            yield decode_record(record, modality)
        except MessageError as error:
            what = f'{record.topic} cannot be decoded: {error.reason}'
            findings.rejected[what] = findings.rejected.get(what, 0) + 1


def _pairs(frames: Iterator[Frame]) -> Iterator[tuple[Frame, Frame]]:
    sync = PairSynchronizer(SyncSettings())
    for events in (*map(sync.push, frames), sync.flush()):
        for event in events:
            if isinstance(event, Paired):
                yield event.pair.thermal, event.pair.rgb


def _picture(frames: dict[Modality, Frame], book: TruthBook, choice: BagChoice) -> Picture:
    thermal, rgb = frames.get('thermal'), frames.get('rgb')
    first = thermal or frames['rgb']
    boxes = book.rgb_boxes(first.stamp_ns) if thermal is None else book.boxes(first.stamp_ns)
    known = Boxes.empty() if boxes is None else boxes
    colours = None if rgb is None else rgb.image.astype(np.uint8, copy=False)
    registered, valid = _on_one_grid(thermal, colours, choice)
    return Picture(
        name=f'{first.stamp_ns:019d}',
        thermal=None if thermal is None else thermal.image,
        rgb=registered,
        label_map=None if thermal is None else book.label_map(first.stamp_ns, thermal.size_hw),
        mask_classes=np.ones(len(choice.classes), bool),
        boxes_xyxy=known.boxes_xyxy,
        box_classes=known.class_ids.astype(np.int64),
        box_crowd=known.crowd,
        has_boxes=boxes is not None,
        day=None if colours is None else is_day(colours),
        rgb_valid=valid,
    )


def _on_one_grid(
    thermal: Frame | None, rgb: UInt8Array | None, choice: BagChoice
) -> tuple[UInt8Array | None, NDArray[np.bool_] | None]:
    if thermal is None or rgb is None:
        return rgb, None
    return on_thermal_grid(rgb, thermal.size_hw, choice.rig, str(choice.path))


def _key(choice: BagChoice) -> str:
    """Return what the cache is found by; it changes with the bag's size and time of change."""
    path = choice.path
    names = [label.name for label in choice.classes]
    rig = None if choice.rig is None else msgspec.to_builtins(choice.rig)
    settings = [
        CACHE_VERSION,
        str(path.resolve()),
        file_states(path),
        choice.modality,
        choice.every,
        rig,
    ]
    settings += [names, choice.detection_classes]
    return hashlib.sha256(msgspec.json.encode(settings, order='sorted')).hexdigest()[:16]


def _decode(choice: BagChoice, folder: Path, findings: Findings) -> None:
    """Fill the folder with the pictures of the bag and their index."""
    with (folder / PIXELS_NAME).open('wb') as pixels:
        entries = [_store(picture, pixels) for picture in bag_pictures(choice, findings)]
    if not entries:
        message = f'no {choice.modality} pictures in {choice.path}'
        raise DataError(message, hint=f'xspec bag info {choice.path} shows topics and stamps')
    (folder / INDEX_NAME).write_bytes(msgspec.json.encode(entries))
    LOG.info('%s: %d pictures decoded', choice.path, len(entries))


def _store(picture: Picture, pixels: BinaryIO) -> _Entry:
    return _Entry(
        name=picture.name,
        day=picture.day,
        thermal=_append(picture.thermal, pixels),
        rgb=_append(picture.rgb, pixels),
        label_map=_append(picture.label_map, pixels),
        rgb_valid=_append(picture.rgb_valid, pixels),
        boxes=picture.boxes_xyxy.tolist() if picture.has_boxes else None,
        box_classes=picture.box_classes.tolist(),
        box_crowd=picture.box_crowd.tolist(),
    )


def _append(array: NDArray[np.generic] | None, pixels: BinaryIO) -> _Place | None:
    if array is None:
        return None
    offset = pixels.tell()
    data = np.ascontiguousarray(array).tobytes()
    pixels.write(data + bytes(-len(data) % ALIGNMENT))
    return _Place(offset, array.dtype.str, array.shape)
