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

"""The stand-ins that let the peer run without rclpy."""

from __future__ import annotations

import sys

import pytest

from benchmarks import sync
from benchmarks.sync_peer import Duration, Header, load_peer, Message, Source, Time

PEER = """
from rclpy.clock import ROSClock
from rclpy.duration import Duration
from rclpy.logging import LoggingSeverity
from rclpy.time import Time


class ApproximateTimeSynchronizer:
    def __init__(self, sources, queue_size, slop):
        self.slop, self.last = Duration(seconds=slop), {}
        for index, source in enumerate(sources):
            source.registerCallback(self.add, index)

    def registerCallback(self, callback):
        self.callback = callback

    def add(self, message, index):
        self.last[index] = message
        if len(self.last) == 2:
            first, second = self.last[0], self.last[1]
            stamps = [first.header.stamp, second.header.stamp]
            if max(stamps) - min(stamps) < self.slop:
                self.callback(first, second)
                self.last = {}
"""


@pytest.fixture
def peer_path(tmp_path):
    path = tmp_path / 'peer.py'
    path.write_text(PEER)
    return path


def test_stand_ins_leave_no_trace_in_the_process(peer_path):
    before = 'rclpy' in sys.modules
    load_peer(peer_path)
    assert ('rclpy' in sys.modules) == before


def test_times_subtract_to_durations():
    assert Time(nanoseconds=5) - Time(nanoseconds=2) == Duration(nanoseconds=3)
    assert Duration(seconds=0.5) > Duration(nanoseconds=499_999_999)
    assert max(Time(nanoseconds=1), Time(nanoseconds=2)).nanoseconds == 2
    assert len({Time(nanoseconds=1), Time(nanoseconds=1)}) == 1


def test_source_feeds_what_was_registered():
    seen, source = [], Source()
    source.registerCallback(lambda message, tag: seen.append((message.payload, tag)), 'a')
    source.feed(Message(header=Header(stamp=Time()), payload=7))
    assert seen == [(7, 'a')]


def test_peer_rows_stand_beside_ours(peer_path, capsys):
    assert sync.main(['--seconds', '6', '--repeats', '1', '--peer', str(peer_path)]) == 0
    text = capsys.readouterr().out
    assert text.count('| message_filters |') == 2 * len(sync.SCENARIOS)
