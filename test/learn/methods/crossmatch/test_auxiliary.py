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

"""The auxiliary network: its fusion, and what is left when RGB cannot be believed."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.methods.crossmatch.auxiliary import AuxiliaryNetwork, gradient_image


@pytest.fixture
def auxiliary(context):
    def build(second='rgb'):
        made = context('student')
        return AuxiliaryNetwork(made.sibling('thermal'), made.sibling(second)).eval()

    return build


def reliability(*values):
    return torch.tensor(values)


def test_both_halves_count_alike_at_first(auxiliary, pairs):
    network = auxiliary()
    warm, seen = network.thermal.backbone(pairs.thermal), network.second.backbone(pairs.rgb)
    fused = network.levels(pairs.thermal, pairs.rgb, torch.ones(4))
    for f, t, r in zip(fused, warm, seen, strict=True):
        torch.testing.assert_close(f, 0.5 * t + 0.5 * r)


def test_a_gate_chooses_place_by_place(auxiliary, pairs):
    network = auxiliary()
    with torch.no_grad():
        for gate in network.gates:
            gate.weight.normal_()
    warm, seen = network.thermal.backbone(pairs.thermal), network.second.backbone(pairs.rgb)
    fused = network.levels(pairs.thermal, pairs.rgb, torch.ones(4))
    for gate, f, t, r in zip(network.gates, fused, warm, seen, strict=True):
        a = torch.sigmoid(gate(torch.cat((t, r), dim=1)))
        assert a.shape == (len(t), 1, *t.shape[2:])
        torch.testing.assert_close(f, a * t + (1 - a) * r, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('mode', ['train', 'eval'])
def test_at_night_nothing_depends_on_rgb(auxiliary, pairs, mode):
    network = auxiliary()
    with torch.no_grad():
        for gate in network.gates:
            gate.weight.normal_()
    getattr(network, mode)()
    night = torch.zeros(4)
    first = network.levels(pairs.thermal, pairs.rgb, night)
    second = network.levels(pairs.thermal, pairs.rgb.flip(0).neg(), night)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    network.eval()
    alone = network.thermal.backbone(pairs.thermal)
    night_levels = network.levels(pairs.thermal, pairs.rgb, night)
    assert all(torch.equal(a, b) for a, b in zip(night_levels, alone, strict=True))


def test_rgb_of_the_night_is_not_even_read_beside_that_of_the_day(auxiliary, pairs):
    network = auxiliary().train()
    mixed = reliability(1.0, 0.0, 0.4, 0.0)
    dark = pairs.rgb.clone()
    dark[[1, 3]] = torch.nan
    first = network.levels(pairs.thermal, pairs.rgb, mixed)
    second = network.levels(pairs.thermal, dark, mixed)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_rgb_counts_as_far_as_it_can_be_believed(auxiliary, pairs):
    network = auxiliary()
    whole, half, none = (
        network.levels(pairs.thermal, pairs.rgb, torch.full((4,), v)) for v in (1.0, 0.5, 0.0)
    )
    for w, h, n in zip(whole, half, none, strict=True):
        torch.testing.assert_close(h, (w + n) / 2, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('day', [(1.0, 1.0), (1.0, 0.0), (0.0, 0.0)])
def test_every_parameter_has_a_gradient_by_day_and_night(auxiliary, pairs, rows, day):
    network = auxiliary().train()
    two = rows(pairs, [0, 1])
    levels = network.levels(two.thermal, two.rgb, reliability(*day))
    sum(level.square().mean() for level in levels).backward()
    reached = [*network.second.parameters(), *network.gates.parameters()]
    assert all(parameter.grad is not None for parameter in reached)
    assert any(bool(p.grad.any()) for p in network.second.parameters()) is any(day)


def test_both_backbones_begin_from_the_source(auxiliary, context, pairs):
    source = context('student', modality='rgb').student
    source(pairs.rgb)
    weights = source.eval().state_dict()
    network = auxiliary()
    network.take(weights, weights)
    seen = network.second.eval().backbone(pairs.rgb)
    for ours, theirs in zip(seen, source.backbone(pairs.rgb), strict=True):
        assert torch.equal(ours, theirs)
    grey = source.backbone(pairs.thermal.expand(-1, 3, -1, -1))
    for ours, theirs in zip(network.thermal.backbone(pairs.thermal), grey, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    for key, value in source.segmentation.state_dict().items():
        assert torch.equal(network.thermal.segmentation.state_dict()[key], value)


def test_a_thermal_source_fills_the_rgb_backbone_too(auxiliary, context):
    weights = context('student').student.state_dict()
    network = auxiliary()
    network.take(weights, weights)
    first = network.second.backbone.stem[0].weight
    torch.testing.assert_close(
        first.sum(dim=1, keepdim=True), network.thermal.backbone.stem[0].weight
    )


def test_the_second_student_keeps_its_backbone_alone(auxiliary):
    names = {name.split('.')[0] for name, _ in auxiliary().second.named_parameters()}
    assert names == {'backbone'}


def test_the_gradient_image_shows_edges_alone():
    picture = torch.full((1, 1, 8, 10), 0.3)
    assert not gradient_image(picture).any()
    picture[..., 5:] = 0.5
    steep = gradient_image(picture)
    assert steep.shape == picture.shape
    assert torch.allclose(steep[..., 4:6], torch.tensor(0.4), atol=1e-5)  # 4 * 0.2 / 2
    assert not steep[..., :4].any()
    assert not steep[..., 6:].any()
    assert torch.allclose(gradient_image(picture.mT), steep.mT, atol=1e-6)
    assert float(gradient_image(torch.rand(1, 1, 8, 8) * 9).max()) == 1.0


def test_a_second_backbone_that_cannot_see_yet_is_hardly_heard(auxiliary, pairs):
    network = auxiliary('rgb')
    network.trust_thermal()
    rgb, sure = pairs.rgb, torch.ones(len(pairs.names))
    warm = network.thermal.backbone(pairs.thermal)
    fused = network.levels(pairs.thermal, rgb, sure)
    halves = network.second.backbone(rgb)
    for f, t, r in zip(fused, warm, halves, strict=True):
        assert torch.allclose(f, t + (1 - torch.sigmoid(torch.tensor(3.0))) * (r - t), atol=1e-5)
