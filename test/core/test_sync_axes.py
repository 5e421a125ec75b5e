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

"""Progress, silence and jumps read off stamps."""

from __future__ import annotations

import pytest

from xspec_ros.core.sync_axes import other_input, StampAxes

S = 1_000_000_000


@pytest.fixture
def axes():
    return StampAxes(jump_ns=S // 2, stale_ns=S)


def test_the_other_input_is_the_other_one():
    assert (other_input('rgb'), other_input('thermal')) == ('thermal', 'rgb')


def test_only_more_than_the_threshold_back_is_a_jump(axes):
    assert not axes.is_jump('rgb', 0)
    axes.heard('rgb', 10 * S)
    assert not axes.is_jump('rgb', 10 * S - S // 2)
    assert axes.is_jump('rgb', 10 * S - S // 2 - 1)
    assert not axes.is_jump('thermal', 0)


def test_an_axis_never_moves_back(axes):
    axes.tick('clock', 5)
    axes.tick('clock', 3)
    assert axes.latest == {'clock': 5}


def test_input_is_silent_once_the_other_went_on_alone_for_too_long(axes):
    axes.heard('rgb', 0)
    for second in range(3):
        axes.heard('thermal', second * S)
        assert axes.is_silent('rgb') == (second > 1)
    axes.heard('rgb', 2 * S)
    assert not axes.is_silent('rgb')


def test_first_frame_after_a_pause_does_not_make_the_other_input_silent(axes):
    axes.heard('thermal', 0)
    for second in range(10):
        axes.heard('rgb', second * S)
    axes.heard('thermal', 60 * S)
    assert not axes.is_silent('rgb')


def test_straggler_of_the_old_epoch_is_told_from_the_follower(axes):
    axes.heard('rgb', 60 * S)
    axes.heard('thermal', 60 * S)
    axes.restart('thermal', 0)
    axes.heard('thermal', 0)
    assert axes.is_straggler('rgb', 60 * S + 1)
    assert not axes.is_straggler('rgb', 1)
    assert not axes.is_straggler('rgb', 60 * S + 2)


def test_input_that_never_follows_is_taken_after_two_seconds(axes):
    axes.heard('rgb', 60 * S)
    axes.heard('thermal', 60 * S)
    axes.restart('thermal', 0)
    axes.heard('thermal', 2 * S)
    assert axes.is_straggler('rgb', 62 * S)
    axes.heard('thermal', 2 * S + 1)
    assert not axes.is_straggler('rgb', 62 * S)


def test_step_of_the_clock_makes_no_stragglers(axes):
    axes.heard('rgb', 60 * S)
    axes.tick('clock', 60 * S)
    axes.restart('clock', 0)
    assert not axes.is_straggler('rgb', 60 * S + 1)
