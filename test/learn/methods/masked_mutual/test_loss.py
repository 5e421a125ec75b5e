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

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch

from xspec_ros.learn.batch import COMPLEMENT, IGNORE
from xspec_ros.learn.methods.masked_mutual.loss import (
    log_probabilities,
    mutual_loss,
    night_loss,
    official_night_loss,
    pixel_nll,
    prototype_loss,
)
from xspec_ros.learn.methods.reduce import mean_over

K, SIZE = 5, (8, 12)
TAU = 0.1


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def uniform(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def labels(*shape, classes=K, seed=0):
    return torch.randint(0, classes, shape, generator=torch.Generator().manual_seed(seed))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.fixture
def logits():
    """Two networks at full resolution, (B, K, H, W) each."""
    return [(3 * draw(2, K, *SIZE, seed=seed)).requires_grad_() for seed in (1, 2)]


@pytest.fixture
def log_p(logits):
    return [each.log_softmax(dim=1) for each in logits]


@pytest.fixture
def valid():
    return uniform(2, *SIZE) > 0.3


@pytest.fixture
def weight(valid):
    return uniform(2, *SIZE, seed=3) * valid


def test_cross_entropy_equals_the_usual_one_on_labelled_pixels():
    coarse, truth = draw(2, K, 2, 3), labels(2, *SIZE)
    truth[0, 0], truth[1, 1] = IGNORE, COMPLEMENT
    fine = torch.nn.functional.interpolate(coarse, size=SIZE, mode='bilinear')
    index = torch.where(truth < K, truth, IGNORE)
    expected = torch.nn.functional.cross_entropy(fine, index, ignore_index=IGNORE)
    nll = pixel_nll(log_probabilities(coarse, SIZE), truth)
    assert torch.allclose(mean_over(nll, truth < K), expected, rtol=1e-5)
    assert (nll[truth >= K] == 0).all()


@pytest.mark.parametrize('form', ['logits', 'weight', 'none'])
def test_mutual_loss_equals_the_plain_value(logits, log_p, weight, valid, form):
    z = [each.detach().numpy().astype(np.float64) for each in logits]
    w = weight.numpy()[:, None]
    inner = w if form == 'logits' else 1.0
    p, q = softmax(inner * z[1]), softmax(inner * z[0])
    divergence = (p * (np.log(p) - np.log(q))).sum(axis=1)
    outer = w[:, 0] if form == 'weight' else 1.0
    expected = (outer * divergence)[valid.numpy()].mean()
    loss = mutual_loss(log_p[0], log_p[1], weight, valid, form=form)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize('form', ['logits', 'weight', 'none'])
def test_equal_answers_have_nothing_to_teach(log_p, weight, valid, form):
    assert mutual_loss(log_p[0], log_p[0].clone(), weight, valid, form=form).item() == 0
    assert mutual_loss(log_p[0], log_p[1], weight, valid, form=form).item() > 0


def test_a_mask_of_one_gives_the_plain_divergence(log_p, valid):
    masked = mutual_loss(log_p[0], log_p[1], valid.float(), valid)
    plain = mutual_loss(log_p[0], log_p[1], valid.float(), valid, form='none')
    assert torch.allclose(masked, plain, rtol=1e-5)


def test_a_vanishing_mask_takes_the_term_away_with_its_square(log_p, weight, valid):
    near, nearer = (
        mutual_loss(log_p[0].double(), log_p[1].double(), share * weight.double(), valid).item()
        for share in (1e-3, 1e-4)
    )
    assert near / nearer == pytest.approx(100, rel=0.01)
    assert mutual_loss(log_p[0], log_p[1], 0 * weight, valid).item() == 0


@pytest.mark.parametrize('form', ['logits', 'weight', 'none'])
def test_only_the_network_that_learns_gets_a_gradient(logits, log_p, weight, valid, form):
    mutual_loss(log_p[0], log_p[1], weight, valid, form=form).backward()
    assert logits[1].grad is None
    assert logits[0].grad.abs().sum() > 0


def test_the_gradient_is_that_of_the_closed_form(logits, log_p, weight, valid):
    mutual_loss(log_p[0], log_p[1], weight, valid).backward()
    w = weight[:, None]
    with torch.no_grad():
        step = (w * logits[0]).softmax(dim=1) - (w * logits[1]).softmax(dim=1)
    assert torch.allclose(logits[0].grad, w * step / valid.sum(), atol=1e-6)


def test_prototype_loss_equals_the_loss_at_full_size():
    similarity, truth = uniform(2, K, 2, 3) * 2 - 1, labels(2, *SIZE)
    truth[0, :3], truth[1, 5] = IGNORE, COMPLEMENT
    fine = torch.nn.functional.interpolate(similarity, size=SIZE, mode='nearest') / TAU
    index = torch.where(truth < K, truth, IGNORE)
    expected = torch.nn.functional.cross_entropy(fine, index, ignore_index=IGNORE)
    seen = torch.ones(K, dtype=torch.bool)
    assert torch.allclose(prototype_loss(similarity, seen, truth, TAU), expected, rtol=1e-5)


def test_classes_without_a_prototype_neither_compete_nor_count():
    similarity, truth = uniform(1, K, 2, 3), labels(1, *SIZE)
    seen = torch.arange(K) != 2
    loss = prototype_loss(similarity, seen, truth, TAU)
    changed = similarity.clone()
    changed[:, 2] = 1.0
    assert torch.equal(loss, prototype_loss(changed, seen, truth, TAU))
    rest = similarity[:, seen]
    renamed = torch.tensor([0, 1, IGNORE, 2, 3])[truth]
    everything = torch.ones(K - 1, dtype=torch.bool)
    assert torch.allclose(loss, prototype_loss(rest, everything, renamed, TAU), rtol=1e-5)
    assert prototype_loss(similarity, torch.zeros(K, dtype=torch.bool), truth, TAU).item() == 0


def test_prototype_loss_falls_when_features_near_their_prototype():
    truth = labels(1, *SIZE)
    truth[:] = truth[:, ::4, ::4].repeat_interleave(4, 1).repeat_interleave(4, 2)
    similarity = uniform(1, K, 2, 3)
    nearer = similarity.clone()
    nearer.scatter_add_(1, truth[:, None, ::4, ::4], torch.full((1, 1, 2, 3), 0.1))
    seen = torch.ones(K, dtype=torch.bool)
    assert prototype_loss(nearer, seen, truth, TAU) < prototype_loss(similarity, seen, truth, TAU)


@pytest.fixture
def night():
    """Answer, similarities, seen classes and inside of three night pictures."""
    log_p = log_probabilities(4 * draw(3, K, 2, 3, seed=5), SIZE)
    inside = torch.ones(3, *SIZE, dtype=torch.bool)
    inside[:, :, -2:] = False
    similarity = (uniform(3, K, 2, 3, seed=6) * 2 - 1).requires_grad_()
    return log_p, similarity, torch.arange(K) != 1, inside


def plain_night_loss(log_p, similarity, seen, inside, theta):
    """The night term, written pixel by pixel."""
    fine = torch.nn.functional.interpolate(similarity.detach(), size=SIZE, mode='bilinear')
    values = []
    for picture in range(len(log_p)):
        winners = set(log_p[picture].argmax(dim=0)[inside[picture]].tolist())
        active = [k for k in range(K) if k in winners and seen[k]]
        for y, x in inside[picture].nonzero().tolist():
            p = log_p[picture, :, y, x].exp().numpy()
            if p.max() > theta:
                p = p[active] / p[active].sum()
                q = np.exp(fine[picture, active, y, x].numpy() / TAU)
                values.append((p * np.log(p / (q / q.sum()))).sum())
    return np.mean(values)


def test_night_loss_equals_the_plain_value(night):
    loss = night_loss(*night, tau=TAU, theta=0.7)
    assert loss.item() == pytest.approx(plain_night_loss(*night, theta=0.7), rel=1e-4)


def test_night_loss_is_zero_when_prototypes_say_what_the_answer_says(night):
    _, _, seen, inside = night
    similarity = draw(3, K, *SIZE)
    answer = (similarity / TAU).masked_fill(~seen[None, :, None, None], -1e4).log_softmax(dim=1)
    winners = answer.argmax(dim=1)
    whole = torch.stack([torch.isin(torch.arange(K)[seen], row).all() for row in winners])
    assert whole.all()
    loss = night_loss(answer, similarity, seen, inside, tau=TAU, theta=0.0)
    assert loss.item() == pytest.approx(0, abs=1e-6)


def test_the_night_terms_teach_features_not_the_answer(night):
    log_p, similarity, seen, inside = night
    log_p.requires_grad_()
    night_loss(log_p, similarity, seen, inside, tau=TAU, theta=0.3).backward()
    official_night_loss(log_p, similarity, seen, inside).backward()
    assert log_p.grad is None
    assert similarity.grad.abs().sum() > 0


def test_unsure_pixels_and_those_outside_do_not_count_at_night(night):
    log_p, similarity, seen, inside = night
    assert night_loss(log_p, similarity, seen, inside, tau=TAU, theta=1.0).item() == 0
    outside = log_p.detach().clone()
    outside[:, :, :, -2:] = draw(3, K, SIZE[0], 2, seed=9).log_softmax(dim=1)
    for term in (
        lambda p: night_loss(p, similarity, seen, inside, tau=TAU, theta=0.7),
        lambda p: official_night_loss(p, similarity, seen, inside),
    ):
        assert torch.equal(term(log_p), term(outside))


def test_a_picture_without_an_active_class_adds_nothing(night):
    log_p, similarity, _, inside = night
    seen = torch.zeros(K, dtype=torch.bool)
    loss = night_loss(log_p, similarity, seen, inside, tau=TAU, theta=0.0)
    loss.backward()
    assert loss.item() == 0
    assert similarity.grad.abs().max() == 0


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), scale=st.floats(0, 50))
def test_the_official_night_term_is_small_by_construction(seed, scale):
    log_p = (scale * draw(1, 19, 6, 6, seed=seed)).log_softmax(dim=1)
    similarity = uniform(1, 19, 6, 6, seed=seed + 1) * 2 - 1
    inside = torch.ones(1, 6, 6, dtype=torch.bool)
    loss = official_night_loss(log_p, similarity, torch.ones(19, dtype=torch.bool), inside)
    assert 0 <= loss.item() <= 0.083


def test_bf16_answers_give_the_losses_within_a_hundredth(night):
    coarse, truth = 2 * draw(2, K, 2, 3), labels(2, *SIZE)
    exact = pixel_nll(log_probabilities(coarse, SIZE), truth).mean()
    rounded = pixel_nll(log_probabilities(coarse.bfloat16(), SIZE), truth).mean()
    assert rounded.dtype == torch.float32
    assert torch.allclose(rounded, exact, rtol=1e-2)
    _, similarity, seen, _ = night
    exact = prototype_loss(similarity[:2], seen, truth, TAU)
    assert torch.allclose(
        prototype_loss(similarity[:2].bfloat16(), seen, truth, TAU), exact, rtol=1e-2
    )
