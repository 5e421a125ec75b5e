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

"""Networks that the method takes, and the frozen one's features."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.errors import ConfigError
from xspec_ros.learn.methods.cgdet.networks import (
    inherit_heads,
    pyramid_of,
    rgb_teacher,
    thermal_student,
)


def test_the_student_is_a_thermal_network_of_one_camera(context):
    assert thermal_student(context('student')).backbone is not None
    with pytest.raises(ConfigError, match='FusionNetwork'):
        thermal_student(context('fusion'))
    with pytest.raises(ConfigError, match='for rgb'):
        thermal_student(context('student', modality='rgb'))


def test_the_teacher_is_a_frozen_rgb_network(context):
    network = context('student', modality='rgb').student.train()
    teacher = rgb_teacher(context('student', teacher=network))
    assert not teacher.training
    assert not any(p.requires_grad for p in teacher.parameters())


@pytest.mark.parametrize(('name', 'modality'), [('student', 'thermal'), ('fusion', 'thermal')])
def test_other_teachers_are_refused(context, name, modality):
    network = context(name, modality=modality).student
    with pytest.raises(ConfigError, match='RGB student'):
        rgb_teacher(context('student', teacher=network))
    with pytest.raises(ConfigError, match='no teacher'):
        rgb_teacher(context('student'))


def test_the_teachers_features_are_those_of_its_own_pass(context, pairs):
    network = context('student', modality='rgb').student.eval()
    named = network.features(pairs.rgb)
    found = pyramid_of(network, pairs.rgb)
    for level, features in zip(('P3', 'P4', 'P5'), found, strict=True):
        torch.testing.assert_close(features, named[level])
        assert not features.requires_grad


def test_inherited_heads_are_the_teachers_and_nothing_else_is(context, teacher, same):
    student, before = context('student').student, context('student').student
    theirs = teacher()
    inherit_heads(student, theirs)
    assert same(student.detection.state_dict(), theirs.detection.state_dict())
    assert same(student.segmentation.state_dict(), theirs.segmentation.state_dict())
    assert same(student.backbone.state_dict(), before.backbone.state_dict())
    assert same(student.pyramid.state_dict(), before.pyramid.state_dict())


def test_what_reads_another_encoder_is_not_inherited(context, teacher, same):
    student, before = (context('student', encoder='mit_b0').student for _ in range(2))
    theirs = teacher()
    inherit_heads(student, theirs)
    assert same(student.detection.state_dict(), theirs.detection.state_dict())
    ours, own = student.segmentation, before.segmentation
    assert torch.equal(ours.detail[0].weight, own.detail[0].weight)
    assert same(ours.fuse.state_dict(), theirs.segmentation.fuse.state_dict())


@pytest.mark.parametrize('other', [{'width': 0.5}, {'num_detection_classes': 2}])
def test_heads_that_do_not_fit_are_refused(context, teacher, other):
    with pytest.raises(ConfigError, match='width or classes'):
        inherit_heads(context('student').student, teacher(**other))
