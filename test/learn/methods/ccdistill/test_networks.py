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

"""The RGB branch and the project head."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn.modules.batchnorm import _BatchNorm

from xspec_ros.learn.methods.ccdistill.networks import ProjectHead, rgb_branch


@pytest.fixture
def branches(context):
    def build(encoder='light'):
        found = context('student', encoder=encoder)
        return found.student, rgb_branch(found.student, found.sibling('rgb'))

    return build


@pytest.mark.parametrize('encoder', ['light', 'mit_b0'])
def test_all_is_shared_but_norms_and_the_first_convolution(branches, encoder):
    if encoder != 'light':
        pytest.importorskip('transformers')
    student, rgb = branches(encoder)
    first = next(layer for layer in rgb.modules() if isinstance(layer, torch.nn.Conv2d))
    theirs = {id(parameter) for parameter in student.parameters()}
    assert first.weight.shape[1] == 3
    for name, layer in rgb.named_modules():
        shared = not isinstance(layer, _BatchNorm) and layer is not first
        own = layer.parameters(recurse=False)
        assert all((id(parameter) in theirs) is shared for parameter in own), name
    assert not hasattr(rgb, 'detection')


def test_a_step_on_one_camera_moves_the_other(branches, pairs):
    student, rgb = branches()
    before = rgb.eval().features(pairs.rgb)['S']
    with torch.no_grad():
        student.backbone.stages[1][0].layers[0][0].weight.mul_(2)
    assert not torch.equal(before, rgb.features(pairs.rgb)['S'])


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = ProjectHead(8, 16, 5)
    for _ in range(5):
        head(torch.randn(4, 8, 4, 6) + 1)  # its norms leave their start
    return head


def test_embedding_passes_the_gradient_through_a_head_that_stands_still(head):
    p4 = torch.randn(3, 8, 4, 6, requires_grad=True)
    before = copy.deepcopy(head.state_dict())
    head.embed(p4).square().sum().backward()
    assert p4.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in head.parameters())
    assert all(torch.equal(value, before[name]) for name, value in head.state_dict().items())


@pytest.mark.parametrize('training', [True, False])
def test_an_embedding_is_that_of_evaluation_and_of_its_picture_alone(head, training):
    p4 = torch.randn(3, 8, 4, 6)
    head.train(training)
    embedded = head.embed(p4)
    assert all(layer.training is training for layer in head.modules())
    assert torch.allclose(embedded[1:2], head.embed(p4[1:2]), atol=1e-6)
    assert torch.allclose(embedded, head.eval().project(p4), atol=1e-6)
    assert head.embed(p4[:0]).shape == (0, 16, 4, 6)


def test_the_classifier_teaches_the_head(head):
    logits = head(torch.randn(3, 8, 4, 6))
    assert logits.shape == (3, 5, 4, 6)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())
