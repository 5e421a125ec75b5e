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

"""Looking a whole data set through."""

from __future__ import annotations

import numpy as np

from xspec_ros.datasets import check, open_dataset
from xspec_ros.datasets.images import write_jpeg


def test_a_sound_set_has_no_problems(tree):
    for name in 'abc':
        tree.pair(name)
    tree.boxes({'a.png': [(0, 0, 2, 2, 'car')]})
    assert check(open_dataset(tree.part)) == []


def test_every_unusable_file_is_listed(tree):
    for name in 'abcdef':
        tree.pair(name)
    tree.text('classes.txt', 'road\n')
    (tree.part / 'thermal' / 'a.png').write_bytes(b'no picture')
    torn = tree.part / 'rgb' / 'b.jpg'
    torn.write_bytes(torn.read_bytes()[:-40])
    tree.mask('c', np.zeros((3, 3)))
    tree.boxes({'d.png': [(20, 0, 2, 2, 'car')]})
    write_jpeg(tree.part / 'rgb' / 'e.jpg', np.zeros((9, 9, 3), np.uint8))
    problems = check(open_dataset(tree.part))
    expected = ['a.png', 'b.jpg', 'c.png', 'of d lie outside', 'of e differ in size']
    assert len(problems) == len(expected)
    for part, problem in zip(expected, problems, strict=True):
        assert part in problem


def test_cameras_of_different_size_are_no_problem(tree):
    for name in 'ab':
        tree.pair(name)
        write_jpeg(tree.part / 'rgb' / f'{name}.jpg', np.zeros((9, 9, 3), np.uint8))
    assert check(open_dataset(tree.part)) == []
