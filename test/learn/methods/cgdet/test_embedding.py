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

"""Embeddings have unit length, whatever lies before them."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.learn.methods.cgdet.args import CgdetArgs
from xspec_ros.learn.methods.cgdet.embedding import build_projector, embed, of_all_processes
from xspec_ros.learn.methods.cgdet.loss import contrast_loss
from xspec_ros.learn.methods.cgdet.sampling import draw_rois


@pytest.fixture
def embedded(pairs):
    """Return a function that embeds the boxes of the pairs by random maps."""

    def build(projector, *, dtype=torch.float32):
        generator = torch.Generator().manual_seed(0)
        pyramid = [torch.randn(4, 6, n, n, generator=generator).to(dtype) for n in (8, 4, 2)]
        rois = draw_rois(pairs, CgdetArgs(), step=0)
        return embed(pyramid, rois, projector, size=3, width=64)

    return build


def test_the_projector_has_two_layers_or_one():
    torch.manual_seed(0)
    two, one = (
        build_projector(6, CgdetArgs(projector=name, embedding=9))
        for name in ('two_layer', 'linear')
    )
    assert [tuple(p.shape) for p in two.parameters() if p.ndim == 2] == [(6, 6), (9, 6)]
    assert [tuple(p.shape) for p in one.parameters() if p.ndim == 2] == [(9, 6)]
    assert two(torch.rand(4, 6)).shape == one(torch.rand(4, 6)).shape == (4, 9)


def test_length_is_one_and_scaling_the_projector_changes_nothing(embedded):
    torch.manual_seed(0)
    projector = build_projector(6, CgdetArgs())
    plain = embedded(projector)
    torch.testing.assert_close(plain.z.norm(dim=1), torch.ones(8))
    with torch.no_grad():
        projector[2].weight.mul_(7)
        projector[2].bias.mul_(7)
    scaled = embedded(projector)
    torch.testing.assert_close(
        contrast_loss(scaled, tau=0.1), contrast_loss(plain, tau=0.1), rtol=1e-5, atol=1e-5
    )


def test_embeddings_are_float32_under_autocast(embedded):
    torch.manual_seed(0)
    projector = build_projector(6, CgdetArgs())
    with torch.autocast('cpu', dtype=torch.bfloat16):
        rounded = embedded(projector, dtype=torch.bfloat16)
    assert rounded.z.dtype == torch.float32
    torch.testing.assert_close(rounded.z, embedded(projector).z, rtol=0, atol=2e-2)


def test_one_process_has_all(embedded):
    own = embedded(build_projector(6, CgdetArgs()))
    every, processes = of_all_processes(own)
    assert processes == 1
    assert every.z.requires_grad
    for mine, all_of_them in zip(own, every, strict=True):
        assert torch.equal(mine, all_of_them)
        assert mine.dtype == all_of_them.dtype
