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

import pytest
import torch

from xspec_ros.errors import ConfigError
from xspec_ros.learn.models import build_network

SIZES = {'num_classes': 11, 'num_detection_classes': 3}


def test_default_size_stays_within_its_budget():
    network = build_network('student', SIZES)
    assert sum(p.numel() for p in network.parameters()) <= 3_500_000


@pytest.mark.parametrize('channels', [1, 3])
def test_outputs_have_the_promised_shapes(channels):
    network = build_network('student', SIZES | {'width': 0.25, 'in_channels': channels}).eval()
    with torch.no_grad():
        output = network(torch.rand(2, channels, 64, 96))
    assert output.seg_logits.shape == (2, 11, 16, 24)
    assert [level.stride for level in output.det] == [8, 16, 32]
    for level in output.det:
        h, w = 64 // level.stride, 96 // level.stride
        assert level.cls.shape == (2, 3, h, w)
        assert level.box.shape == (2, 4, h, w)
        assert level.obj.shape == (2, 1, h, w)


def test_features_match_their_table():
    network = build_network('student', SIZES | {'width': 0.25}).eval()
    with torch.no_grad():
        named = network.features(torch.rand(1, 1, 64, 64))
    assert set(named) == set(network.feature_table)
    for name, (stride, channels) in network.feature_table.items():
        assert named[name].shape == (1, channels, 64 // stride, 64 // stride)


def test_a_young_network_sees_few_objects():
    network = build_network('student', SIZES | {'width': 0.25}).eval()
    with torch.no_grad():
        output = network(torch.rand(1, 1, 64, 64))
    assert all(float(level.obj.sigmoid().max()) < 0.05 for level in output.det)


def test_an_unknown_network_lists_the_known_ones():
    with pytest.raises(ConfigError, match='student'):
        build_network('studnet', SIZES)


def test_a_wrong_argument_is_named():
    with pytest.raises(ConfigError, match='depth'):
        build_network('student', SIZES | {'depth': 3})


def test_the_deployed_head_answers_as_it_does_in_training():
    head = build_network('student', SIZES | {'width': 0.25}).detection
    for layer in head.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # running statistics are those of the one batch
    generator = torch.Generator().manual_seed(0)
    pyramid = [
        (spread * torch.randn(4, 24, 32 // side, 48 // side, generator=generator)).relu()
        for side, spread in ((1, 1.0), (2, 3.0), (4, 0.3))  # levels that differ
    ]
    with torch.no_grad():
        for stem in head.stems:  # levels are not alike behind their stems either
            stem[1].weight.uniform_(0.2, 3.0, generator=generator)
        trained = head.train()(pyramid)
        deployed = head.eval()(pyramid)
    for one, other in zip(trained, deployed, strict=True):
        for mine, theirs in zip(one[:3], other[:3], strict=True):
            assert (mine - theirs).abs().max() < 0.05 * theirs.std() + 1e-4
