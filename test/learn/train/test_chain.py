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

"""Stages: how a recipe is split, and a chain of every method run, stopped and resumed."""

from __future__ import annotations

import pytest

from xspec_ros.config import parse_struct
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.train.chain import run_stages, stage_recipes
from xspec_ros.learn.train.checkpoint import load_checkpoint
from xspec_ros.learn.train.recipe import Recipe
from xspec_ros.learn.train.run import RunOptions

PAIRS = '{count: 24, seed: 4, size: [96, 64]}'
CHAIN = f"""
name: chain
cache: CACHE
network: {{arguments: {{width: 0.25}}}}
input: {{network_hw: [64, 96]}}
train: {{steps: 2, batch_size: 4, crop_hw: [64, 96], warmup: 1, log_every: 1, eval_every: 100,
        precision: 32-true, device: cpu}}
stages:
  - name: teacher
    input: {{modality: rgb}}
    data: [{{synth: {PAIRS}, modality: rgb}}]
  - name: first
    teacher: {{model: teacher, confidence: 0.0, box_score: 0.0}}
    start: teacher
    method: {{name: masked_mutual}}
    night: {{source: {{synth: {PAIRS}, modality: both, when: night}}}}
    data: [{{synth: {PAIRS}, modality: both, when: day, labels: teacher}}]
  - name: second
    teacher: {{model: teacher, confidence: 0.0, box_score: 0.0}}
    start: first
    method: {{name: masked_mutual, arguments: {{stage: 2, theta_night: 0.0}}}}
    data:
      - {{synth: {PAIRS}, modality: both, when: day, labels: teacher}}
      - {{synth: {PAIRS}, modality: both, when: night, masks: false, boxes: false}}
    train: {{stratified: true}}
  - name: correlated
    teacher: {{model: teacher, confidence: 0.0, box_score: 0.0}}
    start: teacher
    method: {{name: ccdistill, arguments: {{self_training: 1.0, confidence: 0.0}}}}
    data:
      - {{synth: {PAIRS}, modality: both, when: day, labels: teacher}}
      - {{synth: {PAIRS}, modality: both, when: night, masks: false, boxes: false}}
    train: {{stratified: true}}
  - name: fused
    teacher: {{model: teacher, confidence: 0.0}}
    start: teacher
    network: {{name: fusion, arguments: {{width: 0.25}}}}
    method: {{name: crm}}
    data: [{{synth: {PAIRS}, modality: both, when: day, labels: teacher}}]
  - name: guided
    teacher: {{model: teacher, confidence: 0.0, box_score: 0.2, box_ignore: 0.0}}
    start: teacher
    method: {{name: cgdet, arguments: {{queue: 4, night_score: 0.0}}}}
    data:
      - {{synth: {PAIRS}, modality: both, when: day, labels: teacher}}
      - {{synth: {PAIRS}, modality: both, when: night, masks: false, boxes: false}}
  - name: matched
    teacher: {{model: teacher}}
    start: teacher
    method: {{name: crossmatch, arguments: {{warmup: 1, tau_max: 0.0}}}}
    data: [{{synth: {PAIRS}, modality: both, masks: false, boxes: false}}]
  - name: distilled
    teacher: {{model: fused}}
    start: teacher
    method: {{name: distil}}
    data: [{{synth: {PAIRS}, modality: both, masks: false, boxes: false}}]
"""


@pytest.fixture
def chain(tmp_path):
    """Return a function that builds the chain, with overrides."""
    text = CHAIN.replace('CACHE', str(tmp_path / 'cache'))
    return lambda *overrides: parse_struct(text, Recipe, 'chain', overrides=overrides)


def test_a_stage_states_only_what_differs(chain):
    stages = stage_recipes(chain(), 'chain')
    names = ['teacher', 'first', 'second', 'correlated', 'fused', 'guided', 'matched', 'distilled']
    assert [stage.name for stage in stages] == names
    assert stages[2].train.stratified
    assert stages[2].train.steps == 2  # merged key by key
    assert stages[0].method.name == 'supervised'
    assert stages[1].method.arguments == {}  # a section as a whole


def test_a_recipe_without_stages_is_its_own(toy_recipe):
    recipe = toy_recipe()
    assert stage_recipes(recipe, 'toy') == [recipe]


@pytest.mark.parametrize(
    ('override', 'message'),
    [
        ('stages.1.name=teacher', 'two stages'),
        ('stages.1.name=../up', 'the name of stages.1'),
        ('stages.1.methods={}', 'unknown key methods'),
        ('stages.1.stages=[]', 'stages within'),
        ('stages.1.teacher=null', 'without a teacher'),
    ],
)
def test_stages_that_make_no_sense_are_refused(chain, override, message):
    with pytest.raises(ConfigError, match=message):
        stage_recipes(chain(override), 'chain')


def test_a_method_that_learns_from_pairs_refuses_single_pictures(chain, tmp_path):
    recipe = chain('stages.1.data.0.modality=thermal', 'stages.1.data.0.labels=own')
    with pytest.raises(ConfigError, match='has no rgb pictures'):
        run_stages(recipe, RunOptions(out=tmp_path / 'run'), 'chain')


def test_a_start_of_other_classes_is_refused(chain, tmp_path):
    recipe = chain('stages.1.detection_classes=[person]')
    with pytest.raises(ConfigError, match='the teacher knows'):
        run_stages(recipe, RunOptions(out=tmp_path / 'run'), 'chain')


def test_a_start_that_is_nowhere_is_refused(chain, tmp_path):
    with pytest.raises(DataError, match='nowhere'):
        run_stages(chain('stages.0.start=nowhere'), RunOptions(out=tmp_path / 'run'), 'chain')


def test_a_chain_of_every_method_runs_and_goes_on_where_it_stopped(chain, tmp_path):
    import torch

    whole, torn = tmp_path / 'whole', tmp_path / 'torn'
    report = run_stages(chain(), RunOptions(out=whole), 'chain')
    assert report.finished
    assert report.checkpoint.parent.name == 'distilled'

    stopped = chain('stages.2.start=nowhere')  # the first two stages run, the third cannot
    with pytest.raises(DataError, match='nowhere'):
        run_stages(stopped, RunOptions(out=torn), 'chain')
    with pytest.raises(ConfigError, match='holds a run already'):
        run_stages(chain(), RunOptions(out=torn), 'chain')
    again = run_stages(chain(), RunOptions(out=torn, resume=True), 'chain')
    assert again.checkpoint == torn / 'distilled' / report.checkpoint.name
    one, other = load_checkpoint(whole), load_checkpoint(torn)
    assert one.folder.parent.name == 'distilled'
    for name, weight in one.state_dict.items():
        assert torch.equal(weight, other.state_dict[name])
