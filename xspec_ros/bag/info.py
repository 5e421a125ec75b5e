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

"""What is in a bag: topics, rates, encodings, clocks, pairing, and what looks wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from xspec_ros.bag.extract import LIMITS
from xspec_ros.bag.inputs import DEFAULT_TOPICS
from xspec_ros.bag.pairing import stand_in
from xspec_ros.bag.reader import describe_topics
from xspec_ros.core.sync import PairSynchronizer, SyncSettings
from xspec_ros.errors import MessageError
from xspec_ros.messages.image import decode_compressed_message, decode_image_message
from xspec_ros.messages.topics import COMPRESSED_TYPE, DETECTIONS_TYPE, IMAGE_TYPE
from xspec_ros.messages.typestore import type_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.bag.records import Record, TopicInfo

CAMERA_TYPES = (IMAGE_TYPE, COMPRESSED_TYPE)
GAP_PERIODS = 1.8
THERMAL_ENCODINGS = ('mono8', '8UC1', 'mono16', '16UC1', '32FC1')


@dataclass(slots=True)
class _Stream:
    """What the messages of one topic tell."""

    log_ns: list[int] = field(default_factory=list)
    stamps_ns: list[int] = field(default_factory=list)
    encodings: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    damaged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BagSummary:
    """What ``xspec bag info`` prints.

    Attributes:
        topics: One JSON-ready entry a topic: name, type, count, rate_hz, encoding, size,
            clock_offset_ms (log time minus stamp, median).
        duration_s: From the first to the last message.
        pairs: Pairs that the synchroniser finds.
        pairing: Pairing statistics.
        problems: One line for everything that looks wrong.
    """

    topics: list[dict[str, object]]
    duration_s: float
    pairs: int
    pairing: dict[str, object]
    problems: list[str]


def summarise_bag(
    bag: BagReader,
    inputs: Inputs,
    sync: SyncSettings,
    *,
    progress: Callable[[], None] = lambda: None,
) -> BagSummary:
    """Read a bag through without decoding a pixel.

    Args:
        bag: The opened bag.
        inputs: Its camera topics.
        sync: How to pair.
        progress: Called after every message.

    Returns:
        The summary.
    """
    streams: dict[str, _Stream] = {}
    synchroniser = PairSynchronizer(sync)
    for record in bag.messages():
        progress()
        stream = streams.setdefault(record.topic, _Stream())
        stream.log_ns.append(record.log_ns)
        if record.type_name not in CAMERA_TYPES:
            continue
        stamp_ns = _note_image(record, stream)
        if stamp_ns is not None and record.topic in inputs.cameras:
            synchroniser.push(stand_in(inputs.cameras[record.topic][0], stamp_ns))
    synchroniser.flush()
    counts = synchroniser.counts
    problems = _problems(bag, inputs, streams)
    advice = synchroniser.advice()
    if advice is not None and not inputs.absent:
        problems.append(advice.message)
    times = [time for stream in streams.values() for time in (stream.log_ns[0], stream.log_ns[-1])]
    return BagSummary(
        topics=[_entry(topic, streams.get(topic.name, _Stream())) for topic in bag.topics()],
        duration_s=(max(times) - min(times)) / 1e9 if times else 0.0,
        pairs=counts.paired,
        pairing={
            'skew_p50_ms': counts.skew_p50_ms,
            'skew_p95_ms': counts.skew_p95_ms,
            'offset_ms': counts.offset_ms,
            'unpaired_by': dict(counts.unpaired_by),
            'epochs': counts.epochs,
        },
        problems=problems,
    )


def _note_image(record: Record, stream: _Stream) -> int | None:
    """Note encoding, size and stamp of an image message; None when it is damaged."""
    try:
        if record.type_name == IMAGE_TYPE:
            image = decode_image_message(record.cdr, max_bytes=LIMITS.max_image_bytes)
            stream.encodings[image.encoding] += 1
            stream.sizes[f'{image.width}x{image.height}'] += 1
            stamp_ns = image.stamp_ns
        else:
            packed = decode_compressed_message(record.cdr, max_bytes=LIMITS.max_image_bytes)
            stream.encodings[packed.format] += 1
            stamp_ns = packed.stamp_ns
    except MessageError:
        stream.damaged += 1
        return None
    stream.stamps_ns.append(stamp_ns)
    return stamp_ns


def _entry(topic: TopicInfo, stream: _Stream) -> dict[str, object]:
    times = stream.stamps_ns if len(set(stream.stamps_ns)) > 1 else stream.log_ns
    rate_hz = _rate_hz(times)
    lags = [
        (log_ns - stamp_ns) / 1e6
        for log_ns, stamp_ns in zip(stream.log_ns, stream.stamps_ns, strict=False)
    ]
    return {
        'name': topic.name,
        'type': topic.type_name,
        'count': topic.count,
        'rate_hz': None if rate_hz is None else round(rate_hz, 3),
        'encoding': stream.encodings.most_common(1)[0][0] if stream.encodings else None,
        'size': stream.sizes.most_common(1)[0][0] if stream.sizes else None,
        'clock_offset_ms': round(median(lags), 3) if lags else None,
    }


def _rate_hz(times_ns: Sequence[int]) -> float | None:
    """Return the rate over the whole bag; a stream that jumps back has none."""
    if len(times_ns) < 2 or times_ns[-1] <= times_ns[0]:
        return None
    return (len(times_ns) - 1) * 1e9 / (times_ns[-1] - times_ns[0])


def _problems(bag: BagReader, inputs: Inputs, streams: Mapping[str, _Stream]) -> list[str]:
    problems = [] if bag.tear is None else [bag.tear]
    others = [
        topic
        for topic in bag.topics()
        if topic.type_name in CAMERA_TYPES and topic.name not in inputs.topics
    ]
    for modality in inputs.absent:
        candidates = f'; candidates: {describe_topics(others)}' if others else ''
        problems.append(f'no {modality} images on {DEFAULT_TOPICS[modality]}{candidates}')
    for topic in bag.topics():
        stream = streams.get(topic.name)
        if stream is None:
            problems.append(f'{topic.name}: no message can be read')
            continue
        if topic.name in inputs.cameras:
            problems += [f'{topic.name}: {text}' for text in _stream_problems(stream)]
        if topic.type_name == DETECTIONS_TYPE and _is_foreign(topic):
            problems.append(f'{topic.name}: an older vision_msgs than 4.x, it cannot be decoded')
    for name, (modality, type_name) in inputs.cameras.items():
        if modality == 'thermal' and type_name == IMAGE_TYPE and name in streams:
            problems += [
                f'{name}: thermal pictures as {encoding!r}'
                for encoding in streams[name].encodings
                if encoding not in THERMAL_ENCODINGS
            ]
    return problems


def _is_foreign(topic: TopicInfo) -> bool:
    return topic.digest not in ('', type_hash(topic.type_name))


def _stream_problems(stream: _Stream) -> list[str]:
    """Name what is odd about the stamps, sizes and encodings of one camera."""
    problems: list[str] = []
    stamps = stream.stamps_ns
    steps = [after - before for before, after in pairwise(stamps)]
    forward = [step for step in steps if step > 0]
    if stream.damaged:
        problems.append(f'{stream.damaged} messages are damaged')
    if stamps.count(0):
        problems.append(f'{stamps.count(0)} stamps are 0: set use_receive_time')
    if steps.count(0):
        problems.append(f'{steps.count(0)} stamps repeat')
    back = sum(step < 0 for step in steps)
    if back:
        problems.append(f'{back} stamps jump back')
    if forward:
        gaps = [step for step in forward if step > GAP_PERIODS * median(forward)]
        if gaps:
            longest = max(gaps) / 1e6
            problems.append(f'{len(gaps)} gaps, the longest {longest:.0f} ms')
    for what, values in (('encoding', stream.encodings), ('size', stream.sizes)):
        if len(values) > 1:
            problems.append(f'{what} changes: {", ".join(values)}')
    return problems
