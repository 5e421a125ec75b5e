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

import torch

from xspec_ros.learn.methods.reduce import global_count, global_sum, idle, mean_over


def test_one_process_divides_by_its_own_count():
    assert float(global_count(torch.tensor(7))) == 7


def test_nothing_divides_by_one():
    assert float(global_count(torch.tensor(0))) == 1


def test_small_weights_are_not_rounded_up():
    assert float(global_count(torch.tensor(0.25), least=1e-6)) == 0.25


def test_a_mean_over_nothing_is_zero_with_zero_gradient():
    values = torch.full((2, 3), torch.inf, requires_grad=True)
    loss = mean_over(values, torch.zeros(2, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert values.grad.abs().max() == 0


def test_an_idle_network_gets_a_gradient_of_zero():
    network = torch.nn.Linear(2, 3)
    value = idle(network)
    value.backward()
    assert float(value.detach()) == 0
    assert all(p.grad is not None and not p.grad.any() for p in network.parameters())


def test_one_process_alone_sums_to_a_copy_of_its_own():
    values = torch.tensor([1, 2])
    total = global_sum(values)
    total += 1
    assert values.tolist() == [1, 2]
    assert total.tolist() == [2, 3]
