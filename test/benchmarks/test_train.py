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

pytest.importorskip('torch')

from benchmarks.train import measure, RECIPE
from xspec_ros.config import parse_struct
from xspec_ros.learn.train.recipe import Recipe


def test_both_loops_are_timed(tmp_path):
    small = (
        f'cache={tmp_path}',
        'data=[{synth: {count: 2, size: [128, 96]}}]',
        'network.arguments={width: 0.25}',
        'train={steps: 6, batch_size: 2, crop_hw: [32, 32], device: cpu, precision: 32-true}',
    )
    recipe = parse_struct(RECIPE, Recipe, 'the benchmark', overrides=small)
    found = measure(recipe, rounds=2, steps=2, folder=tmp_path)
    assert found['bare_pictures_per_s'] > 0
    assert found['trainer_pictures_per_s'] > 0
    assert 0 < found['ratio_low'] <= found['ratio'] <= found['ratio_high']
