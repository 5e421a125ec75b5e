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

import numpy as np
import pytest
import torch

from xspec_ros.learn.batch import COMPLEMENT, IGNORE
from xspec_ros.learn.methods.masked_mutual.prototypes import (
    batch_prototypes,
    class_sums,
    cosine,
    moved,
    Prototypes,
    stack_modalities,
    sure_labels,
)

K, D, CELLS = 5, 6, (3, 4)
SIZE = (12, 16)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@pytest.fixture
def features():
    """RGB and thermal features, (B, D, h, w) each."""
    return [draw(2, D, *CELLS, seed=seed) for seed in (1, 2)]


@pytest.fixture
def cells():
    """Labels of both, (B, h, w) each; K is left out; class 3 has one cell in all."""
    generator = torch.Generator().manual_seed(3)
    chosen = [torch.randint(0, 3, (2, *CELLS), generator=generator) for _ in range(2)]
    chosen[0][0, 0, 0], chosen[1][1, :, 1] = 3, K
    return chosen


@pytest.fixture
def sums(features, cells):
    return stack_modalities(*(class_sums(f, c, K) for f, c in zip(features, cells, strict=True)))


@pytest.fixture
def old():
    seen = torch.tensor([True, True, False, True, True])
    eta = torch.nn.functional.normalize(draw(K, D, seed=7), dim=1) * seen[:, None]
    return Prototypes(eta, seen)


def test_sums_are_those_of_every_class(features, cells, sums):
    for index, (feature, cell) in enumerate(zip(features, cells, strict=True)):
        for k in range(K):
            rows = feature.permute(0, 2, 3, 1)[cell == k]
            assert torch.allclose(sums.total[index, k], rows.sum(dim=0), atol=1e-5)
            assert sums.pixels[index, k] == len(rows)


def test_sums_of_parts_add_up_to_those_of_the_batch(features, cells, sums):
    parts = [
        stack_modalities(
            *(class_sums(f[r], c[r], K) for f, c in zip(features, cells, strict=True))
        )
        for r in (slice(0, 1), slice(1, 2))
    ]
    together = parts[1].plus(parts[0].plus(None))
    assert torch.allclose(together.total, sums.total, atol=1e-5)
    assert torch.equal(together.pixels, sums.pixels)


def test_pooled_prototypes_average_over_pixels_of_both(features, cells, sums):
    batch = batch_prototypes(sums, fusion='pooled', n_min=1)
    for k in range(4):
        rows = [f.permute(0, 2, 3, 1)[c == k] for f, c in zip(features, cells, strict=True)]
        expected = unit(torch.cat(rows).mean(dim=0).numpy())
        assert np.allclose(batch.eta[k].numpy(), expected, atol=1e-5)


