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

"""Pairs of thermal and RGB pictures that small networks can learn in seconds."""

from __future__ import annotations

import pytest

torch = pytest.importorskip('torch')

CLASSES = 5


def make_pairs(*, count=4, size_hw=(64, 64), seed=0):
    """Return day pairs: a block a class, its brightness in both cameras, a box on one block."""
    from xspec_ros.learn.batch import Batch

    generator = torch.Generator().manual_seed(seed)
    height, width = size_hw
    blocks = torch.randint(0, CLASSES, (count, height // 16, width // 16), generator=generator)
    label_map = blocks.repeat_interleave(16, dim=1).repeat_interleave(16, dim=2)
    noise = 0.05 * torch.randn(count, 4, height, width, generator=generator)
    level = label_map[:, None] / CLASSES
    thermal = (level + noise[:, :1]).clamp(0, 1)
    rgb = (1 - level + noise[:, 1:]).clamp(0, 1)
    boxes = torch.tensor([[16.0, 16.0, 32.0, 32.0]]).repeat(count, 1, 1)
    return Batch(
        thermal=thermal,
        rgb=rgb,
        label_map=label_map,
        inside=torch.ones(count, height, width, dtype=torch.bool),
        has_masks=torch.ones(count, dtype=torch.bool),
        mask_classes=torch.ones(count, CLASSES, dtype=torch.bool),
        boxes_xyxy=boxes,
        box_classes=blocks[:, 1:2, 1] % 3,
        box_crowd=torch.zeros(count, 1, dtype=torch.bool),
        has_boxes=torch.ones(count, dtype=torch.bool),
        day=torch.ones(count, dtype=torch.int64),
        names=tuple(f'pair {seed}/{index}' for index in range(count)),
        box_scores=torch.ones(count, 1),
    )


def pick_rows(batch, rows):
    """Return some pictures of a batch, in the order named."""
    rows = list(rows)
    values = batch._asdict()
    picked = {key: value[rows] for key, value in batch.tensors().items()}
    return type(batch)(**{**values, **picked, 'names': tuple(batch.names[i] for i in rows)})


def by_night(batch):
    """Return the batch as unlabelled night pairs."""
    from xspec_ros.learn.batch import IGNORE, NO_BOX

    return batch._replace(
        label_map=torch.full_like(batch.label_map, IGNORE),
        has_masks=torch.zeros_like(batch.has_masks),
        box_classes=torch.full_like(batch.box_classes, NO_BOX),
        has_boxes=torch.zeros_like(batch.has_boxes),
        day=torch.zeros_like(batch.day),
    )


@pytest.fixture
def pairs():
    return make_pairs()


@pytest.fixture
def night(pairs):
    return by_night(pairs)


@pytest.fixture
def rows():
    return pick_rows


@pytest.fixture
def context():
    """Return a function that builds a small network and a method's context around it."""
    from xspec_ros.learn.methods.method import MethodContext
    from xspec_ros.learn.models import build_network

    def build(name='fusion', *, modality='thermal', teacher=None, steps=10, **arguments):
        torch.manual_seed(0)
        sizes = {'num_classes': CLASSES, 'num_detection_classes': 3, 'width': 0.25}

        def network(which):
            channels = 3 if which == 'rgb' else 1
            return build_network(name, {**sizes, 'in_channels': channels, **arguments})

        return MethodContext(
            student=network(modality),
            modality=modality,
            class_names=tuple(f'class {index}' for index in range(CLASSES)),
            detection_class_names=('person', 'bicycle', 'car'),
            steps=steps,
            sibling=network,
            teacher=teacher,
        )

    return build


def train_on(method, batch, steps, *, until=0.0):
    optimizer = torch.optim.AdamW((p for p in method.parameters() if p.requires_grad), 1e-2)
    losses = []
    for step in range(steps):
        if losses and losses[-1] < until * losses[0]:
            break
        out = method.training_step(batch, step)
        optimizer.zero_grad()
        out.loss.backward()
        optimizer.step()
        losses.append(float(out.loss.detach()))
    return losses


@pytest.fixture
def run():
    """Return a function that trains a method on one batch and returns its losses."""
    return train_on
