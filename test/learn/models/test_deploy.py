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

"""Pre- and post-processing of the deployable graph, against plain torch and numpy."""

from __future__ import annotations

import cv2
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
import torch
from torch.nn import functional

from xspec_ros.core.radiometry import apply_tone
from xspec_ros.learn.export.export import random_state
from xspec_ros.learn.models import build_network, graphs
from xspec_ros.learn.models.deploy import (
    combine_bytes,
    deploy,
    detect,
    nearest,
    pairwise_iou,
    segment,
    stretch,
    suppress,
    SUPPRESSION_IOU,
    tone_map,
    upsample,
)
from xspec_ros.learn.models.fold import fold_norms
from xspec_ros.learn.models.student import DetLevel, StudentOutput

SIDES = st.integers(min_value=33, max_value=90)


def level(stride, rows, columns, classes=3):
    """A level without any object."""
    return DetLevel(
        cls=torch.full((1, classes, rows, columns), -9.0),
        box=torch.zeros(1, 4, rows, columns),
        obj=torch.full((1, 1, rows, columns), -9.0),
        stride=stride,
    )


def greedy(boxes, classes):
    """Non-maximum suppression as everybody writes it."""
    overlap = pairwise_iou(boxes).numpy()
    keep: list[int] = []
    for row in range(len(boxes)):
        rivals = [k for k in keep if classes[k] == classes[row]]
        if not any(overlap[k, row] > SUPPRESSION_IOU for k in rivals):
            keep.append(row)
    return keep


def test_two_bytes_are_little_endian_counts():
    counts = np.array([[0, 1, 255], [256, 16383, 65535]], '<u2')
    thermal = torch.from_numpy(counts.view(np.uint8).reshape(1, 2, 3, 2))
    np.testing.assert_array_equal(combine_bytes(thermal)[0, 0].numpy(), counts.astype(np.float32))


def test_one_byte_is_the_count():
    thermal = torch.arange(6, dtype=torch.uint8).reshape(1, 2, 3, 1)
    np.testing.assert_array_equal(combine_bytes(thermal).reshape(-1).numpy(), np.arange(6))


@settings(max_examples=25, deadline=None)
@given(low=st.floats(0, 20_000), span=st.floats(1, 20_000), seed=st.integers(0, 99))
def test_tone_is_that_of_training(low, span, seed):
    image = np.random.default_rng(seed).integers(0, 1 << 14, (5, 7)).astype(np.uint16)
    tone = torch.tensor([low, low + span], dtype=torch.float32)
    mapped = tone_map(torch.from_numpy(image.astype(np.float32)), tone).numpy()
    limits = tone.tolist()  # as both have them: a limit of 15,000 in float32 is 0.0005 off
    np.testing.assert_allclose(mapped, apply_tone(image, *limits), atol=1e-4)


def test_an_empty_range_gives_zeros_and_ones():
    mapped = tone_map(torch.tensor([4.0, 5.0, 6.0]), torch.tensor([5.0, 5.0]))
    assert mapped.tolist() == [0.0, 0.0, 1.0]


@settings(max_examples=20, deadline=None)
@given(rows=SIDES, columns=SIDES)
def test_stretch_is_bilinear_interpolation(rows, columns):
    picture = torch.rand(1, 3, rows, columns)
    expected = functional.interpolate(picture, size=(64, 96), mode='bilinear')
    torch.testing.assert_close(stretch(picture, (64, 96)), expected, atol=1e-4, rtol=0)
    assert torch.equal(stretch(picture[:, 1:2], (64, 96)), stretch(picture, (64, 96))[:, 1:2])


@settings(max_examples=20, deadline=None)
@given(rows=SIDES, columns=SIDES)
def test_nearest_takes_the_pixel_under_each_centre(rows, columns):
    plane = torch.arange(64 * 96).reshape(64, 96)
    expected_rows = [(2 * i + 1) * 64 // (2 * rows) for i in range(rows)]
    expected_columns = [(2 * i + 1) * 96 // (2 * columns) for i in range(columns)]
    expected = plane[expected_rows][:, expected_columns]
    assert torch.equal(nearest(plane, rows, columns), expected)


@pytest.mark.parametrize('factor', [2, 4, 8])
def test_upsample_is_bilinear_interpolation(factor):
    plane = torch.rand(1, 1, 7, 9)
    expected = functional.interpolate(plane, scale_factor=factor, mode='bilinear')
    torch.testing.assert_close(upsample(plane, factor), expected)


def test_confidence_is_the_probability_of_the_label():
    logits = torch.zeros(1, 4, 8, 8)
    logits[:, 2] = 3.0
    labels, confidence = segment(logits, (32, 32), 30, 50)
    probability = torch.softmax(logits[0, :, 0, 0], 0)[2]
    assert labels.shape == confidence.shape == (1, 30, 50)
    assert labels.unique().tolist() == [2]
    assert confidence.unique().tolist() == [round(255 * probability.item())]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 60))
