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

"""The recipe that a bundle and the chosen frames give."""

from __future__ import annotations

import msgspec
import pytest

from xspec_ros.bundle.manifest import Precision
from xspec_ros.bundle.store import bundle_hash, open_bundle, write_bundle
from xspec_ros.config import convert
from xspec_ros.errors import BundleError, ConfigError, DataError
from xspec_ros.learn.adapt.recipe import (
    adapt_recipe,
    open_rgb_teacher,
    open_source_model,
    with_steps,
)
from xspec_ros.learn.adapt.settings import ARGUMENTS, TAUGHT
from xspec_ros.learn.methods import build_method
from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
from xspec_ros.learn.methods.method import MethodContext
from xspec_ros.learn.models import build_network


@pytest.fixture
def model(tiny_bundle):
    return open_source_model(str(tiny_bundle))


def test_the_model_keeps_what_it_promises(model, tiny_bundle):
    manifest = open_bundle(tiny_bundle).manifest
    assert model.contract.class_names == tuple(label.name for label in manifest.classes)
    assert model.contract.score == manifest.thresholds.score
    assert model.contract.preparation.network_hw == manifest.input.network_hw
    assert model.lineage.parent == {'name': 'untrained', 'hash': bundle_hash(model.bundle)}
    assert model.adapted_name == 'untrained_adapted'


def test_a_name_does_not_grow_with_every_adaptation(model):
    manifest = msgspec.structs.replace(model.bundle.manifest, name='mine_adapted')
    bundle = type(model.bundle)(path=model.bundle.path, manifest=manifest)
    again = type(model)(bundle=bundle, opened=model.opened)
    assert again.adapted_name == 'mine_adapted'


@pytest.mark.parametrize(('auxiliary', 'modality'), [('rgb', 'both'), ('gradient', 'thermal')])
def test_the_recipe_is_of_the_bundle_and_the_frames(
    model, tmp_path, settings, auxiliary, modality
):
    recipe = adapt_recipe(model, tmp_path, auxiliary, settings(lr=1e-4))
    (source,) = recipe.data
    assert (source.modality, source.masks, source.boxes) == (modality, False, False)
    assert recipe.start == recipe.teacher.model == str(model.bundle.path)
    assert recipe.input.network_hw == (128, 160)
    assert recipe.train.crop_hw == (128, 160)  # no larger than the network
    assert recipe.train.lr == 1e-4
    assert recipe.classes == model.bundle.manifest.classes
    assert recipe.method.name == 'crossmatch'
    assert recipe.method.arguments == {'auxiliary': auxiliary, **ARGUMENTS}


@pytest.mark.parametrize('auxiliary', ['rgb', 'gradient'])
def test_the_method_can_be_built_from_it(model, tmp_path, settings, auxiliary):
    recipe = adapt_recipe(model, tmp_path, auxiliary, settings())
    arguments = recipe.network_arguments()

    def sibling(modality):
        channels = 1 if modality == 'thermal' else 3
        return build_network('student', arguments | {'in_channels': channels})

    context = MethodContext(
        student=sibling('thermal'),
        modality='thermal',
        class_names=tuple(label.name for label in recipe.labels()),
        detection_class_names=recipe.detection_classes,
        steps=10,
        sibling=sibling,
        teacher=model.opened.network,
    )
    method = build_method(recipe.method.name, recipe.method.arguments, context)
    assert method.args.gamma_end == 0.3  # the source of the labels is the model itself
    assert (method.args.norms, method.args.balance) == ('frozen', 1.0)


def test_an_rgb_teacher_becomes_the_source_and_the_model_stays_the_start(
    model, tmp_path, settings
):
    recipe = adapt_recipe(model, tmp_path, 'rgb', settings(taught_lr=2e-3), teacher='runs/rgb')
    assert (recipe.teacher.model, recipe.start) == ('runs/rgb', str(model.bundle.path))
    assert recipe.train.lr == 2e-3
    arguments = recipe.method.arguments
    assert arguments['gamma_end'] == TAUGHT['gamma_end'] == 1.0  # its word counts to the end
    assert arguments['norms'] == ARGUMENTS['norms']
    assert convert(arguments, CrossmatchArgs, 'arguments').view.cutouts == (0, 0)


@pytest.mark.parametrize(('given', 'weight'), [({}, 0.0), ({'detection': 0.5}, 0.5)])
def test_a_model_that_finds_no_box_is_not_trained_on_boxes(
    model, tmp_path, settings, given, weight
):
    chosen = settings(arguments=ARGUMENTS | given)
    told = adapt_recipe(model, tmp_path, 'rgb', chosen, boxes=False).method.arguments
    assert told['detection'] == weight  # what the user says goes first
    kept = adapt_recipe(model, tmp_path, 'rgb', chosen, boxes=True).method.arguments
    assert kept.get('detection') == given.get('detection')


def test_steps_and_looks_are_put_in_later(model, tmp_path, settings):
    recipe = with_steps(adapt_recipe(model, tmp_path, 'rgb', settings()), 90, 12)
    train = recipe.train
    assert (train.steps, train.eval_every, train.save_every, train.log_every) == (90, 12, 90, 4)


@pytest.mark.parametrize(
    ('modality', 'modes', 'words'),
    [('both', ('thermal', 'fused', 'rgb'), 'a fused model'), ('rgb', ('rgb',), 'an RGB model')],
)
def test_models_that_see_rgb_are_refused(tiny_bundle, tmp_path, modality, modes, words):
    manifest = open_bundle(tiny_bundle).manifest
    graph = manifest.precisions['fp32'].graphs['thermal']
    manifest = msgspec.structs.replace(
        manifest,
        input=msgspec.structs.replace(manifest.input, modality=modality),
        precisions={'fp32': Precision(graphs=dict.fromkeys(modes, graph))},
    )
    files = {name: tiny_bundle / name for name in manifest.files}
    write_bundle(tmp_path / 'other', manifest, files)
    with pytest.raises(BundleError, match=words) as caught:
        open_source_model(str(tmp_path / 'other'))
    assert caught.value.hint


def test_a_model_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(BundleError, match='not found'):
        open_source_model(str(tmp_path / 'absent'))


def test_a_teacher_takes_rgb_and_knows_the_same_classes(model, rgb_run):
    classes = model.bundle.manifest.classes
    teacher = open_rgb_teacher(rgb_run(classes), model)
    assert (teacher.modality, teacher.mode, teacher.network_hw) == ('rgb', 'rgb', (64, 96))
    with pytest.raises(ConfigError, match='knows road'):
        open_rgb_teacher(rgb_run(classes[:4]), model)


def test_a_teacher_is_an_rgb_model(model, tiny_bundle, tmp_path):
    with pytest.raises(ConfigError, match='takes thermal pictures'):
        open_rgb_teacher(str(tiny_bundle), model)
    with pytest.raises(DataError, match='absent'):
        open_rgb_teacher(str(tmp_path / 'absent'), model)
