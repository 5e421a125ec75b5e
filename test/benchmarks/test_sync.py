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

"""The judge of the pairing benchmark, and the benchmark's own results."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

from benchmarks import sync

MS = 1_000_000


def brute_force(thermal, rgb, slop):
    """Most pairs, then the least sum, by trying every assignment."""
    for size in range(min(len(thermal), len(rgb)), 0, -1):
        sums = [
            sum(abs(t - r) for t, r in zip(chosen, order, strict=True))
            for chosen in combinations(thermal, size)
            for order in permutations(rgb, size)
            if all(abs(t - r) <= slop for t, r in zip(chosen, order, strict=True))
        ]
        if sums:
            return size, min(sums)
    return 0, 0


def test_judge_finds_the_best_assignment():
    generator = np.random.default_rng(5)
    for _ in range(40):
        thermal = np.sort(generator.choice(200, generator.integers(1, 5), replace=False))
        rgb = np.sort(generator.choice(200, generator.integers(1, 6), replace=False))
        offsets = sync.best_offsets(thermal.astype(np.int64), rgb.astype(np.int64), 50)
        assert (len(offsets), offsets.sum()) == brute_force(thermal.tolist(), rgb.tolist(), 50)


def test_judge_of_nothing_finds_nothing():
    empty = np.zeros(0, np.int64)
    assert len(sync.best_offsets(empty, empty, 50)) == 0


@pytest.mark.parametrize('scenario', sync.SCENARIOS, ids=lambda scenario: scenario.name)
def test_pairs_are_the_best_possible_where_nothing_is_later_than_the_wait(scenario):
    arrivals = scenario.arrivals(20, seed=1)
    best = sync.best_row(arrivals)
    ours, advice = sync.measure(
        arrivals, lambda: sync.run_ours(arrivals, sync.SyncSettings(slop_ms=sync.SLOP_MS)), 1
    )
    assert ours.wrong == 0
    if scenario.delay_ms[0] > 100:
        assert ours.pairs == 0
        assert advice.startswith('rgb is late')
    else:
        assert ours.pairs >= best.pairs - 1
        assert ours.mean_ms <= best.mean_ms + 0.2
        assert advice == ''


def test_report_without_the_peer_says_so(capsys):
    assert sync.main(['--seconds', '6', '--repeats', '1']) == 0
    text = capsys.readouterr().out
    assert 'its rows are left out' in text
    assert '| jitter only | best possible |' in text
    assert 'message_filters |' not in text
