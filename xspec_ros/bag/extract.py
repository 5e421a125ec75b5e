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

"""A bag as a data set folder of pairs, ready for labelling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.bag.truth import TruthBook
from xspec_ros.core.compressed import decode_compressed
from xspec_ros.core.encodings import decode_image
from xspec_ros.core.limits import DecodeLimits
from xspec_ros.core.sync import Paired, PairSynchronizer
from xspec_ros.datasets import Sample
from xspec_ros.errors import ConfigError, MessageError
from xspec_ros.messages.image import decode_compressed_message, decode_image_message
from xspec_ros.messages.topics import IMAGE_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.bag.records import Record
    from xspec_ros.core.frame import Frame, Modality, Pair
    from xspec_ros.core.sync import SyncSettings

LIMITS = DecodeLimits()


@dataclass(slots=True, kw_only=True)
class Extraction:
    """What an extraction did so far.

    Attributes:
        pairs: Pairs found.
        written: Pairs handed on.
        rejected: Messages that could not be decoded, by input and reason.
    """

    pairs: int = 0
    written: int = 0
    rejected: dict[str, int] = field(default_factory=dict)

    def reject(self, source: Modality, reason: str) -> None:
        """Count a message that cannot be used."""
        key = f'{source}/{reason}'
        self.rejected[key] = self.rejected.get(key, 0) + 1


def decode_record(record: Record, modality: Modality) -> Frame:
    """Decode one camera message of a bag.

    Raises:
        MessageError: The message cannot be used.
    """
    if record.type_name == IMAGE_TYPE:
        image = decode_image_message(record.cdr, max_bytes=LIMITS.max_image_bytes)
        return decode_image(image, modality, limits=LIMITS)
    packed = decode_compressed_message(record.cdr, max_bytes=LIMITS.max_image_bytes)
    return decode_compressed(packed, modality, limits=LIMITS)


def record_stamp(record: Record) -> int:
    """Return the header stamp of a camera message in nanoseconds, its picture left alone.

    Raises:
        MessageError: The message cannot be used.
    """
    if record.type_name == IMAGE_TYPE:
        return decode_image_message(record.cdr, max_bytes=LIMITS.max_image_bytes).stamp_ns
    return decode_compressed_message(record.cdr, max_bytes=LIMITS.max_image_bytes).stamp_ns


def extract_pairs(
    bag: BagReader,
    inputs: Inputs,
    sync: SyncSettings,
    *,
    every: int = 1,
    state: Extraction,
    progress: Callable[[], None] = lambda: None,
) -> Iterator[Sample]:
    """Yield every n-th pair of a bag as a sample, with its truth where the bag has some.

    Args:
        bag: The opened bag.
        inputs: Its camera and truth topics.
        sync: How to pair.
        every: Take one pair out of this many.
        state: Counts, updated while the samples are taken.
        progress: Called after every message.

    Yields:
        Samples named by the thermal stamp in nanoseconds.

    Raises:
        ConfigError: ``every`` is below 1.
    """
    if every < 1:
        message = f'every {every}'
        raise ConfigError(message, hint='give 1 or more')
    book = TruthBook()
    for record in bag.messages(inputs.truth):
        book.take(record)
    for pair in _pairs(bag, inputs, sync, state, progress):
        state.pairs += 1
        if (state.pairs - 1) % every:
            continue
        state.written += 1
        yield _sample(pair, book)


def _pairs(
    bag: BagReader,
    inputs: Inputs,
    settings: SyncSettings,
    state: Extraction,
    progress: Callable[[], None],
) -> Iterator[Pair]:
    sync = PairSynchronizer(settings)
    for record in bag.messages(list(inputs.cameras)):
        progress()
        modality, _ = inputs.cameras[record.topic]
        try:
            frame = decode_record(record, modality)
        except MessageError as error:
            state.reject(modality, error.reason)
            continue
        yield from _made(sync.push(frame))
    yield from _made(sync.flush())


def _made(events: Iterable[object]) -> Iterator[Pair]:
    return (event.pair for event in events if isinstance(event, Paired))


def _sample(pair: Pair, book: TruthBook) -> Sample:
    stamp_ns = pair.thermal.stamp_ns
    return Sample(
        name=f'{stamp_ns:019d}',
        rgb=pair.rgb.image.astype(np.uint8, copy=False),
        thermal=pair.thermal.image,
        label_map=book.label_map(stamp_ns, pair.thermal.size_hw),
        boxes_thermal=book.boxes(stamp_ns),
        boxes_rgb=book.rgb_boxes(pair.rgb.stamp_ns),
    )
