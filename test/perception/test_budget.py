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

"""The disk budget: nothing is counted beyond it, and files end where they should."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from xspec_ros.perception.budget import DiskBudget, FILE_BYTES, MESSAGE_BYTES


@dataclass
class Sized:
    """What the budget looks at of a pair."""

    nbytes: int
    epoch: int = 0
    pictures: tuple[int, ...] = (1, 2)
    infos: tuple[int, ...] = ()


COST = 1000 + 2 * MESSAGE_BYTES


def test_the_first_pair_and_a_new_epoch_begin_a_file():
    budget = DiskBudget(10**9)
    places = [budget.admit(Sized(1000, epoch)) for epoch in (0, 0, 1, 1)]
    assert places == ['new_file', 'same_file', 'new_file', 'same_file']
    assert budget.used_bytes == 2 * FILE_BYTES + 4 * COST


def test_a_file_ends_before_it_grows_beyond_its_size():
    budget = DiskBudget(10**9, split_bytes=FILE_BYTES + 2 * COST)
    places = [budget.admit(Sized(1000)) for _ in range(5)]
    assert [place == 'new_file' for place in places] == [True, False, True, False, True]


def test_what_does_not_fit_is_not_counted_and_earlier_recordings_are():
    budget = DiskBudget(FILE_BYTES + 2 * COST, used_bytes=COST)
    assert budget.admit(Sized(1000)) == 'new_file'
    assert budget.admit(Sized(1000)) is None
    assert budget.used_bytes == FILE_BYTES + 2 * COST


@given(
    limit=st.integers(0, 10**6),
    split=st.integers(0, 10**6),
    used=st.integers(0, 10**6),
    sizes=st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 3)), max_size=60),
)
def test_the_budget_is_never_exceeded(limit, split, used, sizes):
    budget = DiskBudget(limit, split_bytes=split, used_bytes=used)
    admitted = sum(size for size, epoch in sizes if budget.admit(Sized(size, epoch)) is not None)
    assert used + admitted <= budget.used_bytes
    assert budget.used_bytes <= max(limit, used)
