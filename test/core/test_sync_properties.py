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

"""Every promise of the synchroniser on streams that nobody thought of."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from xspec_ros.core.sync import Dropped, Paired, PairSynchronizer, SyncSettings

MS = 1_000_000


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


@settings(max_examples=100, deadline=None)
@given(streams(), st.data())
def test_any_interleaving_within_tolerance_gives_the_same_pairs(frame, pairs, alone, made, data):
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


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(['rgb', 'thermal', 'clock']), st.integers(0, 3000)), max_size=80
    ),
    st.sampled_from(['rgb', 'thermal']),
    st.booleans(),
)
def test_every_promise_holds_on_any_stream(
    frame, pairs, alone, balance_holds, sequence, reference, fallback
):
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


@given(
    stamps=st.lists(st.tuples(st.booleans(), st.integers(0, 500)), max_size=40),
    cut=st.integers(0, 40),
    slop_ms=st.floats(0.0, 100.0),
    clock=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_books_balance_across_a_change_or_a_restart(
    rgb, thermal, feed, balance_holds, stamps, cut, slop_ms, clock
):
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
    assert balance_holds(sync.counts)
