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

"""What is heard of a live node while a bag is played: answers into a file, times, its counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from xspec_ros.bag.writer import BagWriter
from xspec_ros.errors import DataError, MessageError
from xspec_ros.messages.cdr import peek_stamp_ns
from xspec_ros.messages.diagnostics import decode_diagnostics
from xspec_ros.messages.topics import DETECTIONS, DIAGNOSTICS, LABEL_INFO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.core.frame import Modality
    from xspec_ros.messages.cdr import Buffer
    from xspec_ros.messages.diagnostics import Status

GAVE_UP = ('dropped', 'rejected')
ENGINE_KEYS = ('model', 'engine', 'precision', 'hash')


@dataclass(frozen=True, slots=True, kw_only=True)
class BagFrames:
    """The reference frames of a bag.

    Attributes:
        log_ns: Log time by stamp.
        messages: Messages, those with a stamp that was there before included.
    """

    log_ns: Mapping[int, int]
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was heard besides the answers themselves.

    Attributes:
        latency_ms: From a picture's arrival to that of its answer, by stamp.
        seconds: From the first picture to the last answer.
        counts: What the node counted meanwhile, as in a replay's summary; empty without
            ``/diagnostics``.
        engine: Model, engine, precision and hash as the node tells them.
    """

    latency_ms: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    counts: Mapping[str, object] = field(default_factory=dict)
    engine: Mapping[str, str] = field(default_factory=dict)


class AnswerRecorder:
    """Writes answers as they come; when the disk refuses, it says so once and goes on.

    Answers are logged at the log time of the frame they answer, so that both bags play side by
    side.

    Attributes:
        error: What the disk said.
        active: The node has told its classes: it is active.
        last_ns: Monotonic time of the last message.

    Args:
        path: The ``.mcap`` file, replaced when it is there.
        frames: The frames that are going to be answered.
        node: Name of the node as its diagnostics have it.
    """

    def __init__(self, path: Path, frames: BagFrames, *, node: str = 'perception') -> None:
        self.error: DataError | None = None
        self.active = False
        self.last_ns = 0
        self._frames = frames
        self._node = node
        self._seen: dict[int, int] = {}
        self._answered: dict[int, int] = {}
        self._before: dict[str, int] | None = None
        self._counts: dict[str, int] = {}
        self._engine: dict[str, str] = {}
        self._log_ns = min(frames.log_ns.values(), default=0)
        self._bag = BagWriter(path, compress=True, overwrite=True)

    def see(self, cdr: Buffer, now_ns: int) -> None:
        """Take the time of a picture.

        Args:
            cdr: The message.
            now_ns: Monotonic time.
        """
        self.last_ns = now_ns
        self._seen.setdefault(peek_stamp_ns(cdr), now_ns)

    def take(self, topic: str, type_name: str, cdr: bytes, now_ns: int) -> None:
        """Write one message of the node.

        Args:
            topic: Its canonical topic.
            type_name: Its type.
            cdr: The message.
            now_ns: Monotonic time.
        """
        if topic == DIAGNOSTICS:
            self._take_counts(cdr)
        else:
            self._log_ns = self._frames.log_ns.get(peek_stamp_ns(cdr), self._log_ns)
            self.last_ns = now_ns
            self.active |= topic == LABEL_INFO
        if topic == DETECTIONS:  # the last part of an answer
            self._answered.setdefault(peek_stamp_ns(cdr), now_ns)
        if self.error is not None:
            return
        try:
            self._bag.write(topic, type_name, cdr, self._log_ns)
        except DataError as error:
            self.error = error

    @property
    def complete(self) -> bool:
        """True when every frame of the bag has been answered or counted by the node as lost.

        Where the node tells its counts, they are waited for: they come once a second.
        """
        answered = len(self._answered)
        whole = self._frames.log_ns.keys() <= self._answered.keys()
        if not self._counts:
            return whole
        counts = self._since()
        told = counts.get('answered', 0)
        lost = sum(counts.get(key, 0) for key in GAVE_UP)
        if whole:
            return told >= answered
        return told <= answered and told + lost >= self._frames.messages

    def heard(self) -> Heard:
        """Return what was heard so far."""
        nested: dict[str, object] = {}
        for key, count in self._since().items():
            family, _, cause = key.partition('/')
            if not cause:
                nested[key] = count
                continue
            causes = nested.setdefault(family, {})
            if isinstance(causes, dict) and count:
                causes[cause] = count
        first, last = min(self._seen.values(), default=0), max(self._answered.values(), default=0)
        return Heard(
            latency_ms={
                stamp_ns: max(now_ns - self._seen[stamp_ns], 0) / 1e6
                for stamp_ns, now_ns in self._answered.items()
                if stamp_ns in self._seen
            },
            seconds=max(last - first, 0) / 1e9 if first else 0.0,
            counts=nested,
            engine=self._engine,
        )

    def close(self) -> None:
        """Finish the file; closing twice is fine."""
        try:
            self._bag.close()
        except DataError as error:
            self.error = self.error or error

    def _since(self) -> dict[str, int]:
        """Return what the node counted since the first picture."""
        before = self._before or {}
        return {key: count - before.get(key, 0) for key, count in self._counts.items()}

    def _take_counts(self, cdr: bytes) -> None:
        try:
            statuses = decode_diagnostics(cdr)
        except MessageError:
            return  # some other node's; it is written down all the same
        counts, engine = node_counts(statuses, self._node)
        self._counts = counts or self._counts
        self._engine = engine or self._engine
        if counts and not self._seen and not self._answered:
            self._before = counts


def node_counts(statuses: Sequence[Status], node: str) -> tuple[dict[str, int], dict[str, str]]:
    """Return the counts of a node's pipeline, and its model and engine.

    Args:
        statuses: One diagnostics message.
        node: Name of the node.

    Returns:
        Counts with families as ``dropped_by/overflow``; empty mappings for other nodes'.
    """
    values = {status.name: status.values for status in statuses}
    pipeline = values.get(f'{node}: pipeline', {})
    engine = values.get(f'{node}: engine', {})
    counts = {key: int(value) for key, value in pipeline.items() if value.isdigit()}
    return counts, {key: engine[key] for key in ENGINE_KEYS if key in engine}


def read_frames(bag: BagReader, inputs: Inputs, reference: Modality) -> BagFrames:
    """List the reference frames of a bag by their stamps.

    Args:
        bag: The opened bag.
        inputs: Its topics.
        reference: The camera whose frames are answered.
    """
    topics = [name for name, (modality, _) in inputs.cameras.items() if modality == reference]
    log_ns: dict[int, int] = {}
    messages = 0
    for record in bag.messages(topics):
        messages += 1
        log_ns.setdefault(peek_stamp_ns(record.cdr), record.log_ns)
    return BagFrames(log_ns=log_ns, messages=messages)
