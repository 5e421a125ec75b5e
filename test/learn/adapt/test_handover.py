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

"""What a new bundle says of itself; its export is part of test/cli/test_adapt.py."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from xspec_ros.bundle.manifest import Precision
from xspec_ros.learn.adapt.figures import Figures
from xspec_ros.learn.adapt.handover import (
    bundle_source,
    frame_set,
    precisions_of,
    Result,
)
from xspec_ros.learn.adapt.recipe import adapt_recipe, open_source_model, SourceModel
from xspec_ros.learn.data.picture import Picture
from xspec_ros.learn.train.lineage import inherited, OF_TEACHER

PARENT_DATA = [
    {'name': 'msrs', 'use': 'train', 'fold': 'train_a', 'licence': 'as its page says'},
    {'name': 'msrs', 'use': 'validation', 'fold': 'val'},
    {'name': 'hit_uav'},
]


@pytest.fixture
def model(tiny_bundle):
    opened = open_source_model(str(tiny_bundle))
    manifest = opened.bundle.manifest
    manifest = msgspec.structs.replace(
        manifest,
        precisions={**manifest.precisions, 'int8': Precision(graphs={})},
        provenance=msgspec.structs.replace(manifest.provenance, data=PARENT_DATA),
    )
    bundle = type(opened.bundle)(path=opened.bundle.path, manifest=manifest)
    return SourceModel(bundle=bundle, opened=opened.opened)


def test_lower_precisions_need_labels(model):
    assert precisions_of(model, labelled=False) == ('fp32',)
    assert precisions_of(model, labelled=True) == ('fp32', 'int8')


@pytest.fixture
def source(model, tmp_path, settings):
    return bundle_source(
        Result(
            model=model,
            recipe=adapt_recipe(model, tmp_path / 'work', 'rgb', settings()),
            weights={},
            step=40,
            before=Figures(consistency={'flip': 0.7}),
            after=Figures(consistency={'flip': 0.8}, agreement=0.9),
            data=[{'name': 'drive.mcap', 'use': 'adaptation, unlabelled', 'pictures': 500}],
        )
    )


def test_no_place_of_this_machine_is_told(source, tmp_path, tiny_bundle):
    told = json.dumps(msgspec.to_builtins(source.provenance))
    assert str(tmp_path) not in told
    assert str(tiny_bundle.parent) not in told
    recipe = source.provenance.recipe
    assert recipe['start'] == recipe['teacher']['model'] == 'untrained'
    assert recipe['method']['name'] == 'crossmatch'


def test_an_rgb_teacher_is_told_by_name_and_its_data_too(model, tmp_path, settings):
    teacher = str(tmp_path / 'rgb_model')
    recipe = adapt_recipe(model, tmp_path / 'work', 'rgb', settings(), teacher=teacher)
    result = Result(
        model=model,
        recipe=recipe,
        weights={},
        step=40,
        before=Figures(),
        after=Figures(),
        data=inherited(PARENT_DATA, OF_TEACHER),
    )
    told = bundle_source(result).provenance
    assert (told.recipe['teacher']['model'], told.recipe['start']) == ('rgb_model', 'untrained')
    assert [entry['use'] for entry in told.data] == [
        'train, teacher',
        'train, teacher',
        'train, parent',
        'train, parent',
    ]


def test_the_parent_and_its_data_stay_named(source, model):
    assert source.provenance.parent == model.lineage.parent
    rows = [(entry['name'], entry['use'], entry['licence']) for entry in source.provenance.data]
    assert rows == [
        ('drive.mcap', 'adaptation, unlabelled', 'not stated'),
        ('msrs', 'train, parent', 'as its page says'),
        ('hit_uav', 'train, parent', 'CC BY 4.0'),
    ]


def test_figures_before_and_after_are_told(source):
    metrics = source.provenance.metrics
    assert (metrics['step'], metrics['miou']) == (40, None)
    assert metrics['adaptation']['before'] == {'flip consistency': 0.7, 'frames': 0}
    assert metrics['adaptation']['after']['agreement with the source model'] == 0.9


def test_the_model_promises_what_the_old_one_did(source, model):
    manifest = model.bundle.manifest
    assert source.network == manifest.network
    assert source.thresholds == manifest.thresholds
    assert source.tone == manifest.input.tone
    assert (source.camera, source.network_hw) == ('thermal', manifest.input.network_hw)


def test_frames_are_what_the_camera_sends(model, scene):
    none = np.zeros(0, np.int64)
    picture = Picture(
        name='one',
        thermal=scene(1),
        rgb=None,
        label_map=None,
        mask_classes=none.astype(bool),
        boxes_xyxy=np.zeros((0, 4), np.float32),
        box_classes=none,
        box_crowd=none.astype(bool),
        has_boxes=False,
        day=None,
    )
    frames = frame_set([picture], model, 'mine')
    assert frames.origin == 'mine'
    assert frames.frames[0].pixel_bytes.shape == (48, 64, 2)
    assert frames.frames[0].boxes is None
