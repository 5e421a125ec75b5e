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

"""A judge in place of labelled validation, and a deadline."""

from __future__ import annotations

import time

import pytest
import torch

from xspec_ros.learn.train.checkpoint import load_checkpoint
from xspec_ros.learn.train.run import run_recipe, RunOptions


def judging(*figures):
    """Return a judge that gives these figures one after the other, and the list of its looks."""
    looks = []

    def judge(network):
        looks.append({name: value.clone() for name, value in network.state_dict().items()})
        return figures[len(looks) - 1]

    return judge, looks


def run(toy_recipe, folder, judge, *settings, **more):
    recipe = toy_recipe('train.eval_every=1', 'train.warmup=0', *settings)
    return run_recipe(recipe, RunOptions(out=folder, judge=judge, **more))


def test_the_weights_that_the_judge_likes_best_are_kept(toy_recipe, tmp_path):
    judge, looks = judging(0.2, 0.6, 0.4, 0.5, 0.55, 0.1)
    report = run(toy_recipe, tmp_path / 'run', judge)
    assert (report.best, report.best_step, report.ended) == (0.6, 2, 'steps')
    assert report.finished
    kept = load_checkpoint(report.checkpoint)
    assert (kept.folder.name, kept.info.step, kept.info.metrics) == ('best', 2, {'judge': 0.6})
    assert all(torch.equal(value, kept.state_dict[name]) for name, value in looks[1].items())


def test_a_run_ends_when_the_judge_falls_twice(toy_recipe, tmp_path):
    judge, looks = judging(0.5, 0.4, 0.45, 0.44, 0.43, 0.9)
    report = run(toy_recipe, tmp_path / 'run', judge, 'train.steps=20')
    assert len(looks) == 5
    assert (report.ended, report.best, report.best_step) == ('falling', 0.5, 1)
    assert report.finished
    assert report.steps == 6  # what the loop is told, it heeds after its next step


def test_a_judge_that_does_not_know_keeps_nothing(toy_recipe, tmp_path):
    report = run(toy_recipe, tmp_path / 'run', lambda network: None, 'train.steps=2')
    assert report.best is None
    assert report.checkpoint.name == 'last'


def test_a_deadline_ends_a_run_and_its_last_weights_are_judged(toy_recipe, tmp_path):
    judge, looks = judging(0.5)
    settings = ('train.eval_every=100', 'train.steps=50')
    late = time.monotonic()
    report = run(toy_recipe, tmp_path / 'run', judge, *settings, deadline_s=late)
    assert (report.ended, report.steps, len(looks)) == ('time', 1, 1)
    assert report.best == pytest.approx(0.5)
