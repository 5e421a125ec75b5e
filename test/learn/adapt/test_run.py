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

"""Adaptation from end to end, in a few steps of a tiny network."""

from __future__ import annotations

import contextlib
from dataclasses import replace
import os
import signal

import cv2
import numpy as np
import pytest
import torch

from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.datasets import Sample, write_dataset
from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.adapt import adapt, AdaptJob, AdaptReport, GuardChoice, settings_with
from xspec_ros.learn.adapt.recipe import open_source_model
from xspec_ros.learn.adapt.settings import AdaptSettings
from xspec_ros.learn.data.sources import Source, to_picture
from xspec_ros.learn.train.journal import Journal
from xspec_ros.learn.train.validate import answer

QUICK = (
    'least_steps=2',
    'max_steps=3',
    'batch_size=2',
    'looks=1',
    'look_frames=3',
    'verify_frames=2',
    'precision=32-true',
    'device=cpu',
    'warmup=0',
)


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


@pytest.fixture
def drive(tmp_path, write_drive, scene):
    return write_drive(tmp_path / 'drive.mcap', [scene(number) for number in range(30)])


@pytest.fixture
def start(tiny_bundle, tmp_path, show):
    """Return a function that runs a job: what is reported, and where the bundle would be."""

    def run(*drives, sets=(), show=show, **more):
        given = {'model': str(tiny_bundle), 'out': tmp_path / 'new', 'minutes': 60.0}
        settings = settings_with([*QUICK, *sets])
        job = AdaptJob(drives=drives, settings=settings, **{**given, **more})
        report = AdaptReport()
        adapt(job, report, show)
        return report

    return run


def left(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir())


def test_a_model_that_became_worse_is_not_handed_over(start, drive, tmp_path):
    report = start(drive, sets=['lr=0.5', 'ema_decay=0.1', 'clip_norm=1e9'])
    assert not report.accepted
    assert report.reason
    assert report.steps == 3
    assert report.before.frames == report.after.frames == report.found.aside == 8
    assert report.after.agreement < 1.0
    assert report.alignment.reason == 'no RGB pictures'
    assert left(tmp_path) == ['drive.mcap']


@pytest.fixture
def guard(tmp_path, tiny_bundle, scene):
    """Pictures that the old model is always right about: it has labelled them."""
    model = open_source_model(str(tiny_bundle))
    source, none = Source(masks=False, boxes=False), np.zeros(0, np.bool_)
    samples = []
    for number in range(100, 103):
        sample = Sample(name=str(number), thermal=scene(number))
        picture = to_picture(sample, source, none)
        label_map, _ = answer(model.opened.network, picture, model.contract.preparation)
        samples.append(replace(sample, label_map=label_map))
    write_dataset(samples, tmp_path / 'guard', DEFAULT_CLASSES)
    return GuardChoice(path=tmp_path / 'guard')


def test_labels_speak_against_a_new_model(start, drive, guard, tmp_path):
    lenient = ['most_vanished=1', 'least_agreement=0', 'lr=0.05', 'ema_decay=0.1']
    report = start(drive, guard=guard, sets=lenient)
    assert report.before.miou == 1.0
    assert report.after.miou < 0.99
    assert not report.accepted
    assert 'mIoU 100.00 ->' in report.reason
    assert 'consistency' not in report.reason
    assert left(tmp_path) == ['drive.mcap', 'guard']


def test_ctrl_c_while_training_hands_nothing_over(start, drive, tmp_path, monkeypatch):
    steps = Journal.step

    def interrupting(journal, step, terms, *, lr):
        steps(journal, step, terms, lr=lr)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(Journal, 'step', interrupting)
    with pytest.raises(KeyboardInterrupt):
        start(drive)
    assert left(tmp_path) == ['drive.mcap']


