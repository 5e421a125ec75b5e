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

"""Publish recorded messages on a live bus, as ``ros2 bag play`` does."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Protocol, TYPE_CHECKING

from xspec_ros.dds.participant import Bus, Writer
from xspec_ros.dds.qos import LATCHED, PLAYED, Profile
from xspec_ros.errors import DataError, MessageError
from xspec_ros.messages.topics import LABEL_INFO_TYPE
from xspec_ros.messages.typestore import is_known, type_hash
from xspec_ros.perception.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Tell = Callable[[Notice], None]

LATCHED_TOPICS = ('/tf_static', '/robot_description')
SETTLE_S = 0.5
MATCH_S = 2.0
TICK_S = 0.02
ACKNOWLEDGE_S = 10.0
MAX_WRITE_TRIES = 20


class PlayedTopic(Protocol):
    """A topic of a recording."""

    @property
    def name(self) -> str:
        """ROS topic name."""

    @property
    def type_name(self) -> str:
        """ROS type name."""

    @property
    def digest(self) -> str:
        """Type hash as recorded, empty where it was not."""


class PlayedRecord(Protocol):
    """A recorded message."""

    @property
    def topic(self) -> str:
        """ROS topic name."""

    @property
    def cdr(self) -> memoryview:
        """The message."""

    @property
    def log_ns(self) -> int:
        """When it was recorded."""


@dataclass(slots=True, kw_only=True)
class PlaySummary:
    """What was published.

    Attributes:
        messages: Messages written.
        seconds: From the first to the last message.
        refused: Messages that were damaged.
        lost: Messages a slow reader left no room for.
        loops: Times the recording was played to its end.
        acknowledged: Whether all reliable readers confirmed all messages.
        skipped: Topics that could not be played.
        stopped: Whether the user ended it.
    """

    messages: int = 0
    seconds: float = 0.0
    refused: int = 0
    lost: int = 0
    loops: int = 0
    acknowledged: bool = True
    skipped: tuple[str, ...] = ()
    stopped: bool = False


def play(
    records: Callable[[], Iterable[PlayedRecord]],
    topics: Sequence[PlayedTopic],
    *,
    domain: int | None = None,
    rate: float = 1.0,
    loop: bool = False,
    wait_for: int = 0,
    stop: Event | None = None,
    on_notice: Tell | None = None,
) -> PlaySummary:
    """Publish recorded messages in the rhythm in which they were recorded; stamps stay theirs.

    Args:
        records: Starts reading the recording, in order of time; called again for every loop.
        topics: The topics to announce.
        domain: DDS domain; None to follow ``ROS_DOMAIN_ID``.
        rate: Factor on the recorded speed; 2 is twice as fast.
        loop: Start over at the end, until stopped.
        wait_for: Readers, over all topics, to wait for before the first message. Readers that
            are already there are waited for in any case.
        stop: Ends playing when set.
        on_notice: Told what the user should know.

    Returns:
        What was published.

    Raises:
        DataError: No topic of the recording can be played.
        ConfigError: The bus cannot be joined.
    """
    stop = stop or Event()
    tell = on_notice or (lambda _: None)
    summary = PlaySummary()
    with Bus(domain) as bus:
        writers = _announce(bus, topics, summary, tell)
        _wait_for_readers(bus, writers, wait_for, stop)
        started = monotonic()
        while not stop.is_set():
            before = summary.messages
            _play_once(records(), writers, rate, stop, summary)
            summary.loops += not stop.is_set()
            if not loop or summary.messages == before:
                break
        summary.seconds = monotonic() - started
        summary.stopped = stop.is_set()
        _close_politely(writers, summary, tell)
    return summary


def _announce(
    bus: Bus, topics: Sequence[PlayedTopic], summary: PlaySummary, tell: Tell
) -> dict[str, Writer]:
    writers: dict[str, Writer] = {}
    for topic in topics:
        name, type_name = topic.name, topic.type_name
        reason = ''
        if not is_known(type_name):
            reason = f'type {type_name} is not known here'
        elif topic.digest and topic.digest != type_hash(type_name):
            reason = f'recorded with another version of {type_name}'
        elif name in writers:
            reason = f'recorded with two types, {writers[name].type_name} is played'
        if reason:
            summary.skipped += (name,)
            tell(Notice(level='warning', kind='skipped', text=f'{name} is not played: {reason}'))
            continue
        writers[name] = bus.writer(name, type_name, _profile(name, type_name))
    if not writers:
        message = 'no topic of this bag can be played'
        named = ', '.join(f'{topic.name} ({topic.type_name})' for topic in topics) or 'none'
        raise DataError(message, hint=f'its topics: {named}')
    return writers


def _profile(name: str, type_name: str) -> Profile:
    latched = type_name == LABEL_INFO_TYPE or name in LATCHED_TOPICS
    return LATCHED if latched else PLAYED


def _wait_for_readers(bus: Bus, writers: dict[str, Writer], wanted: int, stop: Event) -> None:
    """Wait for as many readers as asked for, then until those in sight are connected."""
    while not stop.is_set() and sum(writer.matched() for writer in writers.values()) < wanted:
        stop.wait(TICK_S)
    started = monotonic()
    while not stop.is_set() and (spent := monotonic() - started) < MATCH_S:
        kinds = {name: writer.type_name for name, writer in writers.items()}
        expected = {
            entry.topic
            for entry in bus.subscriptions()
            if not entry.own and kinds.get(entry.topic) == entry.type_name
        }
        connected = all(writers[name].matched() for name in expected)
        if spent >= SETTLE_S and connected:
            return
        stop.wait(TICK_S)


def _play_once(
    records: Iterable[PlayedRecord],
    writers: dict[str, Writer],
    rate: float,
    stop: Event,
    summary: PlaySummary,
) -> None:
    first_ns: int | None = None
    started = monotonic()
    for record in records:
        writer = writers.get(record.topic)
        if writer is None:
            continue
        first_ns = record.log_ns if first_ns is None else first_ns
        ahead = started + (record.log_ns - first_ns) / 1e9 / rate - monotonic()
        if (ahead > 0 and stop.wait(ahead)) or stop.is_set():
            return
        _write(writer, bytes(record.cdr), stop, summary)


def _write(writer: Writer, cdr: bytes, stop: Event, summary: PlaySummary) -> None:
    try:
        for _ in range(MAX_WRITE_TRIES):
            if writer.write(cdr):
                summary.messages += 1
                return
            if stop.is_set():
                break
    except MessageError:
        summary.refused += 1
        return
    summary.lost += 1


def _close_politely(writers: dict[str, Writer], summary: PlaySummary, tell: Tell) -> None:
    """Wait until reliable readers have everything, and say what went wrong."""
    end = monotonic() + (TICK_S if summary.stopped else ACKNOWLEDGE_S)
    for writer in writers.values():
        left = max(end - monotonic(), 0.0)
        summary.acknowledged &= writer.wait_acknowledged(left)
        if policy := writer.incompatible():
            text = f'{writer.topic}: a reader asks for other QoS ({policy}) and gets nothing'
            tell(Notice(level='warning', kind='qos', text=text))
    if summary.refused:
        text = f'{summary.refused} damaged messages were not published'
        tell(Notice(level='warning', kind='damaged', text=text))
    if not summary.acknowledged and not summary.stopped:
        text = f'a reader has not confirmed all messages within {ACKNOWLEDGE_S:.0f} s'
        tell(Notice(level='warning', kind='unacknowledged', text=text))
