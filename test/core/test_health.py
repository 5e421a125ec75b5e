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

"""Rates, latencies and the watch over the cameras."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.health import (
    CameraWatch,
    LatencyRecorder,
    LogThrottle,
    RateMeter,
    STAGES,
)

SECOND = 1_000_000_000


def test_throttle_lets_one_message_a_period_through_for_each_key():
    throttle = LogThrottle(period_s=5)
    assert throttle.allows('step', 0)
    assert not throttle.allows('step', 5 * SECOND - 1)
    assert throttle.allows('short', 1)
    assert throttle.allows('step', 5 * SECOND)


def feed(meter, indices, period_ns=33_333_333, jitter_ns=0, seed=0):
    random = np.random.default_rng(seed)
    for index in indices:
        meter.add(SECOND + index * period_ns + int(random.normal(0, 1) * jitter_ns))


@pytest.mark.parametrize('rate_hz', [9, 30, 60])
def test_steady_stream_loses_nothing(rate_hz):
    meter = RateMeter()
    feed(meter, range(300), period_ns=SECOND // rate_hz, jitter_ns=2_000_000)
    assert meter.missed == 0
    assert meter.share() == 0.0


@pytest.mark.parametrize('share', [0.05, 0.3, 0.5])
def test_lost_frames_are_counted_by_gaps(share):
    random = np.random.default_rng(3)
    there = [index for index in range(600) if random.uniform() > share]
    meter = RateMeter()
    feed(meter, there, jitter_ns=1_000_000)
    assert meter.missed == pytest.approx(600 - len(there), rel=0.15)
    assert meter.share() == pytest.approx(share, abs=0.12)


def test_looping_bag_is_no_loss():
    meter = RateMeter()
    for _ in range(3):
        feed(meter, range(60))
    assert meter.missed == 0


def test_a_camera_that_was_away_lost_nothing_while_it_was_there():
    meter = RateMeter()
    feed(meter, [*range(100), *range(220, 240)])
    assert meter.missed == 120
    assert meter.share() == 0.0
    assert meter.rate_hz() == pytest.approx(30, rel=0.01)


def test_rate_follows_the_stamps_even_where_most_frames_are_lost():
    meter = RateMeter()
    assert meter.rate_hz() is None
    feed(meter, [index for index in range(300) if index % 5 in (0, 1)])
    assert meter.rate_hz() == pytest.approx(30, rel=0.01)


def test_latency_summary_has_every_stage_and_figure():
    recorder = LatencyRecorder()
    for value in range(1, 101):
        recorder.record('infer', float(value))
    summary = recorder.summary()
    assert tuple(summary) == STAGES
    expected = np.quantile(np.arange(1, 101), [0.5, 0.95, 0.99])
    assert [summary['infer'][k] for k in ('p50', 'p95', 'p99')] == pytest.approx(expected)
    assert summary['infer']['max'] == 100
    assert summary['infer']['mean'] == 50.5
    assert set(summary['wait'].values()) == {None}
    assert set(summary['wait']) == {'p50', 'p95', 'p99', 'max', 'mean'}


def test_recent_latencies_forget_the_old_ones():
    recorder = LatencyRecorder()
    assert set(recorder.recent('total').values()) == {None}
    for value in [1000.0] * 50 + list(range(300)):
        recorder.record('total', float(value))
    expected = np.quantile(np.arange(300), [0.5, 0.95, 0.99])
    assert list(recorder.recent('total').values()) == pytest.approx(expected)
    assert list(recorder.recent('total')) == ['p50', 'p95', 'p99']


def test_latencies_of_a_long_run_stay_bounded_and_true():
    recorder = LatencyRecorder(['infer'])
    values = np.random.default_rng(0).gamma(2, 5, 60_000)
    for value in values.tolist():
        recorder.record('infer', value)
    summary = recorder.summary()['infer']
    assert summary['max'] == pytest.approx(values.max(), abs=1e-3)
    assert summary['mean'] == pytest.approx(values.mean(), abs=1e-3)
    assert summary['p50'] == pytest.approx(np.quantile(values, 0.5), rel=0.03)
    assert summary['p99'] == pytest.approx(np.quantile(values, 0.99), rel=0.06)


def test_unknown_stage_is_a_mistake():
    with pytest.raises(KeyError):
        LatencyRecorder().record('lunch', 1.0)


def test_dead_camera_is_named_and_recovers():
    watch = CameraWatch(stale_after_s=1)
    watch.heard('rgb', 0)
    watch.heard('thermal', 0)
    watch.heard('rgb', 2 * SECOND)
    assert watch.dead(2 * SECOND) == ('thermal',)
    health = watch.health('thermal', 2 * SECOND)
    assert health.is_error
    assert health.message.startswith('thermal: no frame for 2.0 s')
    watch.heard('thermal', 2 * SECOND + 1)
    assert watch.dead(2 * SECOND + 1) == ()


def test_camera_that_never_came_is_dead_after_a_moment():
    watch = CameraWatch(['thermal'], start_ns=5 * SECOND)
    assert watch.health('thermal', 5 * SECOND + 1).state == 'waiting'
    assert watch.health('thermal', 7 * SECOND).state == 'dead'


@pytest.mark.parametrize(
    ('flags', 'state'), [({'shutter': True}, 'shutter'), ({'frozen': True}, 'frozen')]
)
def test_shutter_is_normal_for_a_moment_and_an_error_when_it_stays(flags, state):
    watch = CameraWatch(ffc_max_s=3)
    watch.heard('thermal', 0)
    for tenth in range(1, 32):
        watch.heard('thermal', tenth * SECOND // 10, **flags)
    health = watch.health('thermal', int(3.1 * SECOND))
    assert (health.state, health.is_error) == (state, False)
    watch.heard('thermal', 4 * SECOND, **flags)
    assert watch.health('thermal', int(4.2 * SECOND)).state == 'stuck'
    watch.heard('thermal', int(4.3 * SECOND))
    assert watch.health('thermal', int(4.3 * SECOND)).state == 'alive'


def test_every_state_has_one_line():
    watch = CameraWatch()
    assert 'no frame yet' in watch.health('rgb', 0).message
    watch.heard('rgb', 0, frozen=True)
    assert 'frozen' in watch.health('rgb', 0).message
    watch.heard('rgb', 0)
    assert watch.health('rgb', 0).message == 'rgb: alive'
    watch.heard('rgb', 0, frozen=True)
    for tenth in range(40):
        watch.heard('rgb', tenth * SECOND // 10, frozen=True)
    assert 'hangs' in watch.health('rgb', 39 * SECOND // 10).message
