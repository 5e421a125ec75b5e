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
from xspec_ros.learn.methods.cgdet.networks import pyramid_of, rgb_teacher, thermal_student


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