def test_suppression_is_greedy_suppression(seed, count):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=generator) * 12
    boxes = torch.cat((corner, corner + 8 + torch.rand(count, 2, generator=generator) * 3), 1)
    classes = torch.randint(0, 2, (count,), generator=generator)
    assert suppress(boxes, classes).nonzero()[:, 0].tolist() == greedy(boxes, classes.tolist())


def test_a_box_is_scaled_to_the_pixels_of_the_input_and_clipped():
    levels = [level(8, 8, 8), level(16, 4, 4), level(32, 2, 2)]
    levels[2].obj[0, 0, 0, 1] = 9.0
    levels[2].cls[0, 1, 0, 1] = 9.0  # centre x 48, y 16, side 32 in 64x64
    boxes, scores, classes = detect(levels, (64, 64), 128, 50)
    assert classes[0, 0] == 1
    assert scores[0, 0] > 0.99
    torch.testing.assert_close(boxes[0, 0], torch.tensor([25.0, 0.0, 50.0, 64.0]))
    assert boxes.shape == (1, 100, 4)
    assert classes.dtype == torch.int32


def test_overlapping_boxes_of_two_classes_both_stay():
    levels = [level(8, 8, 8), level(16, 4, 4), level(32, 2, 2)]
    levels[2].obj[0, 0, 0, 0] = 9.0
    levels[2].cls[0, :2, 0, 0] = 9.0
    _, scores, classes = detect(levels, (64, 64), 64, 64)
    assert (scores[0] > 0.9).sum() == 2
    assert set(classes[0, :2].tolist()) == {0, 1}


def test_folding_norms_changes_no_answer_and_leaves_the_network_alone():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, bias=False), torch.nn.BatchNorm2d(4), torch.nn.ReLU6()
    )
    network(torch.rand(4, 1, 9, 9) * 5)
    folded = fold_norms(network)
    picture = torch.rand(1, 1, 9, 9)
    torch.testing.assert_close(folded(picture), network.eval()(picture))
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())
    assert isinstance(network[1], torch.nn.BatchNorm2d)


def fusion_network():
    arguments = {'num_classes': 5, 'num_detection_classes': 2, 'width': 0.25}
    network = build_network('fusion', arguments).eval()
    network.load_state_dict(random_state('fusion', arguments, 0))
    return network


@pytest.mark.parametrize('mode', ['thermal', 'fused', 'rgb'])
def test_folding_the_norms_of_the_levels_changes_no_answer(mode):
    part = graphs(fusion_network(), 'thermal')[mode].double()  # rounding apart
    folded = fold_norms(part)
    channels = {'thermal': (1,), 'fused': (1, 3), 'rgb': (3,)}[mode]
    cameras = [torch.rand(1, count, 64, 96, dtype=torch.float64) for count in channels]
    with torch.no_grad():
        mine, theirs = folded(*cameras), part(*cameras)
    torch.testing.assert_close(mine.seg_logits, theirs.seg_logits, atol=1e-5, rtol=1e-4)
    for own, other in zip(mine.det, theirs.det, strict=True):
        for field in ('cls', 'box', 'obj'):
            expected = getattr(other, field)
            torch.testing.assert_close(getattr(own, field), expected, atol=1e-5, rtol=1e-4)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in folded.modules())


def test_rgb_reaches_the_network_as_in_validation():
    rgb = np.random.default_rng(0).integers(0, 256, (47, 61, 3)).astype(np.uint8)
    graph = deploy(graphs(fusion_network(), 'thermal')['rgb'], 'rgb', (64, 96))
    expected = cv2.resize(rgb.astype(np.float32) / 255, (96, 64), interpolation=cv2.INTER_LINEAR)
    picture = graph.rgb_picture(torch.from_numpy(rgb)[None])
    torch.testing.assert_close(
        picture[0].permute(1, 2, 0), torch.from_numpy(expected), atol=1e-5, rtol=0
    )


class WithTeacher(torch.nn.Module):
    """A student that carries a branch which only training uses."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(1, 4, 4, stride=4)
        self.projector = torch.nn.Linear(4, 4)

    def forward(self, x):
        rows, columns = x.shape[2] // 8, x.shape[3] // 8
        det = [level(8, rows, columns)]
        return StudentOutput(seg_logits=self.stem(x), det=det)


def test_the_graph_answers_any_size_with_fixed_shapes():
    graph = deploy(WithTeacher(), 'thermal', (64, 96))
    thermal = torch.randint(0, 256, (1, 41, 77, 2), dtype=torch.uint8)
    labels, confidence, boxes, scores, classes = graph(thermal, torch.tensor([0.0, 60_000.0]))
    assert labels.shape == confidence.shape == (1, 41, 77)
    assert labels.dtype == confidence.dtype == torch.uint8
    assert (boxes.shape, scores.shape, classes.shape) == ((1, 100, 4), (1, 100), (1, 100))
