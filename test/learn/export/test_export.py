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

"""A checkpoint says all that a bundle needs."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import onnx
import pytest
import torch

from xspec_ros.bundle.manifest import Network
from xspec_ros.bundle.store import open_bundle
from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.learn.data.sources import Source
from xspec_ros.learn.export.export import (
    checkpoint_source,
    export_source,
    weights_bytes,
)
from xspec_ros.learn.export.export import Source as Exported
from xspec_ros.learn.export.frames import FrameSet, LabelledFrame
from xspec_ros.learn.export.quantise import inner_nodes
from xspec_ros.learn.export.untrained import random_state
from xspec_ros.learn.models import build_network
from xspec_ros.learn.train.checkpoint import Checkpoint, CheckpointInfo
from xspec_ros.learn.train.recipe import InputSpec, NetworkSpec, Recipe

ARGUMENTS = {'num_classes': 11, 'num_detection_classes': 3, 'width': 0.25}


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    recipe = Recipe(
        name='night_watch',
        data=(Source(dataset='msrs'),),
        input=InputSpec(network_hw=(96, 128), low_percentile=2.0),
    )
    info = CheckpointInfo(
        network=NetworkSpec(name='student', arguments=ARGUMENTS),
        classes=DEFAULT_CLASSES,
        detection_classes=DEFAULT_DETECTION_CLASSES,
        recipe=msgspec.to_builtins(recipe),
        step=7,
        metrics={'miou': 0.5},
        data=[
            {'name': 'hit_uav', 'pictures': 3},
            {'name': 'mine', 'licence': 'ours'},
            {'name': 'x'},
        ],
    )
    state = random_state('student', ARGUMENTS, 0)
    network = build_network('student', ARGUMENTS)
    network.load_state_dict(state)
    return Checkpoint(
        folder=tmp_path_factory.mktemp('checkpoint'), network=network, state_dict=state, info=info
    )


def test_name_sizes_tone_and_figures_come_from_the_checkpoint(checkpoint):
    manifest = checkpoint_source(checkpoint).manifest({}, ('thermal',))
    assert manifest.name == 'night_watch'
    assert manifest.input.network_hw == (96, 128)
    assert manifest.input.tone.low_percentile == 2.0
    assert manifest.provenance.metrics == {'step': 7, 'miou': 0.5}
    assert manifest.network.arguments == ARGUMENTS


def test_each_source_has_its_licence_as_stated(checkpoint):
    data = checkpoint_source(checkpoint).provenance.data
    assert [entry['licence'] for entry in data] == ['CC BY 4.0', 'ours', 'not stated']


def test_a_network_for_rgb_pictures_becomes_a_model_of_that_camera(checkpoint):
    recipe = {**checkpoint.info.recipe, 'input': {'modality': 'rgb'}}
    info = msgspec.structs.replace(checkpoint.info, recipe=recipe)
    source = checkpoint_source(replace(checkpoint, info=info))
    assert source.manifest({}, ('rgb',)).input.modality == 'rgb'
    assert source.manifest({}, ('thermal', 'fused', 'rgb')).input.modality == 'both'


def test_the_same_seed_gives_the_same_weights_and_leaves_the_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first = weights_bytes(random_state('student', ARGUMENTS, 1))
    assert torch.rand(1) == expected
    assert weights_bytes(random_state('student', ARGUMENTS, 1)) == first
    assert weights_bytes(random_state('student', ARGUMENTS, 2)) != first


def test_an_untrained_bundle_opens_and_says_what_it_is(tiny_bundle):
    manifest = open_bundle(tiny_bundle).manifest
    assert manifest.name == 'untrained'
    assert manifest.provenance.data == []
    assert manifest.precisions['fp32'].verified == {}


def test_a_network_for_rgb_becomes_a_bundle_of_that_mode_alone(tmp_path):
    arguments = {**ARGUMENTS, 'in_channels': 3}
    source = Exported(
        name='teacher',
        network=Network(name='student', arguments=arguments),
        state=random_state('student', arguments, 0),
        camera='rgb',
        network_hw=(64, 96),
    )
    rgb = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    frames = FrameSet(
        frames=(LabelledFrame(image=None, rgb=rgb, tone=(0.0, 255.0)),), origin='noise'
    )
    report = export_source(source, tmp_path / 'teacher', frames=frames)
    manifest = open_bundle(tmp_path / 'teacher').manifest
    assert manifest.modes() == ('rgb',)
    assert manifest.input.modality == 'rgb'
    assert report.ok
    assert '- modes: rgb' in (tmp_path / 'teacher' / 'README.md').read_text()


def test_int8_reaches_the_convolutions_of_both_cameras(fused_bundle):
    model = onnx.load(fused_bundle / 'fused.fp32.onnx')
    shapes = {item.name: list(item.dims) for item in model.graph.initializer}
    inner = set(inner_nodes(model))
    convs = [node for node in model.graph.node if node.op_type == 'Conv']
    dense = [
        shapes[node.input[1]][1]
        for node in convs
        if node.name in inner and not any(a.name == 'group' and a.i > 1 for a in node.attribute)
    ]
    assert dense.count(1) == 1  # the stem of thermal
    assert dense.count(3) == 1  # the stem of RGB
