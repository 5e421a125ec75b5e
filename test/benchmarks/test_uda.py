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

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip('torch')

from benchmarks.boards import BOARDS, WITHOUT_LABELS
from benchmarks.uda import gaps, plan_rows, result_file, RowResult, table
from xspec_ros.config import load_struct
from xspec_ros.learn.train.recipe import Recipe
from xspec_ros.share import find_recipe


def plans(*overrides, seed=0, name='uda_synth'):
    file = find_recipe(Path(name))
    return plan_rows(load_struct(file, Recipe, overrides=overrides), name, seed)


def keys(rows):
    return {name: plan.key for name, plan in rows.items()}


@pytest.mark.parametrize('name', sorted(BOARDS))
def test_the_shipped_recipes_have_a_row_for_every_stage(name):
    board = BOARDS[name]
    known = {stage for _, stage, _ in board.rows}
    assert set(plans(name=name)) - {'teacher', 'base'} <= known
    assert {board.low, board.high} - {''} <= set(plans(name=name))


def test_a_row_depends_on_the_rows_it_builds_on():
    before, after = keys(plans()), keys(plans('stages.2.train.steps=7'))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {'mutual_1', 'mutual_2'}
    everything = keys(plans('stages.0.train.steps=7'))
    assert all(before[name] != everything[name] for name in before)


def test_where_things_lie_and_what_is_measured_changes_no_row(tmp_path):
    assert keys(plans()) == keys(plans('data_root=elsewhere', 'cache=elsewhere'))
    other = plans('validation.0.synth.seed=5')
    assert keys(plans()) == keys(other)
    places = {result_file(rows['teacher'], tmp_path) for rows in (plans(), other)}
    assert len(places) == 2  # but its figures are kept apart


def test_seeds_are_rows_of_their_own():
    assert not set(keys(plans()).values()) & set(keys(plans(seed=1)).values())


def row(stage, seed, **miou):
    figures = {
        mode: {'all': {'miou': value}, 'night': {'miou': value / 2}}
        for mode, value in miou.items()
    }
    return RowResult(stage=stage, seed=seed, seconds=60.0, steps=10, figures=figures)


def test_the_table_has_mean_deviation_and_the_gap_closed():
    results = {
        'teacher': [row('teacher', s, thermal=0.2, rgb=0.8) for s in (0, 1)],
        'oracle': [row('oracle', s, thermal=0.7) for s in (0, 1)],
        'mutual_2': [row('mutual_2', 0, thermal=0.6), row('mutual_2', 1, thermal=0.7)],
    }
    lines = table(results, WITHOUT_LABELS).splitlines()
    assert '| source-only | 20.0 ± 0.0 | 10.0 ± 0.0 | 10 | 1.0 ± 0.0 |' in lines
    assert '| masked mutual, stage 2 | 65.0 ± 7.1 | 32.5 ± 3.5 | 10 | 1.0 ± 0.0 |' in lines
    closed = gaps(results, WITHOUT_LABELS).splitlines()
    assert closed[0] == 'gap closed (%), teacher to oracle: all, night'
    assert 'masked mutual, stage 2: 90.0 ± 14.1, 90.0 ± 14.1' in closed


def test_a_board_shows_the_figures_it_names():
    run = RowResult(
        stage='baseline',
        seed=0,
        seconds=60.0,
        steps=10,
        figures={'thermal': {'all': {'map': 0.25, 'map50': 0.5, 'map75': 0.2, 'miou': None}}},
    )
    line = '| thermal baseline | 25.0 | 50.0 | 20.0 | - | - | - | 10 | 1.0 |'
    assert line in table({'baseline': [run]}, BOARDS['detect_synth']).splitlines()
