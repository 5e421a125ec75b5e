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

"""A trouble that lasts is told once it has stood, then ever more rarely."""

from __future__ import annotations

from xspec_ros.perception.notices import NS_PER_S, Reminder


def told(reminder: Reminder, kinds: list[str], start_s: int = 0) -> list[int]:
    """Ask once a second; return the seconds at which it was due."""
    return [
        second
        for second, kind in enumerate(kinds, start=start_s)
        if reminder.is_due(kind, second * NS_PER_S)
    ]


def test_it_is_told_at_once_and_then_ever_more_rarely() -> None:
    assert told(Reminder(), ['dead'] * 200) == [0, 10, 30, 70, 130, 190]


def test_what_nobody_needs_is_told_every_minute() -> None:
    assert told(Reminder(rarely=True), ['quiet'] * 130) == [0, 60, 120]


def test_a_cause_has_to_stand_before_it_is_told() -> None:
    reminder = Reminder(2.0)
    assert told(reminder, ['qos', 'type', 'qos', 'qos', 'qos']) == [4]


def test_nothing_is_told_before_its_time() -> None:
    assert told(Reminder(1.0, not_before_ns=5 * NS_PER_S), ['qos'] * 8) == [5]


def test_a_trouble_that_ends_begins_afresh() -> None:
    assert told(Reminder(), ['dead', 'dead', '', 'dead', 'dead']) == [0, 3]
