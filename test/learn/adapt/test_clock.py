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

"""What fits into the minutes."""

from __future__ import annotations

from dataclasses import replace
import time

import pytest

from xspec_ros.errors import ConfigError
from xspec_ros.learn.adapt.clock import Clock, Costs, export_seconds

CHEAP = Costs(measure_s=10.0, look_s=5.0, export_s=40.0, load_s=5.0, step_s=2.0)


def used_s(plan, costs, settings):
    looks = -(-plan.steps // plan.eval_every)
    return plan.steps * costs.step_s + looks * costs.look_s


def test_steps_fill_what_is_left(settings):
    clock, chosen = Clock(10.0), settings()
    plan = clock.plan(CHEAP, chosen)
    left_s = 600.0 - 2 * 10.0 - 5.0
    assert 0.7 * left_s < used_s(plan, CHEAP, chosen) < left_s
    assert plan.steps / plan.eval_every <= chosen.looks
    assert plan.deadline_s < clock.at(1.0) - CHEAP.measure_s - CHEAP.look_s
    assert plan.deadline_s > time.monotonic() + plan.steps * CHEAP.step_s


def test_more_precisions_leave_less_time(settings):
    costs = [replace(CHEAP, export_s=export_seconds(count, 24, 0.05)) for count in (1, 3)]
    one, three = (Clock(10.0).plan(each, settings()) for each in costs)
    assert three.steps < one.steps
    assert three.deadline_s < one.deadline_s


def test_looks_that_are_dear_are_few(settings):
    dear = Costs(measure_s=10.0, look_s=40.0, export_s=40.0, load_s=5.0, step_s=2.0)
    plan = Clock(10.0).plan(dear, settings())
    assert plan.steps / plan.eval_every <= 0.2 * 600.0 / 40.0


def test_there_is_a_most(settings):
    plan = Clock(600.0).plan(CHEAP, settings(max_steps=77))
    assert plan.steps == 77


def test_too_few_minutes_say_how_many_are_needed(settings):
    with pytest.raises(ConfigError, match='time for 0 steps') as caught:
        Clock(1.0).plan(CHEAP, settings())
    enough = float(caught.value.hint.split()[0])
    assert Clock(enough).plan(CHEAP, settings()).steps >= settings().least_steps


@pytest.mark.parametrize('minutes', [0.0, -1.0, float('nan'), float('inf')])
def test_minutes_are_a_positive_number(minutes):
    with pytest.raises(ConfigError, match='--minutes'):
        Clock(minutes)
