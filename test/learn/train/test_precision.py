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

import pytest
import torch

from xspec_ros.learn.train.precision import chosen_precision
from xspec_ros.learn.train.recipe import TrainArgs


@pytest.mark.parametrize('wanted', ['32-true', 'bf16-mixed'])
def test_what_a_recipe_asks_for_is_taken(wanted):
    assert chosen_precision(TrainArgs(precision=wanted)) == wanted


@pytest.mark.parametrize(('native', 'chosen'), [(True, 'bf16-mixed'), (False, '32-true')])
def test_left_alone_it_is_what_the_processor_has(monkeypatch, native, chosen):
    monkeypatch.setattr(torch.cpu, '_is_avx512_bf16_supported', lambda: native)
    monkeypatch.setattr(torch.cpu, '_is_amx_tile_supported', lambda: False)
    assert chosen_precision(TrainArgs(device='cpu')) == chosen