def test_equal_fusion_averages_the_two_modalities(features, cells, sums):
    batch = batch_prototypes(sums, fusion='equal', n_min=1)
    for k in range(3):
        rows = [f.permute(0, 2, 3, 1)[c == k] for f, c in zip(features, cells, strict=True)]
        expected = unit(sum(row.mean(dim=0) for row in rows).numpy())
        assert np.allclose(batch.eta[k].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize(('n_min', 'expected'), [(1, True), (2, False)])
def test_too_few_pixels_make_no_prototype(sums, n_min, expected):
    batch = batch_prototypes(sums, fusion='pooled', n_min=n_min)
    assert bool(batch.seen[3]) is expected
    assert not batch.seen[4]


def test_prototypes_move_by_the_average_of_directions(old, sums):
    batch = batch_prototypes(sums, fusion='pooled', n_min=2)
    new = moved(old, batch, 0.9)
    for k in (0, 1):
        expected = unit(0.9 * old.eta[k].numpy() + 0.1 * batch.eta[k].numpy())
        assert np.allclose(new.eta[k].numpy(), expected, atol=1e-6)
    assert torch.equal(new.eta[2], batch.eta[2])  # seen for the first time
    assert new.seen.all()


def test_classes_absent_from_a_batch_stay_bit_by_bit(old, sums):
    new = moved(old, batch_prototypes(sums, fusion='pooled', n_min=2), 0.9)
    assert torch.equal(new.eta[3:], old.eta[3:])


def test_how_often_a_class_appears_does_not_change_the_length(old, features):
    often = class_sums(1000 * features[0], torch.zeros(2, *CELLS, dtype=torch.int64), K)
    rarely = class_sums(features[0], torch.zeros(2, *CELLS, dtype=torch.int64), K)
    both = [
        moved(old, batch_prototypes(sums, fusion='pooled', n_min=1), 0.9).eta
        for sums in (often, rarely)
    ]
    assert torch.allclose(*both, atol=1e-6)


def test_only_sure_and_labelled_cells_count():
    log_p = (6 * draw(2, K, *SIZE)).log_softmax(dim=1)
    truth = torch.randint(0, K, (2, *SIZE), generator=torch.Generator().manual_seed(4))
    truth[0, 0], truth[1, 4] = IGNORE, COMPLEMENT
    cells = sure_labels(log_p, truth, torch.Size(CELLS), 0.6)
    sampled, probability = truth[:, ::4, ::4], log_p[:, :, ::4, ::4].exp().amax(dim=1)
    counts = (sampled < K) & (probability > 0.6)
    assert 0 < counts.sum() < counts.numel()
    assert torch.equal(cells, torch.where(counts, sampled, K))


def test_unsure_pixels_do_not_influence_prototypes_unless_all_count(features):
    log_p = (3 * draw(2, K, *SIZE)).log_softmax(dim=1)
    truth = torch.zeros(2, *SIZE, dtype=torch.int64)
    unsure = (log_p.amax(dim=1).exp() <= 0.6)[:, None, ::4, ::4]
    assert 0 < unsure.sum() < unsure.numel()
    changed = torch.where(unsure, features[0] + 5, features[0])
    for theta, same in ((0.6, True), (0.0, False)):
        cells = sure_labels(log_p, truth, torch.Size(CELLS), theta)
        before, after = (class_sums(f, cells, K).total for f in (features[0], changed))
        assert torch.equal(before, after) is same


def test_order_of_the_batch_does_not_matter(features, cells, sums):
    back = stack_modalities(
        *(class_sums(f.flip(0), c.flip(0), K) for f, c in zip(features, cells, strict=True))
    )
    there = batch_prototypes(sums, fusion='pooled', n_min=1)
    assert torch.allclose(
        there.eta, batch_prototypes(back, fusion='pooled', n_min=1).eta, atol=1e-6
    )


def test_a_batch_of_none_sums_to_nothing():
    sums = class_sums(torch.zeros(0, D, *CELLS), torch.zeros(0, *CELLS, dtype=torch.int64), K)
    assert sums.total.abs().max() == 0
    assert sums.pixels.max() == 0


def test_cosine_is_exact_under_autocast_and_safe_at_zero(features, old):
    feature = features[0].clone()
    feature[0, :, 0, 0] = 0
    expected = np.einsum(
        'bdhw,kd->bkhw',
        feature.numpy() / np.maximum(np.linalg.norm(feature, axis=1, keepdims=True), 1e-12),
        old.eta.numpy(),
    )
    with torch.autocast('cpu', dtype=torch.bfloat16):
        near = cosine(feature, old.eta)
    assert near.dtype == torch.float32
    assert np.allclose(near.numpy(), expected, atol=1e-6)


def test_no_gradient_reaches_a_prototype(features, old):
    eta, feature = old.eta.clone().requires_grad_(), features[0].clone().requires_grad_()
    cosine(feature, eta).sum().backward()
    assert eta.grad is None
    assert feature.grad.abs().sum() > 0
    assert not class_sums(
        feature, torch.zeros(2, *CELLS, dtype=torch.int64), K
    ).total.requires_grad
