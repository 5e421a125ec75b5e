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

"""Drives to a work folder: chosen frames as a small data set, and what was found on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
import hashlib
import logging
import shutil
import time
from typing import TYPE_CHECKING

import msgspec

from xspec_ros.datasets import write_dataset
from xspec_ros.errors import DataError
from xspec_ros.learn.adapt.choose import choose, Sieve
from xspec_ros.learn.adapt.drives import DriveOptions, open_drive, sample_of
from xspec_ros.learn.data.states import file_states
from xspec_ros.learn.data.whole import whole_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

    from xspec_ros.core.labels import ClassLabel
    from xspec_ros.datasets import Sample
    from xspec_ros.learn.adapt.choose import Candidate, Choice
    from xspec_ros.learn.adapt.drives import Drive, FetchedFrame
    from xspec_ros.learn.adapt.settings import AdaptSettings

    Show: TypeAlias = Callable[[str, int | None], AbstractContextManager[Callable[[], None]]]

LOG = logging.getLogger(__name__)
FRAMES_NAME = 'frames'
SET_NAME = 'set'
FOUND_NAME = 'found.json'
TRAINING, ASIDE, NEXT = 'training', 'aside', 'next'
FORMAT = 1
CHOOSING = (
    'frames',
    'least_frames',
    'min_change',
    'least_correlation',
    'least_contrast',
    'least_sharpness',
    'aside_share',
    'least_aside',
    'most_aside',
    'apart_s',
    'follow_s',
)
"""Settings that decide which frames are chosen; with others the same frames are used again."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the drives gave; ``found.json`` of a work folder.

    Attributes:
        key: What it was made from.
        read: Thermal frames looked at.
        whole: Whether the drives were read to their ends.
        rejected_by: Frames that were not chosen, by cause.
        training: Frames to learn from.
        aside: Frames to measure on.
        followed: Those of them with a frame that shows the same scene a moment later.
        pairs: Chosen frames with an RGB partner.
        training_pairs: Those of them to learn from.
        pair_sizes: Rows and columns of RGB, then of thermal, of every kind of pair.
        registered: Whether all drives say that their pairs share one grid.
        drives: Name, pictures and fingerprint of every drive, as a bundle states its data.
        problems: What else was wrong, a line each.
    """

    key: str
    read: int
    whole: bool
    rejected_by: dict[str, int]
    training: int = 0
    aside: int = 0
    followed: int = 0
    pairs: int = 0
    training_pairs: int = 0
    pair_sizes: list[tuple[int, ...]] = []
    registered: bool = False
    drives: list[dict[str, object]] = []
    problems: list[str] = []

    @property
    def chosen(self) -> int:
        """Frames chosen, those kept aside among them."""
        return self.training + self.aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How drives are read.

    Attributes:
        settings: What is worth choosing.
        options: Topics and pairing of bags.
        classes: The model's classes, for the files of the data set.
        deadline_s: Monotonic time at which the first reading ends, wherever it is.
    """

    settings: AdaptSettings
    options: DriveOptions
    classes: Sequence[ClassLabel]
    deadline_s: float


def gather(paths: Sequence[Path], work: Path, reading: Reading, show: Show) -> Found:
    """Choose frames of drives and write them to the work folder, or find them there.

    Args:
        paths: Bags and data set folders of one robot.
        work: The work folder.
        reading: How to read.
        show: Opens a progress bar.

    Returns:
        What was found; with fewer than ``least_frames`` chosen none is kept aside, and nothing
        is written.

    Raises:
        DataError: A drive cannot be read, or the folder cannot be written.
    """
    key = _key(paths, reading)
    earlier = _earlier(work, key)
    if earlier is not None:
        LOG.info('%s holds the frames of these drives already', work)
        return earlier
    drives = [open_drive(path, reading.options) for path in paths]
    choice, sieve, unread = _look(drives, reading, show)
    found = Found(
        key=key,
        read=sieve.read,
        whole=not unread,
        rejected_by={str(cause): n for cause, n in sorted(sieve.rejected.items()) if n},
        training=len(choice.training),
    )
    if not choice.aside:
        return msgspec.structs.replace(found, problems=_problems(unread, drives))
    writer = _Writer(drives, choice)
    try:
        shutil.rmtree(work / FRAMES_NAME, ignore_errors=True)
        with whole_folder(work / FRAMES_NAME) as folder, show('fetching', len(choice)) as step:
            write_dataset(
                writer.samples(step), folder / SET_NAME, reading.classes, rgb_format='jpg'
            )
            written = writer.written
            found = msgspec.structs.replace(
                found,
                training=written[TRAINING],
                aside=written[ASIDE],
                followed=written[NEXT],
                pairs=writer.pairs,
                training_pairs=writer.training_pairs,
                pair_sizes=sorted(writer.sizes),
                registered=all(drive.registered for drive in drives),
                drives=writer.facts(),
                problems=_problems(unread, drives),
            )
            (folder / FOUND_NAME).write_bytes(msgspec.json.encode(found))
    except OSError as err:
        message = f'cannot write the chosen frames to {work}: {err}'
        raise DataError(message, hint='free space, or choose another folder: --work') from err
    return found


