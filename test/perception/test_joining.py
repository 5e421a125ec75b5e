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

"""Parts of one stamp find each other, whatever is lost on the way."""

from __future__ import annotations

from xspec_ros.perception.joining import StampJoin

PARTS = ('picture', 'mask', 'boxes')


def put_all(join: StampJoin, stamp_ns: int, parts: tuple[str, ...] = PARTS) -> list[bool]:
    return [join.put(part, stamp_ns, part.encode()) is not None for part in parts]


def test_the_last_part_completes_a_stamp_in_any_order() -> None:
    join = StampJoin(PARTS)
    assert put_all(join, 1) == [False, False, True]
    assert put_all(join, 2, PARTS[::-1]) == [False, False, True]
    assert (join.joined, join.given_up, len(join)) == (2, 0, 0)


def test_all_parts_are_handed_over() -> None:
    join = StampJoin(PARTS)
    put_all(join, 7, PARTS[:2])
    whole = join.put('boxes', 7, b'later')
    assert whole == {'picture': b'picture', 'mask': b'mask', 'boxes': b'later'}


def test_pictures_without_answer_are_given_up_when_a_later_one_is_whole() -> None:
    join = StampJoin(PARTS)
    for stamp_ns in (1, 2, 3):
        join.put('picture', stamp_ns, b'p')
    assert put_all(join, 3, PARTS[1:]) == [False, True]
    assert (join.joined, join.given_up, len(join)) == (1, 2, 0)


def test_a_loop_of_the_bag_joins_the_same_stamps_again() -> None:
    join = StampJoin(PARTS)
    for _ in range(3):
        for stamp_ns in (10, 20, 30):
            assert put_all(join, stamp_ns)[-1]
    assert (join.joined, join.given_up) == (9, 0)


def test_number_and_bytes_that_wait_are_bounded() -> None:
    few = StampJoin(PARTS, max_waiting=4)
    for stamp_ns in range(100):
        few.put('picture', stamp_ns, b'p')
    assert (len(few), few.given_up) == (4, 96)
    small = StampJoin(PARTS, max_bytes=1000)
    for stamp_ns in range(100):
        small.put('picture', stamp_ns, bytes(300))
    assert (len(small), small.given_up) == (3, 97)


def test_a_part_that_comes_twice_counts_once() -> None:
    join = StampJoin(PARTS, max_bytes=1000)
    for _ in range(10):
        join.put('picture', 1, bytes(600))
    assert (len(join), join.given_up) == (1, 0)
    join.clear()
    assert len(join) == 0