def test_rgb_that_is_nothing_but_noise_does_not_teach(start, tmp_path, scene, show):
    rng = np.random.default_rng(0)
    samples = [
        Sample(
            name=f'{number:03d}',
            thermal=scene(number),
            rgb=rng.integers(60, 256, (48, 64, 3)).astype(np.uint8),
        )
        for number in range(30)
    ]
    write_dataset(samples, tmp_path / 'set', DEFAULT_CLASSES)
    report = start(tmp_path / 'set', sets=['lr=0.05', 'least_agreement=1'])
    assert not report.accepted
    assert not report.alignment.used
    assert 'does not fit' in report.alignment.reason
    assert report.warnings == [f'RGB is not used: {report.alignment.reason}']


@pytest.fixture
def trained(monkeypatch):
    """Keep the recipes that training is asked for; it ends before the first step."""
    recipes = []

    def end(recipe, _):
        recipes.append(recipe)
        raise KeyboardInterrupt

    monkeypatch.setattr('xspec_ros.learn.adapt.run.run_recipe', end)
    return recipes


def test_an_rgb_teacher_teaches_where_pairs_by_day_are_registered(
    start, drive_pairs, rgb_run, trained
):
    teacher = rgb_run(DEFAULT_CLASSES)
    with pytest.raises(KeyboardInterrupt):
        start(drive_pairs, teacher=teacher)
    (recipe,) = trained
    assert recipe.teacher.model == teacher
    assert recipe.train.lr == AdaptSettings().taught_lr


def test_without_rgb_the_model_teaches_itself(start, drive, rgb_run, trained, tiny_bundle):
    with pytest.raises(KeyboardInterrupt):
        start(drive, teacher=rgb_run(DEFAULT_CLASSES))
    (recipe,) = trained
    assert recipe.teacher.model == recipe.start == str(tiny_bundle.resolve())
    assert recipe.train.lr == AdaptSettings().lr


def test_a_kept_work_folder_spares_the_reading(start, drive, tmp_path):
    work = tmp_path / 'work'
    with pytest.raises(ConfigError, match='minutes are needed'):
        start(drive, work=work, minutes=0.02, sets=['reading_share=1', 'least_steps=3000'])
    assert [path.name for path in work.iterdir()] == ['frames']
    texts = []

    def telling(text, total):
        texts.append(text)
        return contextlib.nullcontext(lambda: None)

    with pytest.raises(ConfigError):
        start(drive, work=work, minutes=0.02, sets=['least_steps=3000'], show=telling)
    assert 'reading' not in texts
    assert left(tmp_path) == ['drive.mcap', 'work']


NOISE = np.random.default_rng(3).integers(0, 9000, (40, 48, 64)).astype(np.uint16)


@pytest.mark.parametrize(
    ('poison', 'cause'),
    [
        (lambda scene, n: np.full((48, 64), 7000, np.uint16), 'shutter 40'),
        (lambda scene, n: np.full((48, 64), 7000 + n, np.uint16), 'shutter 40'),
        (lambda scene, n: NOISE[n], 'noise 40'),
        (lambda scene, n: scene(1), 'duplicate 39'),
        (lambda scene, n: 7000 + scene(n) // 1000, 'empty 40'),
    ],
    ids=['constant', 'constants', 'noise', 'frozen', 'empty'],
)
def test_a_poisoned_drive_is_refused_before_anything_is_measured(
    start, write_drive, scene, tmp_path, poison, cause
):
    thermal = [poison(scene, number) for number in range(40)]
    report = start(write_drive(tmp_path / 'drive.mcap', thermal))
    assert (report.accepted, report.before, report.after, report.steps) == (False, None, None, 0)
    assert cause in report.reason
    assert '24 are needed' in report.reason
    assert left(tmp_path) == ['drive.mcap']


def test_what_is_there_is_not_replaced(start, drive, tmp_path):
    (tmp_path / 'new').mkdir()
    with pytest.raises(ConfigError, match='exists'):
        start(drive)


def test_a_drive_that_cannot_be_read_is_an_error(start, tmp_path):
    with pytest.raises(DataError, match='absent'):
        start(tmp_path / 'absent.mcap')
    assert left(tmp_path) == []
