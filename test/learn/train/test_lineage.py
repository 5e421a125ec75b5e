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

"""What a network owes to those before it stays named, run after run."""

from __future__ import annotations

import msgspec
import pytest
from safetensors.torch import load_file
import torch

from xspec_ros.bundle.store import bundle_hash, open_bundle
from xspec_ros.learn.export.export import checkpoint_source
from xspec_ros.learn.train.checkpoint import INFO_NAME, load_checkpoint, read_info
from xspec_ros.learn.train.lineage import inherited, Lineage, lineage_of, OF_PARENT
from xspec_ros.learn.train.run import run_recipe, RunOptions

FLIR = {'name': 'flir', 'use': 'train', 'fold': 'train', 'fingerprint': 'a'}
CITY = {'name': 'city', 'use': 'train', 'fold': 'train', 'fingerprint': 'b'}


@pytest.fixture
def before():
    named = {'name': 'old', 'hash': 'sha256:0'}
    return Lineage(parent=named, data=[FLIR, {**CITY, 'use': 'validation'}])


def test_a_run_begins_from_nothing():
    assert lineage_of(parents=(Lineage(),), teacher=None) == Lineage()
    assert lineage_of(parents=(), teacher=None) == Lineage()


def test_what_the_parent_was_measured_on_is_not_owed(before):
    lineage = lineage_of(parents=(before,), teacher=None)
    assert lineage.parent == before.parent
    assert lineage.data == ({**FLIR, 'use': 'train, parent'},)


def test_a_teacher_gives_its_data_and_is_no_parent(before):
    lineage = lineage_of(parents=(), teacher=before)
    assert lineage.parent is None
    assert [entry['use'] for entry in lineage.data] == ['train, teacher']


def test_the_data_of_a_grandparent_is_named_once(before):
    child = Lineage(data=inherited(before.data, OF_PARENT))
    assert lineage_of(parents=(before, child), teacher=None).data == tuple(child.data)


def test_pictures_that_a_run_has_itself_are_not_named_again(before):
    lineage = lineage_of(parents=(before,), teacher=None)
    assert lineage.beside([FLIR]) == []
    assert lineage.beside([{**FLIR, 'use': 'validation'}]) == list(lineage.data)
    assert lineage.beside([CITY]) == list(lineage.data)


def test_a_run_from_a_bundle_takes_its_weights_and_names_it(toy_recipe, tiny_bundle, tmp_path):
    settings = ('train.steps=1', 'train.lr=1e-12', 'train.warmup=0', 'seed=9')
    options = RunOptions(out=tmp_path / 'run', from_model=str(tiny_bundle))
    run_recipe(toy_recipe(*settings), options)
    place = tmp_path / 'run' / 'last'
    before, after = (load_file(at / 'weights.safetensors') for at in (tiny_bundle, place))
    key = 'segmentation.classifier.weight'
    assert torch.allclose(before[key], after[key], atol=1e-5)
    hashed = bundle_hash(open_bundle(str(tiny_bundle)))
    assert read_info(place).parent == {'name': 'untrained', 'hash': hashed}


def test_an_earlier_stage_hands_on_what_it_owes(toy_recipe, tiny_bundle, tmp_path):
    first = RunOptions(out=tmp_path / 'first', from_model=str(tiny_bundle))
    run_recipe(toy_recipe('train.steps=1'), first)
    stages = {'first': first.out}
    run_recipe(
        toy_recipe('train.steps=1', 'start=first'),
        RunOptions(out=tmp_path / 'second', stages=stages),
    )
    before, after = (read_info(tmp_path / name / 'last') for name in ('first', 'second'))
    assert after.parent == before.parent is not None
    assert after.data == before.data  # the same pictures, not named twice


def test_a_run_that_is_resumed_owes_what_it_did(toy_recipe, tiny_bundle, tmp_path):
    out = tmp_path / 'run'
    run_recipe(toy_recipe('train.steps=1'), RunOptions(out=out, from_model=str(tiny_bundle)))
    first = read_info(out / 'last')
    owed = [{**FLIR, 'use': 'train, parent'}]
    changed = msgspec.structs.replace(first, data=[*first.data, *owed])
    (out / 'last' / INFO_NAME).write_bytes(msgspec.json.encode(changed))
    run_recipe(toy_recipe('train.steps=2'), RunOptions(out=out, resume=True))
    second = read_info(out / 'last')
    assert (second.step, second.parent, second.data) == (2, first.parent, changed.data)


def test_the_bundle_of_a_run_names_its_parent(toy_recipe, tiny_bundle, tmp_path):
    out = tmp_path / 'run'
    run_recipe(toy_recipe('train.steps=1'), RunOptions(out=out, from_model=str(tiny_bundle)))
    checkpoint = load_checkpoint(out)
    assert checkpoint_source(checkpoint).provenance.parent == checkpoint.info.parent is not None
