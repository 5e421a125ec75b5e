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
from xspec_ros.learn.methods.supervised.segmentation_loss import (
    complement_loss,
    segmentation_cross_entropy,
)


@pytest.fixture
def logits():
    torch.manual_seed(0)
    return torch.randn(2, 4, 3, 5, requires_grad=True)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def test_cross_entropy_equals_the_plain_value(logits):
    truth = torch.randint(0, 4, (2, 3, 5), generator=torch.Generator().manual_seed(1))
    truth[0, 0] = IGNORE
    truth[1, 0] = COMPLEMENT
    p = softmax(logits.detach().numpy())
    terms = [
        -np.log(p[b, truth[b, y, x], y, x])
        for b in range(2)
        for y in range(3)
        for x in range(5)
        if truth[b, y, x] < 4
    ]
    assert float(segmentation_cross_entropy(logits, truth)) == pytest.approx(np.mean(terms), 1e-5)


def test_class_weights_average_by_weight(logits):
    truth = torch.randint(0, 4, (2, 3, 5), generator=torch.Generator().manual_seed(1))
    weights = torch.tensor([1.0, 0.0, 3.0, 0.5])
    expected = torch.nn.functional.cross_entropy(logits, truth, weight=weights)
    assert torch.allclose(segmentation_cross_entropy(logits, truth, weights), expected)


@pytest.mark.parametrize('label', [IGNORE, COMPLEMENT])
def test_nothing_labelled_is_zero_with_zero_gradient(logits, label):
    loss = segmentation_cross_entropy(logits, torch.full((2, 3, 5), label))
    loss.backward()
    assert float(loss) == 0
    assert logits.grad.abs().max() == 0


def test_ignored_pixels_do_not_matter(logits):
    truth = torch.zeros(2, 3, 5, dtype=torch.int64)
    truth[:, 1] = IGNORE
    changed = logits.detach().clone()
    changed[:, :, 1] += 100
    before = segmentation_cross_entropy(logits, truth)
    assert torch.equal(before, segmentation_cross_entropy(changed, truth))


def test_gradient_raises_the_true_class(logits):
    segmentation_cross_entropy(logits, torch.full((2, 3, 5), 2)).backward()
    assert (logits.grad[:, 2] < 0).all()
    assert (logits.grad[:, [0, 1, 3]] > 0).all()


def test_batch_order_does_not_matter(logits):
    truth = torch.randint(0, 4, (2, 3, 5), generator=torch.Generator().manual_seed(2))
    there = segmentation_cross_entropy(logits, truth)
    back = segmentation_cross_entropy(logits.flip(0), truth.flip(0))
    assert torch.allclose(there, back)


def test_complement_equals_the_plain_value(logits):
    truth = torch.zeros(2, 3, 5, dtype=torch.int64)
    truth[:, 1:] = COMPLEMENT
    classes = torch.tensor([[True, False, False, True], [False, True, False, False]])
    p = softmax(logits.detach().numpy())
    share = (p * classes.numpy()[:, :, None, None]).sum(axis=1)[:, 1:]
    expected = -np.log(1 - share).mean()
    assert float(complement_loss(logits, truth, classes)) == pytest.approx(expected, rel=1e-5)


def test_complement_without_marked_pixels_is_zero_with_zero_gradient(logits):
    classes = torch.ones(2, 4, dtype=torch.bool)
    loss = complement_loss(logits, torch.zeros(2, 3, 5, dtype=torch.int64), classes)
    loss.backward()
    assert float(loss) == 0
    assert logits.grad.abs().max() == 0


def test_complement_lowers_annotated_classes_and_raises_the_others(logits):
    classes = torch.tensor([[True, False, False, True]] * 2)
    complement_loss(logits, torch.full((2, 3, 5), COMPLEMENT), classes).backward()
    assert (logits.grad[:, [0, 3]] > 0).all()
    assert (logits.grad[:, [1, 2]] < 0).all()


def test_complement_stays_finite_where_the_network_is_sure_and_wrong():
    logits = torch.zeros(1, 3, 1, 1)
    logits[:, 0] = 200.0
    logits.requires_grad_()
    classes = torch.tensor([[True, False, False]])
    loss = complement_loss(logits, torch.full((1, 1, 1), COMPLEMENT), classes)
    loss.backward()
    assert float(loss) == pytest.approx(200 - np.log(2), rel=1e-4)
    assert logits.grad[0, 0] == pytest.approx(1.0)


def test_bf16_logits_give_the_loss_within_a_hundredth(logits):
    truth = torch.zeros(2, 3, 5, dtype=torch.int64)
    exact = segmentation_cross_entropy(logits, truth)
    rounded = segmentation_cross_entropy(logits.bfloat16(), truth)
    assert rounded.dtype == torch.float32
    assert torch.allclose(rounded, exact, rtol=1e-2)
