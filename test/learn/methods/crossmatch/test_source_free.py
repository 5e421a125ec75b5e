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

"""A run needs the source model, never the data that the source was trained on."""

from __future__ import annotations

import shutil

import torch

from xspec_ros.learn.train.checkpoint import load_checkpoint
from xspec_ros.learn.train.run import run_recipe, RunOptions


def test_the_sources_data_may_be_gone(toy_recipe, toy_dataset, tmp_path):
    run_recipe(toy_recipe('train.steps=1'), RunOptions(out=tmp_path / 'source'))
    recipe = toy_recipe(
        'data=[{synth: {count: 4, seed: 3, size: [128, 96]}, modality: thermal}]',
        'method={name: crossmatch, arguments: {auxiliary: gradient, tau_max: 0.2}}',
        f'teacher={{model: {tmp_path / "source"}}}',
        f'start={tmp_path / "source"}',
        'train.steps=2',
    )
    run_recipe(recipe, RunOptions(out=tmp_path / 'with'))
    shutil.rmtree(toy_dataset)
    run_recipe(recipe, RunOptions(out=tmp_path / 'without'))
    one, other = (load_checkpoint(tmp_path / run).state_dict for run in ('with', 'without'))
    assert all(torch.equal(value, other[name]) for name, value in one.items())
