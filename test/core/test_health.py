"""Counters, rates, latencies and the watch over the cameras."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.health import (
    CameraWatch,
    Counters,
    LatencyRecorder,
    LogThrottle,
    RateMeter,
    STAGES,
)

S = 1_000_000_000


def test_counters_are_read_by_cause_at_any_depth():
    counters = Counters()
    counters.add('rejected', 'rgb', 'step')
    counters.add('rejected', 'rgb', 'short', times=2)
    counters.add('rejected', 'thermal', 'step')
    counters.add('dropped', 'overflow')
    assert counters.under('rejected') == {'rgb': 3, 'thermal': 1}
    assert counters.under('rejected', 'rgb') == {'short': 2, 'step': 1}
    assert counters.under('warn') == {}
    assert counters.total('rejected') == 4
    assert counters.total('rejected', 'rgb', 'step') == 1
    assert counters.flat()['rejected/rgb/short'] == 2


def test_counters_merge():
    first, second = Counters(), Counters()
    first.add('dropped', 'old')
    second.add('dropped', 'old', times=4)
    first.merge(second)
    assert first.flat() == {'dropped/old': 5}


def test_throttle_lets_one_message_a_period_through_for_each_key():
    throttle = LogThrottle(period_s=5)
    assert throttle.allows('step', 0)
    assert not throttle.allows('step', 5 * S - 1)
    assert throttle.allows('short', 1)
    assert throttle.allows('step', 5 * S)


def test_rate_follows_the_stamps():
    meter = RateMeter()
    assert meter.rate_hz is None
    for index in range(100):
        meter.update(index * S // 9)
    assert meter.rate_hz == pytest.approx(9)
    assert meter.period_ms == pytest.approx(111.1, abs=0.1)
    assert meter.lost == 0


def test_gaps_of_whole_periods_count_as_lost_frames():
    meter = RateMeter()
    kept = [i for i in range(300) if i % 20 != 10 and i % 50 not in (30, 31)]
    for index in kept:
        meter.update(index * S // 30)
    assert meter.lost == 300 - len(kept)


def test_pause_and_loop_are_no_losses():
    meter = RateMeter()
    for start in (0, 60 * S, 5 * S):
        for index in range(30):
            meter.update(start + index * S // 30)
    assert meter.lost == 0


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
    watch.heard('rgb', 2 * S)
    assert watch.dead(2 * S) == ('thermal',)
    health = watch.health('thermal', 2 * S)
    assert health.is_error
    assert health.message.startswith('thermal: no frame for 2.0 s')
    watch.heard('thermal', 2 * S + 1)
    assert watch.dead(2 * S + 1) == ()


def test_camera_that_never_came_is_dead_after_a_moment():
    watch = CameraWatch(['thermal'], start_ns=5 * S)
    assert watch.health('thermal', 5 * S + 1).state == 'waiting'
    assert watch.health('thermal', 7 * S).state == 'dead'


@pytest.mark.parametrize(
    ('flags', 'state'), [({'shutter': True}, 'shutter'), ({'frozen': True}, 'frozen')]
)
def test_shutter_is_normal_for_a_moment_and_an_error_when_it_stays(flags, state):
    watch = CameraWatch(ffc_max_s=3)
    watch.heard('thermal', 0)
    for tenth in range(1, 32):
        watch.heard('thermal', tenth * S // 10, **flags)
    health = watch.health('thermal', int(3.1 * S))
    assert (health.state, health.is_error) == (state, False)
    watch.heard('thermal', 4 * S, **flags)
    assert watch.health('thermal', int(4.2 * S)).state == 'stuck'
    watch.heard('thermal', int(4.3 * S))
    assert watch.health('thermal', int(4.3 * S)).state == 'alive'


def test_every_state_has_one_line():
    watch = CameraWatch()
    assert 'no frame yet' in watch.health('rgb', 0).message
    watch.heard('rgb', 0, frozen=True)
    assert 'frozen' in watch.health('rgb', 0).message
    watch.heard('rgb', 0)
    assert watch.health('rgb', 0).message == 'rgb: alive'
    watch.heard('rgb', 0, frozen=True)
    for tenth in range(40):
        watch.heard('rgb', tenth * S // 10, frozen=True)
    assert 'hangs' in watch.health('rgb', 39 * S // 10).message
