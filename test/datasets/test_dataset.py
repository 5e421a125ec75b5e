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

"""A data set as a sequence, and its fingerprint."""

from __future__ import annotations

import numpy as np

from xspec_ros.datasets import open_dataset
from xspec_ros.datasets.images import write_png


def test_a_selection_is_a_data_set_in_the_order_asked_for(tree):
    for name in 'abc':
        tree.pair(name)
    chosen = open_dataset(tree.part, other='complement').select([2, 0])
    assert chosen.names == ('c', 'a')
    assert [sample.name for sample in chosen] == ['c', 'a']
    assert chosen.other == 'complement'


def test_the_fingerprint_follows_names_labels_and_pictures(tree):
    for name in 'ab':
        tree.pair(name)
    tree.text('classes.txt', 'road\ncar\n')
    tree.mask('a', np.zeros((6, 8)))
    prints = [open_dataset(tree.part).fingerprint()]
    assert prints[0] == open_dataset(tree.part.parent).fingerprint()
    assert len(prints[0]) == 64

    tree.mask('a', np.eye(6, 8))
    prints.append(open_dataset(tree.part).fingerprint())
    tree.boxes({'a.png': []})
    prints.append(open_dataset(tree.part).fingerprint())
    tree.boxes({'a.png': [(0, 0, 1, 1, 'car')]})
    prints.append(open_dataset(tree.part).fingerprint())
    write_png(tree.place('thermal', 'b.png'), np.zeros((6, 8), np.uint8))
    prints.append(open_dataset(tree.part).fingerprint())
    prints.append(open_dataset(tree.part).select([0]).fingerprint())
    assert len(set(prints)) == len(prints)
