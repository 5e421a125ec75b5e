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

"""Terms of complementary random masking against plain numpy, their zeros and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xspec_ros.learn.methods.crm.loss import (
    box_supervision,
    cell_weights,
    growth,
    inside_cells,
    self_distillation,
    supervision,
)
from xspec_ros.learn.methods.supervised.detection_loss import BoxTruth, detection_loss
from xspec_ros.learn.models.student import DetLevel

B, K, H, W = 3, 5, 8, 10


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, B, K, H, W, generator=generator).unbind()


def everywhere():
    return torch.ones(B, H, W, dtype=torch.bool)


def test_a_cell_is_inside_when_all_its_pixels_are():
    inside = torch.ones(1, 8, 12, dtype=torch.bool)
    inside[0, 3, 4] = False
    assert inside_cells(inside).tolist() == [[[True, False, True], [True, True, True]]]


@pytest.mark.parametrize(
    ('step', 'share', 'expected'), [(0, 0.2, 0.0), (10, 0.2, 0.5), (20, 0.2, 1.0), (99, 0.2, 1.0)]
)
def test_the_unlabelled_terms_grow(step, share, expected):
    assert growth(step, 100, share) == pytest.approx(expected)
    assert growth(step, 100, 0.0) == 1.0


def test_self_distillation_is_the_mean_distance(logits):
    reference, masked = logits
    cells = everywhere()
    found = self_distillation(reference, masked, cells.float(), cells)
    expected = np.abs(reference.numpy().astype(np.float64) - masked.numpy()).mean()
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_weights_weigh_cells_and_cells_divide(logits):
    reference, masked = logits
    cells = everywhere()
    cells[:, :, 6:] = False
    weights = torch.rand(B, H, W, generator=torch.Generator().manual_seed(1)) * cells
    found = self_distillation(reference, masked, weights, cells)
    distance = np.abs((reference - masked).numpy()) * weights[:, None].numpy()
    assert float(found) == pytest.approx(distance.sum() / (K * B * H * 6), rel=1e-5)


def test_distance_to_itself_is_zero(logits):
    reference, _ = logits
    assert float(self_distillation(reference, reference.clone(), *[everywhere()] * 2)) == 0


def test_the_reference_is_a_constant(logits):
    reference, masked = (value.clone().requires_grad_() for value in logits)
    self_distillation(reference, masked, everywhere().float(), everywhere()).backward()
    assert reference.grad is None
    step = masked.detach() - 0.01 * masked.grad.sign()
    cells = everywhere()
    closer = self_distillation(reference, step, cells.float(), cells)
    before = self_distillation(reference, masked.detach(), cells.float(), cells)
    assert float(closer) < float(before)


@pytest.mark.parametrize('value', [1e30, float('nan'), float('inf')])
def test_nothing_outside_the_picture_counts(logits, value):
    reference, masked = logits
    cells = everywhere()
    cells[:, 5:] = False
    expected = self_distillation(reference, masked, cells.float(), cells)
    wild = torch.where(cells[:, None], masked, value).requires_grad_()
    found = self_distillation(reference, wild, cells.float(), cells)
    found.backward()
    assert torch.equal(found, expected)
    assert bool((wild.grad[:, :, 5:] == 0).all())


def test_a_mean_over_nothing_is_zero(logits):
    reference, masked = logits[0], logits[1].clone().requires_grad_()
    nothing = torch.zeros(B, H, W, dtype=torch.bool)
    loss = self_distillation(reference, masked, nothing.float(), nothing)
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(masked.grad.abs().sum()) == 0


def test_unlabelled_cells_count_where_the_reference_is_sure():
    reference = torch.zeros(2, K, 1, 3)
    reference[:, 0, 0, 1] = 10.0
    cells = torch.tensor([[[True, True, False]]] * 2)
    weights = cell_weights(
        reference, cells, torch.tensor([True, False]), unlabelled_weight=0.25, confidence=0.5
    )
    assert weights.tolist() == [[[1.0, 1.0, 0.0]], [[0.0, 0.25, 0.0]]]


def test_supervision_is_the_cross_entropy_of_labelled_pixels(pairs):
    logits = torch.randn(4, 5, 16, 16, generator=torch.Generator().manual_seed(2))
    label_map = pairs.label_map.clone()
    label_map[:, :20] = 255
    has_masks = torch.tensor([True, False, True, True])
    found = supervision(logits, pairs._replace(label_map=label_map, has_masks=has_masks))
    fine = torch.nn.functional.interpolate(
        logits.double(), size=(64, 64), mode='bilinear', align_corners=False
    ).numpy()
    log_p = fine - np.log(np.exp(fine).sum(axis=1, keepdims=True))
    kept = (label_map != 255).numpy() & has_masks[:, None, None].numpy()
    b, y, x = np.nonzero(kept)
    expected = -log_p[b, label_map.numpy()[b, y, x], y, x].mean()
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_supervision_without_labels_is_zero(night):
    logits = torch.randn(4, 5, 16, 16, requires_grad=True)
    loss = supervision(logits, night)
    loss.backward()
    assert float(loss.detach()) == 0
    assert float(logits.grad.abs().sum()) == 0


def test_boxes_weigh_as_in_supervised_training(pairs):
    generator = torch.Generator().manual_seed(3)
    det = [
        DetLevel(*(torch.randn(4, c, 64 // s, 64 // s, generator=generator) for c in (3, 4, 1)), s)
        for s in (8, 16, 32)
    ]
    truth = BoxTruth(pairs.boxes_xyxy, pairs.box_classes, pairs.box_crowd, pairs.has_boxes)
    loss = detection_loss(det, truth)
    expected = 3 * loss.box + loss.obj + loss.cls
    assert float(box_supervision(det, pairs)) == pytest.approx(float(expected), rel=1e-6)
