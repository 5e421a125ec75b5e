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

"""Memory and waiting are bounded, also while one camera is late, skewed or dead."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.sync import Paired, PairSynchronizer, SyncSettings, Unpaired

MS = 1_000_000
IMAGES = {'rgb': np.zeros((2, 2, 3), np.uint8), 'thermal': np.zeros((2, 2), np.uint16)}


# Promise 4: memory


def test_partner_buffer_keeps_the_newest_frames_and_counts_the_rest(rgb, feed):
    sync = PairSynchronizer(SyncSettings(max_frames=5))
    feed(sync, [rgb(i * 33) for i in range(100)])
    counts = sync.counts
    assert counts.waiting == {'rgb': 5, 'thermal': 0}
    assert counts.dropped_overflow['rgb'] == 95
    assert counts.held_bytes == 5 * IMAGES['rgb'].nbytes


def test_bytes_are_bounded_too(rgb, feed):
    sync = PairSynchronizer(SyncSettings(max_bytes=3 * IMAGES['rgb'].nbytes))
    feed(sync, [rgb(i * 33) for i in range(100)])
    assert sync.counts.held_bytes == 3 * IMAGES['rgb'].nbytes


def test_references_beyond_the_limit_are_decided_early(thermal, feed, alone):
    sync = PairSynchronizer(SyncSettings(max_frames=3, max_wait_ms=10_000, stale_after_s=100))
    events = feed(sync, [thermal(i * 33) for i in range(10)])
    assert [cause for _, cause in alone(events)] == ['overflow'] * 7
    assert sync.counts.waiting['thermal'] == 3


def test_one_frame_above_the_byte_limit_is_let_go(rgb, thermal, alone):
    sync = PairSynchronizer(SyncSettings(max_bytes=4))
    assert alone(sync.push(thermal(0))) == [(0, 'overflow')]
    assert sync.push(rgb(0)) == []
    assert sync.counts.held_bytes == 0


def test_reference_whose_partner_was_pushed_out_says_so(rgb, thermal, feed, alone):
    sync = PairSynchronizer(SyncSettings(max_frames=3))
    events = feed(sync, [rgb(i * 33) for i in range(20)] + [thermal(100)])
    assert alone(events) == [(100, 'overflow')]


# Promise 5: latency


def test_reference_waits_no_longer_than_max_wait_on_its_own_axis(rgb, thermal, feed, alone):
    sync = PairSynchronizer(SyncSettings(max_wait_ms=100))
    assert feed(sync, [rgb(0), rgb(33), thermal(100), thermal(199)]) == []
    assert alone(sync.push(thermal(200))) == [(100, 'late')]


def test_clock_ends_the_wait_when_nothing_arrives(rgb, thermal, feed, pairs):
    sync = PairSynchronizer(SyncSettings(max_wait_ms=100))
    feed(sync, [rgb(0), thermal(30)])
    assert sync.advance(5_000 * MS) == []
    assert sync.advance(5_099 * MS) == []
    assert pairs(sync.advance(5_100 * MS)) == [(30, 0)]


def test_clock_that_skips_far_ahead_never_cuts_a_wait_short(rgb, thermal, pairs):
    sync = PairSynchronizer(SyncSettings(max_wait_ms=100))
    sync.advance(0)
    sync.push(thermal(0))
    assert sync.advance(3_600_000 * MS) == []
    assert pairs(sync.push(rgb(0))) == [(0, 0)]


def test_no_wait_decides_on_arrival(rgb, thermal, feed, pairs):
    sync = PairSynchronizer(SyncSettings(max_wait_ms=0))
    assert pairs(feed(sync, [rgb(0), thermal(10)])) == [(10, 0)]


@pytest.mark.parametrize('latency_ms', [0, 40, 500])
def test_late_thermal_costs_no_pair_at_the_defaults(
    stream, in_order_of_arrival, feed, pairs, latency_ms
):
    frames = in_order_of_arrival(
        stream('rgb', 30, 10), stream('thermal', 9, 10, start_ms=13, delay_ms=latency_ms)
    )
    sync = PairSynchronizer()
    events = feed(sync, frames) + sync.flush()
    assert len(pairs(events)) == 90
    assert max(abs(r - t) for t, r in pairs(events)) <= 17
    assert sync.advice() is None


def test_late_rgb_is_named_with_the_parameter_to_set(
    stream, in_order_of_arrival, feed, pairs, alone
):
    late = [stream('rgb', 30, 10, delay_ms=500), stream('thermal', 9, 10, start_ms=13)]
    sync = PairSynchronizer()
    events = feed(sync, in_order_of_arrival(*late))
    assert pairs(events) == []
    assert {cause for _, cause in alone(events[5:])} == {'late'}
    advice = sync.advice()
    assert (advice.camera, advice.parameter) == ('rgb', 'max_wait_ms')
    assert sync.counts.rgb_lead_ms == pytest.approx(-500, abs=20)
    assert 'rgb' in advice.message
    assert 'max_wait_ms' in advice.message

    cured = PairSynchronizer(SyncSettings(max_wait_ms=advice.value))
    assert len(pairs(feed(cured, in_order_of_arrival(*late)) + cured.flush())) == 90
    assert cured.advice() is None


@pytest.mark.parametrize('skew_ms', [9_000, -9_000])
def test_skewed_clock_is_measured_and_the_offset_to_set_works(
    stream, in_order_of_arrival, feed, pairs, skew_ms
):
    frames = in_order_of_arrival(
        stream('rgb', 30, 5, start_ms=skew_ms, delay_ms=-skew_ms), stream('thermal', 9, 5)
    )
    sync = PairSynchronizer()
    assert pairs(feed(sync, frames)) == []
    assert sync.counts.rgb_lead_ms == pytest.approx(skew_ms, abs=20)
    advice = sync.advice()
    assert advice.parameter == 'rgb.stamp_offset_ms'
    cured = PairSynchronizer(SyncSettings(rgb_offset_ms=advice.value))
    assert len(pairs(feed(cured, frames) + cured.flush())) >= 40


def test_nearest_offset_is_measured_beyond_slop(stream, in_order_of_arrival, feed, pairs):
    frames = in_order_of_arrival(stream('rgb', 5, 10, start_ms=70), stream('thermal', 5, 10))
    sync = PairSynchronizer()
    assert pairs(feed(sync, frames)) == []
    assert sync.counts.offset_ms == pytest.approx(70)


# Promise 9: one camera dead


def test_dead_rgb_is_said_and_recovers_by_itself(stream, in_order_of_arrival, feed, pairs, alone):
    frames = in_order_of_arrival(
        stream('thermal', 9, 15, start_ms=2),
        stream('rgb', 30, 5),
        stream('rgb', 30, 5, start_ms=10_000),
    )
    sync = PairSynchronizer()
    events = feed(sync, frames) + sync.flush()
    causes = [cause for _, cause in alone(events)]
    assert len(pairs(events)) >= 88
    assert set(causes[:7]) == {'late'}
    assert causes.count('missing') >= 30
    assert pairs(events)[-1][0] > 14_800


def test_nobody_waits_for_a_camera_known_to_be_dead(rgb, thermal, feed, alone):
    sync = PairSynchronizer()
    feed(sync, [rgb(0)] + [thermal(i * 111) for i in range(12)])
    assert alone(sync.push(thermal(1400)))[-1] == (1400, 'missing')
    assert sync.advice().camera == 'rgb'


def test_returning_reference_does_not_take_its_partner_for_dead(
    stream, in_order_of_arrival, feed, pairs
):
    frames = in_order_of_arrival(
        stream('rgb', 30, 15),
        stream('thermal', 9, 5, start_ms=5),
        stream('thermal', 9, 5, start_ms=10_030),
    )
    sync = PairSynchronizer()
    events = feed(sync, frames) + sync.flush()
    assert len(pairs(events)) == 90
    assert max(abs(r - t) for t, r in pairs(events)) <= 17


def test_rgb_fallback_hands_out_rgb_while_thermal_is_dead(
    stream, in_order_of_arrival, feed, pairs, balance_holds
):
    sync = PairSynchronizer(SyncSettings(rgb_fallback=True))
    frames = in_order_of_arrival(
        stream('rgb', 30, 10),
        stream('thermal', 9, 3, start_ms=2),
        stream('thermal', 9, 3, start_ms=7_002),
    )
    events = feed(sync, frames) + sync.flush()
    single = [event.frame for event in events if isinstance(event, Unpaired)]
    assert {item.modality for item in single} == {'rgb'}
    assert 80 <= len(single) <= 100
    assert len(pairs(events)) >= 52
    stamps = [
        event.pair.thermal.stamp_ns if isinstance(event, Paired) else event.frame.stamp_ns
        for event in events
    ]
    assert stamps == sorted(stamps)
    assert balance_holds(sync.counts)
