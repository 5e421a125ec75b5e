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

"""The queue keeps the latest of every class and hands out copies."""

from __future__ import annotations

import torch

from xspec_ros.learn.methods.cgdet.loss import Embedded
from xspec_ros.learn.methods.cgdet.memory import EmbeddingQueue


def rois(classes, values):
    z = torch.tensor(values, dtype=torch.float32)[:, None].expand(-1, 2)
    return Embedded(z, torch.tensor(classes), torch.ones(len(classes)))


def held(queue):
    memory = queue.memory()
    return sorted(zip(memory.classes.tolist(), memory.z[:, 0].tolist(), strict=True))


def test_it_starts_empty():
    memory = EmbeddingQueue(3, 2, 2).memory()
    assert [len(each) for each in memory] == [0] * 3


def test_the_oldest_of_a_class_makes_room():
    queue = EmbeddingQueue(2, 2, 2)
    queue.push(rois([0, 1, 0], [1, 2, 3]))
    assert held(queue) == [(0, 1.0), (0, 3.0), (1, 2.0)]
    queue.push(rois([0, 1], [4, 5]))
    assert held(queue) == [(0, 3.0), (0, 4.0), (1, 2.0), (1, 5.0)]
    queue.push(rois([0, 0, 0], [6, 7, 8]))
    assert held(queue) == [(0, 7.0), (0, 8.0), (1, 2.0), (1, 5.0)]


def test_background_is_not_kept_and_nothing_kept_is_an_anchor():
    queue = EmbeddingQueue(2, 2, 2)
    queue.push(rois([-1, 1], [1, 2]))
    assert held(queue) == [(1, 2.0)]
    assert not queue.memory().weights.any()


def test_what_was_handed_out_does_not_change():
    queue = EmbeddingQueue(1, 1, 2)
    queue.push(rois([0], [1]))
    before = queue.memory()
    queue.push(rois([0], [2]))
    assert before.z.tolist() == [[1.0, 1.0]]


def test_its_state_is_taken_back():
    queue, other = EmbeddingQueue(2, 3, 2), EmbeddingQueue(2, 3, 2)
    queue.push(rois([0, 1, 0], [1, 2, 3]))
    other.load_state_dict(queue.state_dict())
    for each in (queue, other):
        each.push(rois([0, 0], [4, 5]))
    assert held(queue) == held(other)
