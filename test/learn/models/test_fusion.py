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

from __future__ import annotations

import copy

import pytest
import torch

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models import build_network, graphs


def fusion(**arguments):
    torch.manual_seed(0)
    sizes = {'num_classes': 4, 'num_detection_classes': 3, 'width': 0.25}
    return build_network('fusion', {**sizes, **arguments}).eval()


@pytest.fixture
def pair():
    torch.manual_seed(1)
    return torch.rand(2, 1, 64, 64), torch.rand(2, 3, 64, 64)


def test_the_maximum_of_levels_is_commutative_and_no_less_than_either(pair):
    net = fusion()
    a, b = net.thermal.backbone(pair[0]), net.rgb.backbone(pair[1])
    for joined, other, one, two in zip(net.fuse(a, b), net.fuse(b, a), a, b, strict=True):
        assert torch.equal(joined, other)
        assert (joined >= one).all()
        assert (joined >= two).all()
    assert all(torch.equal(x, y) for x, y in zip(net.fuse(a, a), a, strict=True))


def test_thermal_alone_depends_on_nothing_of_rgb(pair):
    net = fusion()
    alone = net(thermal=pair[0]).seg_logits
    changed = copy.deepcopy(net)
    for parameter in changed.rgb.backbone.parameters():
        parameter.data.normal_()
    assert torch.equal(changed(thermal=pair[0]).seg_logits, alone)
    assert torch.equal(net.thermal(pair[0]).seg_logits, alone)


def test_paths_share_the_convolutions_of_the_head_and_no_norm():
    net = fusion()
    shared = {id(p) for p in net.thermal.parameters()} & {id(p) for p in net.fused.parameters()}
    names = {name for name, p in net.fused.named_parameters() if id(p) in shared}
    assert 'segmentation.classifier.weight' in names
    assert not any(name.startswith('level_norms') for name in names)
    backbones = {id(p) for p in net.thermal.backbone.parameters()}
    assert not backbones & {id(p) for p in net.rgb.parameters()}


def test_every_mode_has_a_graph(pair):
    modes = graphs(fusion(), 'thermal')
    assert set(modes) == {'thermal', 'fused', 'rgb'}
    assert modes['fused'](*pair).seg_logits.shape == (2, 4, 16, 16)
    assert modes['rgb'](pair[1]).seg_logits.shape == (2, 4, 16, 16)


def test_an_unknown_fusion_is_refused():
    with pytest.raises(ConfigError, match='unknown fusion'):
        fusion(fusion='gate')
