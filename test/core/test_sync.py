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

"""The ten promises of the synchroniser, and what keeps them under hostile streams."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.frame import Frame
from xspec_ros.core.sync import (
    Dropped,
    Paired,
    PairSynchronizer,
    SyncSettings,
    Unpaired,
)

MS = 1_000_000
IMAGES = {'rgb': np.zeros((2, 2, 3), np.uint8), 'thermal': np.zeros((2, 2), np.uint16)}


def frame(modality, stamp_ms):
    return Frame(
        modality=modality,
        stamp_ns=round(stamp_ms * MS),
        frame_id=modality,
        image=IMAGES[modality],
        encoding='rgb8' if modality == 'rgb' else 'mono16',
    )


def rgb(stamp_ms):
    return frame('rgb', stamp_ms)


def thermal(stamp_ms):
    return frame('thermal', stamp_ms)


def feed(sync, frames):
    return [event for item in frames for event in sync.push(item)]


def pairs(events):
    return [
        (event.pair.thermal.stamp_ns / MS, event.pair.rgb.stamp_ns / MS)
        for event in events
        if isinstance(event, Paired)
    ]


def alone(events):
    return [
        (event.frame.stamp_ns / MS, event.cause) for event in events if isinstance(event, Unpaired)
    ]


def stream(modality, rate_hz, seconds, *, start_ms=0.0, delay_ms=0.0):
    """Frames of one camera as (arrival, frame), stamps from ``start_ms`` on."""
    stamps = start_ms + np.arange(int(rate_hz * seconds)) * 1000.0 / rate_hz
    return [(stamp + delay_ms, frame(modality, stamp)) for stamp in stamps]


def in_order_of_arrival(*streams):
    return [item for _, item in sorted((e for s in streams for e in s), key=lambda e: e[0])]


def balance_holds(counts):
    for modality in ('rgb', 'thermal'):
        gone = (
            counts.dropped_old[modality]
            + counts.dropped_unpaired[modality]
            + counts.dropped_overflow[modality]
            + counts.dropped_duplicate[modality]
        )
        if counts.received[modality] != counts.paired + gone + counts.waiting[modality]:
            return False
    return True


# Promise 1: the nearest partner, decided when final


def test_reference_waits_until_a_later_partner_makes_the_choice_final():
    sync = PairSynchronizer()
    assert feed(sync, [rgb(0), thermal(20)]) == []
    assert pairs(sync.push(rgb(33))) == [(20, 33)]


def test_earlier_partner_wins_when_it_is_nearer():
    assert pairs(feed(PairSynchronizer(), [rgb(0), thermal(10), rgb(33)])) == [(10, 0)]


def test_tie_goes_to_the_earlier_partner():
    assert pairs(feed(PairSynchronizer(), [rgb(0), thermal(10), rgb(20)])) == [(10, 0)]


def test_equal_stamps_are_final_at_once():
    assert pairs(feed(PairSynchronizer(), [rgb(10), thermal(10)])) == [(10, 10)]
    assert pairs(feed(PairSynchronizer(), [thermal(10), rgb(10)])) == [(10, 10)]


def test_offsets_are_added_before_stamps_are_compared():
    sync = PairSynchronizer(SyncSettings(rgb_offset_ms=-150, thermal_offset_ms=20))
    events = feed(sync, [thermal(0), rgb(140), rgb(172), rgb(205)])
    assert pairs(events) == [(0, 172)]
    assert events[0].pair.skew_ns == 2 * MS


def test_rgb_can_be_the_reference():
    sync = PairSynchronizer(SyncSettings(reference='rgb'))
    events = feed(sync, [thermal(0), rgb(8), thermal(33)])
    assert pairs(events) == [(0, 8)]
    assert events[0].pair.skew_ns == 8 * MS


def test_partner_nearer_to_a_later_reference_is_left_to_it():
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


def test_equal_rates_half_a_period_apart_lose_no_frame():
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
def test_reference_whose_next_partner_is_used_does_not_reach_beyond_it(first):
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


def test_partner_serves_one_reference_only():
    events = feed(PairSynchronizer(), [thermal(0), thermal(4), rgb(1), rgb(66)])
    assert pairs(events) == [(0, 1)]
    assert alone(events) == [(4, 'taken')]


def test_second_reference_may_take_the_next_nearest_partner_within_slop():
    events = feed(PairSynchronizer(), [thermal(0), thermal(4), rgb(1), rgb(33)])
    assert pairs(events) == [(0, 1), (4, 33)]


def test_reference_behind_the_last_answer_is_dropped_as_old():
    sync = PairSynchronizer()
    feed(sync, [thermal(100), rgb(101)])
    events = sync.push(thermal(50))
    assert [(type(e), e.cause) for e in events] == [(Dropped, 'old')]
    assert sync.counts.dropped_old == {'rgb': 0, 'thermal': 1}


def test_late_partner_is_still_inserted_while_its_reference_waits():
    sync = PairSynchronizer()
    feed(sync, [thermal(50), rgb(0)])
    events = feed(sync, [rgb(20), rgb(10), rgb(60)])
    assert pairs(events) == [(50, 60)]
    events = feed(sync, [thermal(150), rgb(100), rgb(70), rgb(145), rgb(160)])
    assert pairs(events) == [(150, 145)]


def test_swapped_references_come_out_in_order_while_undecided():
    sync = PairSynchronizer()
    events = feed(sync, [thermal(40), thermal(0), rgb(1), rgb(41)])
    assert pairs(events) == [(0, 1), (40, 41)]


# Promise 3: slop


def test_pairs_beyond_slop_are_dropped():
    events = feed(PairSynchronizer(SyncSettings(slop_ms=50)), [rgb(0), thermal(51), rgb(102)])
    assert alone(events) == [(51, 'slop')]


def test_slop_itself_is_within():
    events = feed(PairSynchronizer(SyncSettings(slop_ms=50)), [rgb(0), thermal(50), rgb(133)])
    assert pairs(events) == [(50, 0)]


# Promise 4: memory


def test_partner_buffer_keeps_the_newest_frames_and_counts_the_rest():
    sync = PairSynchronizer(SyncSettings(max_frames=5))
    feed(sync, [rgb(i * 33) for i in range(100)])
    counts = sync.counts
    assert counts.waiting == {'rgb': 5, 'thermal': 0}
    assert counts.dropped_overflow['rgb'] == 95
    assert counts.held_bytes == 5 * IMAGES['rgb'].nbytes


def test_bytes_are_bounded_too():
    sync = PairSynchronizer(SyncSettings(max_bytes=3 * IMAGES['rgb'].nbytes))
    feed(sync, [rgb(i * 33) for i in range(100)])
    assert sync.counts.held_bytes == 3 * IMAGES['rgb'].nbytes


def test_references_beyond_the_limit_are_decided_early():
    sync = PairSynchronizer(SyncSettings(max_frames=3, max_wait_ms=10_000, stale_after_s=100))
    events = feed(sync, [thermal(i * 33) for i in range(10)])
    assert [cause for _, cause in alone(events)] == ['overflow'] * 7
    assert sync.counts.waiting['thermal'] == 3


def test_one_frame_above_the_byte_limit_is_let_go():
    sync = PairSynchronizer(SyncSettings(max_bytes=4))
    assert alone(sync.push(thermal(0))) == [(0, 'overflow')]
    assert sync.push(rgb(0)) == []
    assert sync.counts.held_bytes == 0


def test_reference_whose_partner_was_pushed_out_says_so():
    sync = PairSynchronizer(SyncSettings(max_frames=3))
    events = feed(sync, [rgb(i * 33) for i in range(20)] + [thermal(100)])
    assert alone(events) == [(100, 'overflow')]


# Promise 5: latency


def test_reference_waits_no_longer_than_max_wait_on_its_own_axis():
    sync = PairSynchronizer(SyncSettings(max_wait_ms=100))
    assert feed(sync, [rgb(0), rgb(33), thermal(100), thermal(199)]) == []
    assert alone(sync.push(thermal(200))) == [(100, 'late')]


def test_clock_ends_the_wait_when_nothing_arrives():
    sync = PairSynchronizer(SyncSettings(max_wait_ms=100))
    feed(sync, [rgb(0), thermal(30)])
    assert sync.advance(5_000 * MS) == []
    assert sync.advance(5_099 * MS) == []
    assert pairs(sync.advance(5_100 * MS)) == [(30, 0)]


def test_clock_that_skips_far_ahead_never_cuts_a_wait_short():
    sync = PairSynchronizer(SyncSettings(max_wait_ms=100))
    sync.advance(0)
    sync.push(thermal(0))
    assert sync.advance(3_600_000 * MS) == []
    assert pairs(sync.push(rgb(0))) == [(0, 0)]


def test_no_wait_decides_on_arrival():
    sync = PairSynchronizer(SyncSettings(max_wait_ms=0))
    assert pairs(feed(sync, [rgb(0), thermal(10)])) == [(10, 0)]


@pytest.mark.parametrize('latency_ms', [0, 40, 500])
def test_late_thermal_costs_no_pair_at_the_defaults(latency_ms):
    frames = in_order_of_arrival(
        stream('rgb', 30, 10), stream('thermal', 9, 10, start_ms=13, delay_ms=latency_ms)
    )
    sync = PairSynchronizer()
    events = feed(sync, frames) + sync.flush()
    assert len(pairs(events)) == 90
    assert max(abs(r - t) for t, r in pairs(events)) <= 17
    assert sync.advice() is None


def test_late_rgb_is_named_with_the_parameter_to_set():
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
def test_skewed_clock_is_measured_and_the_offset_to_set_works(skew_ms):
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


def test_nearest_offset_is_measured_beyond_slop():
    frames = in_order_of_arrival(stream('rgb', 5, 10, start_ms=70), stream('thermal', 5, 10))
    sync = PairSynchronizer()
    assert pairs(feed(sync, frames)) == []
    assert sync.counts.offset_ms == pytest.approx(70)


# Promise 6: jumps


def test_backward_jump_starts_an_epoch_and_clears_within_one_message():
    sync = PairSynchronizer()
    feed(sync, [rgb(10_000 + i * 33) for i in range(20)])
    assert sync.push(rgb(0)) == []
    assert sync.epoch == 1
    assert sync.counts.waiting == {'rgb': 1, 'thermal': 0}
    events = feed(sync, [thermal(5), rgb(33)])
    assert pairs(events) == [(5, 0)]
    assert events[0].epoch == 1


def test_small_step_back_is_no_jump():
    sync = PairSynchronizer()
    feed(sync, [thermal(1000), thermal(500)])
    assert sync.epoch == 0
    feed(sync, [thermal(1100), thermal(599)])
    assert sync.epoch == 1


def test_waiting_references_are_answered_before_the_new_epoch():
    sync = PairSynchronizer()
    feed(sync, [rgb(9_990), thermal(10_000), thermal(10_090)])
    events = sync.push(thermal(0))
    assert pairs(events) == [(10_000, 9_990)]
    assert alone(events) == [(10_090, 'epoch')]
    assert [event.epoch for event in events] == [0, 0]


def test_jump_of_the_clock_starts_an_epoch():
    sync = PairSynchronizer()
    sync.advance(10_000 * MS)
    feed(sync, [rgb(9_990)])
    sync.advance(9_000 * MS)
    assert sync.epoch == 1
    assert sync.counts.waiting == {'rgb': 0, 'thermal': 0}


def loops(number, **delays):
    seconds, events = 5, []
    for index in range(number):
        for modality, rate_hz in (('rgb', 30), ('thermal', 9)):
            delay_ms = index * seconds * 1000 + delays.get(modality, 0)
            events.append(stream(modality, rate_hz, seconds, start_ms=3, delay_ms=delay_ms))
    return in_order_of_arrival(*events)


@pytest.mark.parametrize('delays', [{}, {'rgb': 60}, {'thermal': 500}])
def test_bag_loop_costs_one_epoch_a_round_and_few_pairs(delays):
    sync = PairSynchronizer()
    events = feed(sync, loops(4, **delays)) + sync.flush()
    assert sync.epoch == 3
    lost = 4 * 45 - len(pairs(events))
    assert lost <= 3 * (1 + max(delays.values(), default=0) // 100)


def test_input_that_never_follows_a_jump_is_not_dropped_for_good():
    sync = PairSynchronizer()
    feed(sync, in_order_of_arrival(stream('rgb', 30, 1), stream('thermal', 9, 1)))
    frames = in_order_of_arrival(
        stream('rgb', 30, 10, start_ms=-100_000, delay_ms=100_000),
        stream('thermal', 9, 10, start_ms=1000, delay_ms=-1000),
    )
    events = feed(sync, frames)
    assert 10 <= sync.counts.dropped_old['thermal'] <= 20
    assert len(alone(events)) >= 65


# Promise 7: no user code inside


def test_consumer_that_raises_leaves_the_synchroniser_usable():
    sync = PairSynchronizer()
    for item in (thermal(0), rgb(0)):
        events = sync.push(item)
    with pytest.raises(RuntimeError):
        consume(events)
    assert pairs(feed(sync, [thermal(100), rgb(100)])) == [(100, 100)]


def consume(events):
    raise RuntimeError(len(events))


# Promise 8: counters


def test_duplicates_keep_the_first():
    sync = PairSynchronizer()
    first = thermal(0)
    events = feed(sync, [first, replace(first, frame_id='again'), rgb(0), first, rgb(0)])
    made = [event for event in events if isinstance(event, Paired)]
    assert [event.pair.thermal.frame_id for event in made] == ['thermal']
    assert sync.counts.dropped_duplicate == {'rgb': 1, 'thermal': 2}


def test_counts_balance_and_skew_is_measured():
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


# Promise 9: one camera dead


def test_dead_rgb_is_said_and_recovers_by_itself():
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


def test_nobody_waits_for_a_camera_known_to_be_dead():
    sync = PairSynchronizer()
    feed(sync, [rgb(0)] + [thermal(i * 111) for i in range(12)])
    assert alone(sync.push(thermal(1400)))[-1] == (1400, 'missing')
    assert sync.advice().camera == 'rgb'


def test_returning_reference_does_not_take_its_partner_for_dead():
    frames = in_order_of_arrival(
        stream('rgb', 30, 15),
        stream('thermal', 9, 5, start_ms=5),
        stream('thermal', 9, 5, start_ms=10_030),
    )
    sync = PairSynchronizer()
    events = feed(sync, frames) + sync.flush()
    assert len(pairs(events)) == 90
    assert max(abs(r - t) for t, r in pairs(events)) <= 17


def test_rgb_fallback_hands_out_rgb_while_thermal_is_dead():
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


# Promise 10 and all of them at once


@st.composite
def streams(draw):
    """Two cameras with jitter and drops, stamps in order within each."""
    made = {}
    for modality in ('rgb', 'thermal'):
        period = draw(st.sampled_from([16, 33, 100, 111]))
        steps = draw(st.lists(st.integers(0, 20), min_size=1, max_size=40))
        kept = draw(st.lists(st.booleans(), min_size=len(steps), max_size=len(steps)))
        stamps = [i * period + min(step, period - 1) for i, step in enumerate(steps)]
        made[modality] = [s for s, keep in zip(stamps, kept, strict=True) if keep or s < 200]
    return made


@settings(max_examples=100, deadline=None, derandomize=True)
@given(streams(), st.data())
def test_any_interleaving_within_tolerance_gives_the_same_pairs(made, data):
    """The order between cameras does not matter as long as nothing times out."""
    patient = SyncSettings(max_wait_ms=1e9, max_frames=1000, stale_after_s=1e6)
    answers = []
    for _ in range(3):
        left = {m: list(stamps) for m, stamps in made.items()}
        sync, events = PairSynchronizer(patient), []
        while any(left.values()):
            choices = [m for m in left if left[m]]
            modality = data.draw(st.sampled_from(choices))
            events += sync.push(frame(modality, left[modality].pop(0)))
        events += sync.flush()
        answers.append((pairs(events), [stamp for stamp, _ in alone(events)]))
    assert answers[0] == answers[1] == answers[2]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from(['rgb', 'thermal', 'clock']), st.integers(0, 3000)), max_size=80
    ),
    st.sampled_from(['rgb', 'thermal']),
    st.booleans(),
)
def test_every_promise_holds_on_any_stream(sequence, reference, fallback):
    limits = SyncSettings(max_frames=4, max_bytes=80, reference=reference, rgb_fallback=fallback)
    runs = []
    for _ in range(2):
        sync, events = PairSynchronizer(limits), []
        for source, stamp_ms in sequence:
            if source == 'clock':
                events += sync.advance(stamp_ms * MS)
            else:
                events += sync.push(frame(source, stamp_ms))
            counts = sync.counts
            assert max(counts.waiting.values()) <= 4
            assert counts.held_bytes <= 80
            assert balance_holds(counts)
        events += sync.flush()
        assert sync.counts.held_bytes == 0
        assert balance_holds(sync.counts)
        runs.append(events)
    assert pairs(runs[0]) == pairs(runs[1])
    assert alone(runs[0]) == alone(runs[1])

    last = (-1, -1)
    partner_last = (-1, -1)
    for event in runs[0]:
        if isinstance(event, Dropped):
            continue
        if isinstance(event, Paired):
            sides = {'thermal': event.pair.thermal, 'rgb': event.pair.rgb}
            other = 'rgb' if reference == 'thermal' else 'thermal'
            answered, partner = sides[reference], sides[other]
            assert abs(event.pair.skew_ns) <= 50 * MS
            assert (event.epoch, partner.stamp_ns) > partner_last
            partner_last = (event.epoch, partner.stamp_ns)
        else:
            answered = event.frame
        assert (event.epoch, answered.stamp_ns) > last
        last = (event.epoch, answered.stamp_ns)


# Changed while running


def balanced(counts):
    return all(
        counts.received[m]
        == counts.paired
        + counts.dropped_old[m]
        + counts.dropped_unpaired[m]
        + counts.dropped_overflow[m]
        + counts.dropped_duplicate[m]
        + counts.waiting[m]
        for m in ('rgb', 'thermal')
    )


def test_another_slop_holds_from_the_next_frame_on_and_what_waited_is_decided_first():
    sync = PairSynchronizer(SyncSettings(slop_ms=5.0))
    assert pairs(feed(sync, [rgb(0), thermal(10), rgb(20)])) == []
    before = sync.retune(SyncSettings(slop_ms=15.0))
    after = feed(sync, [thermal(110), rgb(120), rgb(153)])
    assert pairs(before) == []
    assert pairs(after) == [(110, 120)]
    assert sync.counts.paired == 1
    assert balanced(sync.counts)


def test_advice_is_measured_anew_after_a_change():
    sync = PairSynchronizer(SyncSettings(slop_ms=5.0))
    feed(sync, [item for t in range(0, 4000, 100) for item in (rgb(t), thermal(t + 40))])
    assert sync.advice() is not None
    offset_ms = sync.counts.offset_ms
    assert offset_ms is not None
    sync.retune(SyncSettings(slop_ms=5.0, rgb_offset_ms=-offset_ms))
    assert sync.advice() is None
    feed(sync, [item for t in range(4000, 8000, 100) for item in (rgb(t), thermal(t + 40))])
    assert sync.advice() is None


@given(
    stamps=st.lists(st.tuples(st.booleans(), st.integers(0, 500)), max_size=40),
    cut=st.integers(0, 40),
    slop_ms=st.floats(0.0, 100.0),
    clock=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_books_balance_across_a_change_or_a_restart(stamps, cut, slop_ms, clock):
    sync = PairSynchronizer()
    frames = [rgb(t) if is_rgb else thermal(t) for is_rgb, t in stamps]
    feed(sync, frames[:cut])
    if clock:
        sync.restart()
        assert sync.counts.waiting == {'rgb': 0, 'thermal': 0}
    else:
        sync.retune(SyncSettings(slop_ms=slop_ms))
    feed(sync, frames[cut:])
    sync.flush()
    assert balanced(sync.counts)


def test_a_clock_that_goes_back_lets_older_stamps_in_at_once():
    sync = PairSynchronizer(SyncSettings(jump_threshold_s=10.0))
    feed(sync, [rgb(5000), thermal(5000)])
    sync.restart()
    assert pairs(feed(sync, [rgb(1000), thermal(1000), rgb(1100)])) == [(1000, 1000)]
    assert sync.epoch == 1
