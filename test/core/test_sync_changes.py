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

"""Stamps and clocks that jump, bags that loop, settings that change while it runs."""

from __future__ import annotations

import pytest

from xspec_ros.core.sync import PairSynchronizer, SyncSettings

MS = 1_000_000


# Promise 6: jumps


def test_backward_jump_starts_an_epoch_and_clears_within_one_message(rgb, thermal, feed, pairs):
    sync = PairSynchronizer()
    feed(sync, [rgb(10_000 + i * 33) for i in range(20)])
    assert sync.push(rgb(0)) == []
    assert sync.epoch == 1
    assert sync.counts.waiting == {'rgb': 1, 'thermal': 0}
    events = feed(sync, [thermal(5), rgb(33)])
    assert pairs(events) == [(5, 0)]
    assert events[0].epoch == 1


def test_small_step_back_is_no_jump(thermal, feed):
    sync = PairSynchronizer()
    feed(sync, [thermal(1000), thermal(500)])
    assert sync.epoch == 0
    feed(sync, [thermal(1100), thermal(599)])
    assert sync.epoch == 1


def test_waiting_references_are_answered_before_the_new_epoch(rgb, thermal, feed, pairs, alone):
    sync = PairSynchronizer()
    feed(sync, [rgb(9_990), thermal(10_000), thermal(10_090)])
    events = sync.push(thermal(0))
    assert pairs(events) == [(10_000, 9_990)]
    assert alone(events) == [(10_090, 'epoch')]
    assert [event.epoch for event in events] == [0, 0]


def test_jump_of_the_clock_starts_an_epoch(rgb, feed):
    sync = PairSynchronizer()
    sync.advance(10_000 * MS)
    feed(sync, [rgb(9_990)])
    sync.advance(9_000 * MS)
    assert sync.epoch == 1
    assert sync.counts.waiting == {'rgb': 0, 'thermal': 0}


@pytest.fixture
def loops(stream, in_order_of_arrival):
    """Return a function that gives a drive that is played several times."""

    def play(number, **delays):
        seconds, events = 5, []
        for index in range(number):
            for modality, rate_hz in (('rgb', 30), ('thermal', 9)):
                delay_ms = index * seconds * 1000 + delays.get(modality, 0)
                events.append(stream(modality, rate_hz, seconds, start_ms=3, delay_ms=delay_ms))
        return in_order_of_arrival(*events)

    return play


@pytest.mark.parametrize('delays', [{}, {'rgb': 60}, {'thermal': 500}])
def test_bag_loop_costs_one_epoch_a_round_and_few_pairs(feed, pairs, loops, delays):
    sync = PairSynchronizer()
    events = feed(sync, loops(4, **delays)) + sync.flush()
    assert sync.epoch == 3
    lost = 4 * 45 - len(pairs(events))
    assert lost <= 3 * (1 + max(delays.values(), default=0) // 100)


def test_input_that_never_follows_a_jump_is_not_dropped_for_good(
    stream, in_order_of_arrival, feed, alone
):
    sync = PairSynchronizer()
    feed(sync, in_order_of_arrival(stream('rgb', 30, 1), stream('thermal', 9, 1)))
    frames = in_order_of_arrival(
        stream('rgb', 30, 10, start_ms=-100_000, delay_ms=100_000),
        stream('thermal', 9, 10, start_ms=1000, delay_ms=-1000),
    )
    events = feed(sync, frames)
    assert 10 <= sync.counts.dropped_old['thermal'] <= 20
    assert len(alone(events)) >= 65


# Changed while running


def test_another_slop_holds_from_the_next_frame_on_and_what_waited_is_decided_first(
    rgb, thermal, feed, pairs, balance_holds
):
    sync = PairSynchronizer(SyncSettings(slop_ms=5.0))
    assert pairs(feed(sync, [rgb(0), thermal(10), rgb(20)])) == []
    before = sync.retune(SyncSettings(slop_ms=15.0))
    after = feed(sync, [thermal(110), rgb(120), rgb(153)])
    assert pairs(before) == []
    assert pairs(after) == [(110, 120)]
    assert sync.counts.paired == 1
    assert balance_holds(sync.counts)


def test_advice_is_measured_anew_after_a_change(rgb, thermal, feed):
    sync = PairSynchronizer(SyncSettings(slop_ms=5.0))
    feed(sync, [item for t in range(0, 4000, 100) for item in (rgb(t), thermal(t + 40))])
    assert sync.advice() is not None
    offset_ms = sync.counts.offset_ms
    assert offset_ms is not None
    sync.retune(SyncSettings(slop_ms=5.0, rgb_offset_ms=-offset_ms))
    assert sync.advice() is None
    feed(sync, [item for t in range(4000, 8000, 100) for item in (rgb(t), thermal(t + 40))])
    assert sync.advice() is None


def test_a_clock_that_goes_back_lets_older_stamps_in_at_once(rgb, thermal, feed, pairs):
    sync = PairSynchronizer(SyncSettings(jump_threshold_s=10.0))
    feed(sync, [rgb(5000), thermal(5000)])
    sync.restart()
    assert pairs(feed(sync, [rgb(1000), thermal(1000), rgb(1100)])) == [(1000, 1000)]
    assert sync.epoch == 1
