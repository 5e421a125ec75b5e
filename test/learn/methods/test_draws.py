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

"""Random numbers of a picture at a step."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.methods.draws import picture_generator


def draw(seed=1, step=2, name='a'):
    return torch.rand(4, generator=picture_generator(seed, step, name))


def test_the_same_picture_at_the_same_step_draws_the_same():
    assert torch.equal(draw(), draw())


@pytest.mark.parametrize('other', [{'seed': 2}, {'step': 3}, {'name': 'b'}])
def test_seed_step_and_name_all_matter(other):
    assert not torch.equal(draw(), draw(**other))


def test_the_random_state_of_the_run_is_left_alone():
    before = torch.get_rng_state()
    draw()
    assert torch.equal(before, torch.get_rng_state())
