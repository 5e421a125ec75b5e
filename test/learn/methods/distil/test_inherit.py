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

"""A fusion network's path as a student's start."""

from __future__ import annotations

import torch

from xspec_ros.learn.methods.distil.inherit import fold_level_norms, is_fusion, path_weights


def trained(network, pairs):
    """Give norms statistics and weights that are not their first ones."""
    torch.manual_seed(1)
    for _ in range(3):
        network(pairs.thermal, pairs.rgb)
        network(thermal=pairs.thermal)
    with torch.no_grad():
        for norm in network.thermal.level_norms:
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    return network.eval()


def test_the_thermal_path_without_level_norms_answers_the_same(context, pairs):
    network = trained(context().student, pairs)
    weights = network.state_dict()
    assert is_fusion(weights)
    student = context('student').student
    student.load_state_dict(fold_level_norms(path_weights(weights, 'thermal')))
    ours, theirs = student.eval()(pairs.thermal), network(thermal=pairs.thermal)
    torch.testing.assert_close(ours.seg_logits, theirs.seg_logits, rtol=1e-4, atol=1e-4)
    for a, b in zip(ours.det, theirs.det, strict=True):
        torch.testing.assert_close(a.box, b.box, rtol=1e-4, atol=1e-4)


def test_weights_without_level_norms_stay_as_they_are(context):
    weights = context('student').student.state_dict()
    assert not is_fusion(weights)
    folded = fold_level_norms(weights)
    assert folded.keys() == weights.keys()
    assert all(torch.equal(folded[name], weights[name]) for name in weights)
