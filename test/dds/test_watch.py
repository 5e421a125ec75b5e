"""A camera on the bus is watched by stamps and arrival times alone."""

import numpy as np
import pytest

from xspec_ros.dds.watch import InputWatch, LossMeter

SECOND = 1_000_000_000


def feed(meter, indices, period_ns=33_333_333, jitter_ns=0, seed=0):
    random = np.random.default_rng(seed)
    for index in indices:
        meter.add(SECOND + index * period_ns + int(random.normal(0, 1) * jitter_ns))


@pytest.mark.parametrize('rate_hz', [9, 30, 60])
def test_steady_stream_loses_nothing(rate_hz):
    meter = LossMeter()
    feed(meter, range(300), period_ns=SECOND // rate_hz, jitter_ns=2_000_000)
    assert meter.missed == 0
    assert meter.share() == 0.0


@pytest.mark.parametrize('share', [0.05, 0.3, 0.5])
def test_lost_frames_are_counted_by_gaps(share):
    random = np.random.default_rng(3)
    there = [index for index in range(600) if random.uniform() > share]
    meter = LossMeter()
    feed(meter, there, jitter_ns=1_000_000)
    assert meter.missed == pytest.approx(600 - len(there), rel=0.15)
    assert meter.share() == pytest.approx(share, abs=0.12)


def test_looping_bag_is_no_loss():
    meter = LossMeter()
    for _ in range(3):
        feed(meter, range(60))
    assert meter.missed == 0


def test_silence_and_return_are_told_once_each():
    watch = InputWatch('rgb', '/rgb/image_raw', stale_after_s=1.0)
    assert watch.check(0, None) == []
    watch.add(1, 100, SECOND)
    assert watch.check(2 * SECOND, None) == []
    dead = watch.check(2 * SECOND + 1, None)
    assert [(notice.kind, notice.level) for notice in dead] == [('dead', 'error')]
    assert 'rgb camera is dead: /rgb/image_raw' in dead[0].text
    assert watch.check(3 * SECOND, None) == []
    watch.add(2, 100, 4 * SECOND)
    assert [notice.kind for notice in watch.check(4 * SECOND, None)] == ['back']


def test_loss_names_the_receive_buffer_where_it_is_small():
    watch = InputWatch('thermal', '/thermal/image_raw', stale_after_s=1.0)
    for index in range(0, 200, 3):
        watch.add(SECOND + index * 33_333_333, 614_400, SECOND)
        watch.add(SECOND + (index + 1) * 33_333_333, 614_400, SECOND)
    small = watch.check(SECOND, 212_992)
    assert [notice.kind for notice in small] == ['loss']
    assert '33%' in small[0].text
    assert 'sysctl -w net.core.rmem_max' in small[0].text
    assert watch.check(2 * SECOND - 1, 212_992) == []
    assert 'camera skips them' in watch.check(12 * SECOND, 8 * 2**20)[1].text
