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

"""Choosing pairs: by trigger, by confidence, by rate, by change of view."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.errors import ConfigError
from xspec_ros.perception.harvest_settings import HarvestSettings
from xspec_ros.perception.selection import (
    change,
    ENOUGH_PAIRS,
    GAP_SLACK,
    HELD_BYTES,
    HELD_PAIRS,
    LeastCertain,
    OnTrigger,
    RateGate,
    SceneChange,
    view,
)

SECOND = 1_000_000_000


@dataclass
class Stamped:
    """What a chooser looks at of a pair."""

    stamp_ns: int
    nbytes: int = 1


def outcome(verdicts):
    return [(verdict.pair.stamp_ns, verdict.skip) for verdict in verdicts]


def take(chooser, stamps, now_ns=0):
    return outcome(verdict for stamp in stamps for verdict in chooser.take(Stamped(stamp), now_ns))


# Trigger


def test_a_trigger_wants_the_pairs_before_and_after_it():
    chooser = OnTrigger(HarvestSettings(keep_by='trigger', before_pairs=2, trigger_pairs=3))
    assert take(chooser, [1, 2, 3]) == [(1, 'untriggered')]
    assert outcome(chooser.trigger()) == [(2, None), (3, None)]
    assert take(chooser, [4, 5, 6, 7]) == [(4, None), (5, None), (6, None)]
    assert outcome(chooser.flush()) == [(7, 'untriggered')]


def test_a_second_trigger_starts_the_count_over():
    chooser = OnTrigger(HarvestSettings(keep_by='trigger', trigger_pairs=2))
    chooser.trigger()
    take(chooser, [1])
    chooser.trigger()
    assert take(chooser, [2, 3, 4]) == [(2, None), (3, None), (4, 'untriggered')]


def test_pairs_before_a_trigger_are_bounded_in_bytes():
    chooser = OnTrigger(HarvestSettings(keep_by='trigger', before_pairs=1000))
    for stamp in range(10):
        chooser.take(Stamped(stamp, HELD_BYTES // 4), 0)
    assert len(chooser) == 4


# Uncertainty


def uncertain(**changes):
    return LeastCertain(HarvestSettings(keep_by='uncertainty', **changes))


def test_pairs_below_the_threshold_are_wanted():
    chooser = uncertain(below_confidence=0.6, least_certain=0.0)
    chooser.hear(1, 0.5)
    chooser.hear(2, 0.7)
    assert take(chooser, [1, 2]) == [(1, None), (2, 'certain')]


def test_a_pair_waits_for_its_map_and_order_is_kept():
    chooser = uncertain(below_confidence=0.6)
    assert take(chooser, [1, 2]) == []
    chooser.hear(1, 0.1)
    assert outcome(chooser.settle(0)) == [(1, None)]
    chooser.hear(2, 0.2)
    assert outcome(chooser.settle(0)) == [(2, None)]


def test_a_pair_that_a_later_map_has_passed_gets_none():
    chooser = uncertain(below_confidence=0.6)
    take(chooser, [1, 2])
    chooser.hear(2, 0.1)
    assert outcome(chooser.settle(0)) == [(1, 'no_confidence'), (2, None)]


def test_waiting_for_a_map_ends():
    chooser = uncertain(below_confidence=0.6, confidence_wait_ms=100.0)
    take(chooser, [1], now_ns=0)
    assert outcome(chooser.settle(SECOND // 20)) == []
    assert outcome(chooser.settle(SECOND // 10)) == [(1, 'no_confidence')]


def test_waiting_pairs_are_bounded():
    chooser = uncertain(below_confidence=0.6)
    gone = take(chooser, range(1, HELD_PAIRS + 3))
    assert gone == [(1, 'no_confidence'), (2, 'no_confidence')]
    assert len(chooser) == HELD_PAIRS


def test_the_least_certain_share_of_the_recent_pairs_is_wanted():
    chooser = uncertain(least_certain=0.1, recent_pairs=200)
    rng = np.random.default_rng(0)
    wanted = 0
    for stamp in range(1, 1001):
        chooser.hear(stamp, float(rng.random()))
        wanted += sum(skip is None for _, skip in take(chooser, [stamp]))
    assert 80 <= wanted <= 120


def test_none_is_least_certain_before_enough_were_seen_nor_among_equals():
    chooser = uncertain(least_certain=0.5)
    for stamp in range(1, ENOUGH_PAIRS):
        chooser.hear(stamp, 1 - stamp / 100)
        assert take(chooser, [stamp]) == [(stamp, 'certain')]
    same = uncertain(least_certain=0.5)
    for stamp in range(1, 100):
        same.hear(stamp, 0.7)
        assert take(same, [stamp]) == [(stamp, 'certain')]
    assert same.median == 0.7


def test_fewer_recent_pairs_are_looked_back_on_after_a_change():
    chooser = uncertain(least_certain=0.1, recent_pairs=100)
    for stamp in range(1, 101):
        chooser.hear(stamp, 0.2 if stamp < 60 else 0.9)
        take(chooser, [stamp])
    chooser.apply(HarvestSettings(keep_by='uncertainty', recent_pairs=20))
    assert chooser.median == 0.9


def test_uncertainty_needs_a_measure():
    with pytest.raises(ConfigError, match='least_certain'):
        uncertain(least_certain=0.0)


def test_the_end_gives_up_the_pairs_that_wait():
    chooser = uncertain(below_confidence=0.6)
    take(chooser, [1, 2])
    assert outcome(chooser.flush()) == [(1, 'no_confidence'), (2, 'no_confidence')]
    assert len(chooser) == 0


# Rate


def passed(gate, stamps):
    kept = []
    for stamp in stamps:
        if gate.allows(stamp):
            gate.passed(stamp)
            kept.append(stamp)
    return kept


@given(
    rate_hz=st.floats(0.1, 100.0),
    gaps=st.lists(st.integers(1, 3 * SECOND), min_size=1, max_size=200),
)
def test_no_stretch_holds_more_than_the_rate_allows(rate_hz, gaps):
    kept = passed(RateGate(rate_hz), np.cumsum(gaps).tolist())
    period_ns = SECOND / rate_hz
    for first in range(len(kept)):
        for last in range(first + 1, len(kept)):
            span_ns = kept[last] - kept[first]
            assert span_ns >= (last - first - GAP_SLACK) * period_ns - 1


@pytest.mark.parametrize('rate_hz', [9.0, 2.0, 1.0])
def test_jitter_costs_no_pairs(rate_hz):
    rng = np.random.default_rng(1)
    stamps = [int(k * SECOND / 9 + rng.normal(0, 0.005) * SECOND) for k in range(1, 900)]
    kept = passed(RateGate(rate_hz), stamps)
    assert len(kept) == pytest.approx(100 * rate_hz, rel=0.02)


def test_a_gate_lets_the_past_pass_only_after_a_reset():
    gate = RateGate(1.0)
    gate.passed(100 * SECOND)
    assert not gate.allows(5 * SECOND)
    gate.reset()
    assert gate.allows(5 * SECOND)


# Change


def scene(seed, *, level=8000, noise=0, shift=0):
    rows, columns = np.mgrid[:240, :320]
    picture = 500 * np.sin((columns + shift) / 25) * np.cos(rows / 31) + level
    picture += np.random.default_rng(seed).normal(0, noise, picture.shape)
    return picture.astype(np.uint16)


def test_noise_and_drift_are_no_change_and_movement_is():
    before = view(scene(0, noise=20))
    assert change(before, view(scene(1, noise=20, level=8300))) < 0.01
    assert change(before, view(scene(2, noise=20, shift=10))) > 0.05


def test_a_view_is_new_once():
    scenes = SceneChange(0.02)
    assert scenes.is_new(scene(0))
    scenes.kept(scene(0))
    assert not scenes.is_new(scene(1, noise=10))
    assert scenes.is_new(scene(0, shift=40))


def test_without_a_threshold_every_view_is_new():
    scenes = SceneChange(0.0)
    scenes.kept(scene(0))
    assert scenes.is_new(scene(0))


@pytest.mark.parametrize('level', [0, 255])
def test_uniform_views_are_compared_too(level):
    uniform = np.full((24, 32), level, np.uint8)
    assert change(view(uniform), view(uniform)) == 0.0
    assert change(view(scene(0)), view(uniform)) == 1.0
