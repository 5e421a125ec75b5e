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

"""Playing puts recorded bytes on the bus, in order, for readers that are already there."""

from dataclasses import dataclass
from threading import Event, Thread

import numpy as np
import pytest

pytest.importorskip('cyclonedds')

from xspec_ros.dds.play import play
from xspec_ros.dds.qos import LATCHED, Profile, RESULT, SENSOR
from xspec_ros.errors import DataError
from xspec_ros.messages.cdr import CdrReader
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.labels import encode_label_info
from xspec_ros.messages.topics import (
    IMAGE_TYPE,
    LABEL_INFO,
    LABEL_INFO_TYPE,
    THERMAL,
)

DEADLINE_S = 10.0
ALL = Profile(reliable=True, depth=1000)


@dataclass
class Topic:
    name: str = THERMAL
    type_name: str = IMAGE_TYPE
    digest: str = ''


@dataclass
class Record:
    topic: str
    cdr: memoryview
    log_ns: int


def drive(count, period_ns=1_000_000):
    return [
        Record(THERMAL, memoryview(picture(index)), 1_000_000_000 + index * period_ns)
        for index in range(count)
    ]


def picture(stamp_ns):
    pixels = np.zeros((12, 16), np.uint16)
    return encode_image(pixels, stamp_ns=stamp_ns, frame_id='t', encoding='mono16')


def stamps(messages):
    return [CdrReader(cdr, IMAGE_TYPE).stamp_ns() for cdr in messages]


def collect(bus, reader, count):
    """Take messages until ``count`` are there or nothing comes any more."""
    found = []
    while len(found) < count and bus.wait(DEADLINE_S):
        found += reader.take()
    return found


def test_reader_that_is_there_gets_every_message_in_order(bus, domain):
    reader = bus.reader(THERMAL, IMAGE_TYPE, ALL)
    summary = play(lambda: drive(50), [Topic()], domain=domain)
    assert stamps(collect(bus, reader, 50)) == list(range(50))
    assert (summary.messages, summary.lost, summary.refused) == (50, 0, 0)
    assert summary.acknowledged


def test_rate_scales_the_recorded_time(domain):
    fast = play(lambda: drive(11, 20_000_000), [Topic()], domain=domain, rate=4.0)
    assert 0.05 <= fast.seconds < 0.2


def test_waits_until_readers_are_there(bus, domain):
    summaries = []
    player = Thread(
        target=lambda: summaries.append(
            play(lambda: drive(5), [Topic()], domain=domain, wait_for=1)
        )
    )
    player.start()
    reader = bus.reader(THERMAL, IMAGE_TYPE, RESULT)
    assert len(collect(bus, reader, 5)) == 5
    player.join(DEADLINE_S)
    assert summaries[0].messages == 5


def test_loop_starts_over_with_the_same_stamps_until_stopped(bus, domain):
    reader = bus.reader(THERMAL, IMAGE_TYPE, ALL)
    stop = Event()
    summaries = []
    player = Thread(
        target=lambda: summaries.append(
            play(lambda: drive(3), [Topic()], domain=domain, loop=True, stop=stop)
        )
    )
    player.start()
    found = stamps(collect(bus, reader, 8))
    stop.set()
    player.join(DEADLINE_S)
    assert found[:8] == [0, 1, 2, 0, 1, 2, 0, 1]
    assert summaries[0].stopped


def test_damaged_message_is_left_out_and_counted(bus, domain):
    reader = bus.reader(THERMAL, IMAGE_TYPE, ALL)
    records = drive(3)
    records[1].cdr = records[1].cdr[:-9]
    told = []
    summary = play(lambda: records, [Topic()], domain=domain, on_notice=told.append)
    assert stamps(collect(bus, reader, 2)) == [0, 2]
    assert (summary.messages, summary.refused) == (2, 1)
    assert [notice.kind for notice in told] == ['damaged']


@pytest.mark.parametrize(
    'topic',
    [
        Topic('/odd', 'nowhere_msgs/msg/Nothing'),
        Topic('/old', 'vision_msgs/msg/Detection2DArray', 'RIHS01_2aee196acde0d4f8'),
    ],
)
def test_topic_that_cannot_be_played_is_named_and_the_rest_goes_on(domain, topic):
    told = []
    summary = play(lambda: drive(1), [topic, Topic()], domain=domain, on_notice=told.append)
    assert summary.skipped == (topic.name,)
    assert summary.messages == 1
    assert topic.name in told[0].text


def test_nothing_to_play_is_an_error(domain):
    with pytest.raises(DataError, match='nowhere_msgs'):
        play(list, [Topic('/odd', 'nowhere_msgs/msg/Nothing')], domain=domain)


def test_labels_are_latched(bus, domain):
    cdr = encode_label_info(['road'], stamp_ns=1, frame_id='', threshold=0.0)
    records = [Record(LABEL_INFO, memoryview(cdr), 0)]
    reader = bus.reader(LABEL_INFO, LABEL_INFO_TYPE, LATCHED)
    play(lambda: records, [Topic(LABEL_INFO, LABEL_INFO_TYPE)], domain=domain)
    assert len(collect(bus, reader, 1)) == 1


def test_reader_that_asks_for_more_is_named(bus, domain):
    reader = bus.reader(THERMAL, IMAGE_TYPE, LATCHED)
    told = []
    play(lambda: drive(1), [Topic()], domain=domain, on_notice=told.append)
    assert [(notice.kind, 'durability' in notice.text) for notice in told] == [('qos', True)]
    assert reader.take() == []


def test_best_effort_readers_are_served_too(bus, domain):
    reader = bus.reader(THERMAL, IMAGE_TYPE, SENSOR)
    play(lambda: drive(1), [Topic()], domain=domain)
    assert stamps(collect(bus, reader, 1)) == [0]