def frames_folder(work: Path) -> Path:
    """Return the data set of the chosen frames."""
    return work / FRAMES_NAME / SET_NAME


def _look(
    drives: Sequence[Drive], reading: Reading, show: Show
) -> tuple[Choice, Sieve, list[str]]:
    """Read the drives the first time; a line for each that was not read to its end."""
    sieve = Sieve(reading.settings)
    unread: list[str] = []
    with show('reading', sum(len(drive) for drive in drives)) as step:
        for drive in drives:
            sieve.begin_drive()
            for shot in drive.shots():
                sieve.take(shot)
                step()
                if time.monotonic() > reading.deadline_s:
                    seen = f'{shot.index + 1} of {len(drive)} frames'
                    unread.append(f'{drive.title}: only {seen} were read, for want of time')
                    break
    return choose(sieve), sieve, unread


def _problems(unread: Sequence[str], drives: Sequence[Drive]) -> list[str]:
    return [*unread, *(problem for drive in drives for problem in drive.problems)]


class _Writer:
    """Fetches what was chosen, drive by drive."""

    def __init__(self, drives: Sequence[Drive], choice: Choice) -> None:
        self.pairs = self.training_pairs = 0
        self.sizes: set[tuple[int, ...]] = set()
        self.written: Counter[str] = Counter()
        self._drives, self._choice = drives, choice
        self._digests = [hashlib.sha256() for _ in drives]
        self._counts: Counter[int] = Counter()

    def samples(self, step: Callable[[], None]) -> Iterator[Sample]:
        """Yield every chosen frame, and the followers of those kept aside, as samples."""
        uses = self._uses()
        for number, drive in enumerate(self._drives):
            wanted = {index: use for (of, index), use in uses.items() if of == number}
            paired = {i for i, use in wanted.items() if any(part != NEXT for part, _ in use)}
            for frame in drive.fetch(wanted.keys(), paired=paired):
                for part, name in wanted[frame.index]:
                    self._count(number, frame, part)
                    if part == NEXT:
                        yield sample_of(replace(frame, rgb=None), name, part)
                    else:
                        yield sample_of(frame, name, part)
                        step()

    def facts(self) -> list[dict[str, object]]:
        """Return what a bundle says of the drives; no path of this machine is in it."""
        return [
            {
                'name': drive.title,
                'use': 'adaptation, unlabelled',
                'pictures': self._counts[number],
                'fingerprint': self._digests[number].hexdigest(),
            }
            for number, drive in enumerate(self._drives)
            if self._counts[number]
        ]

    def _uses(self) -> dict[tuple[int, int], list[tuple[str, str]]]:
        """Return parts and names that each frame is written to, by drive and place."""
        uses: dict[tuple[int, int], list[tuple[str, str]]] = {}
        for part, frames in ((TRAINING, self._choice.training), (ASIDE, self._choice.aside)):
            for one in frames:
                uses.setdefault((one.drive, one.index), []).append((part, _name(one)))
        for one in self._choice.aside:
            if one.follower is not None:
                uses.setdefault((one.drive, one.follower), []).append((NEXT, _name(one)))
        return uses

    def _count(self, number: int, frame: FetchedFrame, part: str) -> None:
        self.written[part] += 1
        if part != NEXT and frame.rgb is not None:
            self.pairs += 1
            self.training_pairs += part == TRAINING
            self.sizes.add((*frame.rgb.shape[:2], *frame.thermal.shape[:2]))
        if part == TRAINING:
            self._counts[number] += 1
            self._digests[number].update(frame.thermal.tobytes())
            self._digests[number].update(b'' if frame.rgb is None else frame.rgb.tobytes())


def _name(one: Candidate) -> str:
    return f'{one.drive:03d}-{one.index:08d}'


def _earlier(work: Path, key: str) -> Found | None:
    """Return what an earlier run found of the same drives, where it is still there."""
    path = work / FRAMES_NAME / FOUND_NAME
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Found)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if found.key == key and found.whole else None


def _key(paths: Sequence[Path], reading: Reading) -> str:
    """Return what the chosen frames depend on; it changes with a drive's files."""
    states: list[object] = [FORMAT]
    for path in paths:
        states += [str(path.resolve()), file_states(path)]
    options, settings = reading.options, reading.settings
    states += [getattr(settings, name) for name in CHOOSING]
    states += [options.rgb, options.thermal, msgspec.to_builtins(options.sync)]
    return hashlib.sha256(msgspec.json.encode(states)).hexdigest()
