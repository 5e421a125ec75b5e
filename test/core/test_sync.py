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

"""What the synchroniser promises: which frames are a pair, how often one is used, what counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from xspec_ros.core.sync import Dropped, Paired, PairSynchronizer, SyncSettings

MS = 1_000_000


# Promise 1: the nearest partner, decided when final


def test_reference_waits_until_a_later_partner_makes_the_choice_final(rgb, thermal, feed, pairs):
    sync = PairSynchronizer()
    assert feed(sync, [rgb(0), thermal(20)]) == []
    assert pairs(sync.push(rgb(33))) == [(20, 33)]


def test_earlier_partner_wins_when_it_is_nearer(rgb, thermal, feed, pairs):
    assert pairs(feed(PairSynchronizer(), [rgb(0), thermal(10), rgb(33)])) == [(10, 0)]


def test_tie_goes_to_the_earlier_partner(rgb, thermal, feed, pairs):
    assert pairs(feed(PairSynchronizer(), [rgb(0), thermal(10), rgb(20)])) == [(10, 0)]


def test_equal_stamps_are_final_at_once(rgb, thermal, feed, pairs):
    assert pairs(feed(PairSynchronizer(), [rgb(10), thermal(10)])) == [(10, 10)]
    assert pairs(feed(PairSynchronizer(), [thermal(10), rgb(10)])) == [(10, 10)]


def test_offsets_are_added_before_stamps_are_compared(rgb, thermal, feed, pairs):
    sync = PairSynchronizer(SyncSettings(rgb_offset_ms=-150, thermal_offset_ms=20))
    events = feed(sync, [thermal(0), rgb(140), rgb(172), rgb(205)])
    assert pairs(events) == [(0, 172)]
    assert events[0].pair.skew_ns == 2 * MS


def test_rgb_can_be_the_reference(rgb, thermal, feed, pairs):
    sync = PairSynchronizer(SyncSettings(reference='rgb'))
    events = feed(sync, [thermal(0), rgb(8), thermal(33)])
    assert pairs(events) == [(0, 8)]
    assert events[0].pair.skew_ns == 8 * MS


def test_partner_nearer_to_a_later_reference_is_left_to_it(
    stream, in_order_of_arrival, feed, pairs, alone
):
    """A reference faster than its partner: each partner goes to its nearest reference."""
    frames = in_order_of_arrival(
        stream('thermal', 30, 2), stream('rgb', 10, 2, start_ms=45, delay_ms=1)
    )
    sync = PairSynchronizer()
    events = feed(sync, frames) + sync.flush()
    skews = [abs(r - t) for t, r in pairs(events)]
    assert len(skews) >= 18
    assert max(skews[1:]) < 17
    assert {cause for _, cause in alone(events[3:-4])} == {'taken'}


def test_equal_rates_half_a_period_apart_lose_no_frame(
    rgb, thermal, in_order_of_arrival, feed, pairs
):
    generator = np.random.default_rng(3)
    ticks = np.arange(300) * 1000 / 30
    frames = in_order_of_arrival(
        [(s, thermal(s)) for s in ticks + generator.normal(0, 1, 300)],
        [(s, rgb(s)) for s in ticks + 16.7 + generator.normal(0, 1, 300)],
    )
    sync = PairSynchronizer()
    events = feed(sync, frames) + sync.flush()
    assert len(pairs(events)) >= 298


@pytest.mark.parametrize('first', ['rgb', 'thermal'])
def test_reference_whose_next_partner_is_used_does_not_reach_beyond_it(
    rgb, thermal, feed, pairs, alone, first
):
    groups = {
        'rgb': [rgb(0), rgb(33), rgb(66)],
        'thermal': [thermal(0), thermal(16), thermal(32)],
    }
    second = 'thermal' if first == 'rgb' else 'rgb'
    sync = PairSynchronizer()
    events = feed(sync, groups[first] + groups[second]) + sync.flush()
    assert pairs(events) == [(0, 0), (16, 33)]
    assert alone(events) == [(32, 'taken')]


# Promise 2: used once, strictly increasing


def test_partner_serves_one_reference_only(rgb, thermal, feed, pairs, alone):
    events = feed(PairSynchronizer(), [thermal(0), thermal(4), rgb(1), rgb(66)])
    assert pairs(events) == [(0, 1)]
    assert alone(events) == [(4, 'taken')]


def test_second_reference_may_take_the_next_nearest_partner_within_slop(rgb, thermal, feed, pairs):
    events = feed(PairSynchronizer(), [thermal(0), thermal(4), rgb(1), rgb(33)])
    assert pairs(events) == [(0, 1), (4, 33)]


def test_reference_behind_the_last_answer_is_dropped_as_old(rgb, thermal, feed):
    sync = PairSynchronizer()
    feed(sync, [thermal(100), rgb(101)])
    events = sync.push(thermal(50))
    assert [(type(e), e.cause) for e in events] == [(Dropped, 'old')]
    assert sync.counts.dropped_old == {'rgb': 0, 'thermal': 1}


def test_late_partner_is_still_inserted_while_its_reference_waits(rgb, thermal, feed, pairs):
    sync = PairSynchronizer()
    feed(sync, [thermal(50), rgb(0)])
    events = feed(sync, [rgb(20), rgb(10), rgb(60)])
    assert pairs(events) == [(50, 60)]
    events = feed(sync, [thermal(150), rgb(100), rgb(70), rgb(145), rgb(160)])
    assert pairs(events) == [(150, 145)]


def test_swapped_references_come_out_in_order_while_undecided(rgb, thermal, feed, pairs):
    sync = PairSynchronizer()
    events = feed(sync, [thermal(40), thermal(0), rgb(1), rgb(41)])
    assert pairs(events) == [(0, 1), (40, 41)]


# Promise 3: slop


def test_pairs_beyond_slop_are_dropped(rgb, thermal, feed, alone):
    events = feed(PairSynchronizer(SyncSettings(slop_ms=50)), [rgb(0), thermal(51), rgb(102)])
    assert alone(events) == [(51, 'slop')]


def test_slop_itself_is_within(rgb, thermal, feed, pairs):
    events = feed(PairSynchronizer(SyncSettings(slop_ms=50)), [rgb(0), thermal(50), rgb(133)])
    assert pairs(events) == [(50, 0)]


# Promise 7: no user code inside


def test_consumer_that_raises_leaves_the_synchroniser_usable(rgb, thermal, feed, pairs):
    sync = PairSynchronizer()
    for item in (thermal(0), rgb(0)):
        events = sync.push(item)
    with pytest.raises(RuntimeError):
        consume(events)
    assert pairs(feed(sync, [thermal(100), rgb(100)])) == [(100, 100)]


def consume(events):
    raise RuntimeError(len(events))


# Promise 8: counters


def test_duplicates_keep_the_first(rgb, thermal, feed):
    sync = PairSynchronizer()
    first = thermal(0)
    events = feed(sync, [first, replace(first, frame_id='again'), rgb(0), first, rgb(0)])
    made = [event for event in events if isinstance(event, Paired)]
    assert [event.pair.thermal.frame_id for event in made] == ['thermal']
    assert sync.counts.dropped_duplicate == {'rgb': 1, 'thermal': 2}


def test_counts_balance_and_skew_is_measured(stream, in_order_of_arrival, feed, balance_holds):
    sync = PairSynchronizer()
    feed(sync, in_order_of_arrival(stream('rgb', 30, 10), stream('thermal', 9, 10, start_ms=4)))
    counts = sync.counts
    assert counts.received == {'rgb': 300, 'thermal': 90}
    assert balance_holds(counts)
    assert 0 < counts.skew_p50_ms <= counts.skew_p95_ms <= 17


def test_counts_before_the_first_frame_are_empty():
    counts = PairSynchronizer().counts
    assert counts.skew_p50_ms is None
    assert counts.offset_ms is None
    assert counts.rgb_lead_ms is None
    assert PairSynchronizer().advice() is None
