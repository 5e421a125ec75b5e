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

import dataclasses

import numpy as np
import pytest
import torch

from xspec_ros.core.radiometry import apply_tone, tone_range
from xspec_ros.learn.data.sources import MemoryPictures
from xspec_ros.learn.export.export import random_state
from xspec_ros.learn.models import build_network, graphs
from xspec_ros.learn.models.deploy import deploy
from xspec_ros.learn.models.student import DetLevel, StudentOutput
from xspec_ros.learn.train.validate import answer, evaluate, figure, Preparation

PREPARATION = Preparation(mode='thermal', network_hw=(64, 96), percentiles=(1.0, 99.0))
NAMES = [f'class {index}' for index in range(11)]


class Oracle(torch.nn.Module):
    """Answers with what it was given, as a network of 64x96 would."""

    def __init__(self, label_map, box, class_id):
        super().__init__()
        grid = torch.from_numpy(label_map.astype(np.int64))[None, None].float()
        small = torch.nn.functional.interpolate(grid, size=(16, 24), mode='nearest')[0, 0].long()
        self.seg = torch.nn.functional.one_hot(small, 11).permute(2, 0, 1)[None].float() * 20
        self.box, self.class_id = box, class_id

    def forward(self, x):
        assert x.shape == (1, 1, 64, 96)
        level = DetLevel(
            torch.full((1, 3, 1, 1), -20.0),
            torch.zeros(1, 4, 1, 1),
            torch.full((1, 1, 1, 1), 20.0),
            32,
        )
        left, top, right, bottom = self.box
        level.cls[0, self.class_id] = 20.0
        level.box[0, :, 0, 0] = torch.tensor(
            [
                ((left + right) / 2 - 16) / 32,
                ((top + bottom) / 2 - 16) / 32,
                np.log((right - left) / 32),
                np.log((bottom - top) / 32),
            ]
        )
        return StudentOutput(self.seg, [level])


@pytest.fixture
def pair(picture):
    """Return noise seen by both cameras."""
    rng = np.random.default_rng(3)
    thermal = rng.integers(1000, 5000, (60, 80)).astype(np.uint16)
    rgb = rng.integers(0, 256, (60, 80, 3)).astype(np.uint8)
    return dataclasses.replace(picture, thermal=thermal, rgb=rgb)


@pytest.fixture
def clean(picture):
    label_map = np.zeros((60, 80), np.uint8)
    label_map[:, 40:] = 8
    return dataclasses.replace(picture, label_map=label_map)


def test_a_perfect_network_scores_one(clean):
    # the picture is 60x80, the network 64x96: boxes are stretched by 1.2 and 64 / 60
    box = [30 * 1.2, 20 * 64 / 60, 50 * 1.2, 40 * 64 / 60]
    sources = [MemoryPictures([clean], {'name': 'clean'})]
    metrics = evaluate(
        Oracle(clean.label_map, box, 0),
        sources,
        PREPARATION,
        class_names=NAMES,
        detection_class_names=('person', 'bicycle', 'car'),
    )
    assert metrics['map50'] == pytest.approx(1.0)
    assert metrics['miou'] > 0.95
    assert metrics['sources']['clean']['map50'] == pytest.approx(1.0)


def test_the_input_is_toned_as_when_deployed(picture):
    (x,) = PREPARATION.tensors(picture)
    assert x.shape == (1, 1, 64, 96)
    low, high = tone_range(picture.thermal, 1.0, 99.0)
    expected = apply_tone(picture.thermal, low, high)[30]
    sampled = np.interp((np.arange(96) + 0.5) / 1.2 - 0.5, np.arange(80), expected)
    assert np.allclose(x[0, 0, 32].numpy(), sampled, atol=1e-3)


@pytest.mark.parametrize('mode', ['thermal', 'fused', 'rgb'])
def test_figures_are_those_of_the_deployed_graph(pair, mode):
    """The trainer and the graph that is exported decide alike, pixel by pixel and box by box."""
    arguments = {'num_classes': 5, 'num_detection_classes': 2, 'width': 0.25}
    network = build_network('fusion', arguments).eval()
    network.load_state_dict(random_state('fusion', arguments, 0))
    preparation = Preparation(mode=mode, network_hw=(64, 96), percentiles=(1.0, 99.0))
    label_map, found = answer(network, pair, preparation)

    graph = deploy(graphs(network, 'thermal')[mode], mode, (64, 96))
    tone = torch.tensor(tone_range(pair.thermal, 1.0, 99.0))
    thermal = torch.from_numpy(pair.thermal[..., None].view(np.uint8))[None]
    rgb = torch.from_numpy(pair.rgb)[None]
    given = {'thermal': (thermal, tone), 'fused': (thermal, rgb, tone), 'rgb': (rgb,)}[mode]
    with torch.no_grad():
        labels, _, boxes, scores, classes = (out[0].numpy() for out in graph(*given))
    kept = scores >= 0.01
    assert kept.any()
    assert np.mean(labels == label_map) > 0.999
    assert np.allclose(found.scores, scores[kept], atol=1e-3)
    best = slice(0, 5)  # further down, ties change the order
    assert np.allclose(found.boxes_xyxy[best], boxes[best], atol=0.05)
    assert found.class_ids[best].tolist() == classes[best].tolist()


def test_a_picture_without_the_camera_is_an_error(picture):
    preparation = Preparation(mode='fused', network_hw=(64, 96), percentiles=(1.0, 99.0))
    with pytest.raises(ValueError, match='no rgb picture'):
        preparation.tensors(picture)


def test_best_is_chosen_by_what_was_measured():
    assert figure({'miou': 0.4, 'map50': 0.6}) == pytest.approx(0.5)
    assert figure({'miou': None, 'map50': 0.6}) == pytest.approx(0.6)
    assert figure({'miou': None, 'map50': None}) is None
