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


def exported(network):
    """Return the deployed thermal graph of a student, as code, and the names of its tensors."""
    from xspec_ros.learn.models import graphs
    from xspec_ros.learn.models.deploy import ThermalGraph

    frame = (torch.randint(0, 255, (1, 48, 64, 1), dtype=torch.uint8), torch.tensor([0.0, 255.0]))
    graph = ThermalGraph(graphs(network, 'thermal')['thermal'], (64, 64)).eval()
    with torch.no_grad():
        program = torch.export.export(graph, frame)
    return program.graph_module.code, list(program.state_dict)


@pytest.fixture(scope='session')
def plain_graph():
    """Return what is exported of a small student that no method has seen; it takes seconds."""
    from xspec_ros.learn.models import build_network

    sizes = {'num_classes': CLASSES, 'num_detection_classes': 3, 'width': 0.25, 'in_channels': 1}
    return exported(build_network('student', sizes))


@pytest.fixture
def deploys_as_plain(context, pairs, plain_graph):
    """Return a function that asserts that a method left nothing in its student but weights."""

    def check(student):
        student.eval()
        alone = context('student').student.eval()
        assert set(alone.state_dict()) == set(student.state_dict())
        alone.load_state_dict(student.state_dict())
        with torch.no_grad():
            ours, theirs = student(pairs.thermal), alone(pairs.thermal)
        assert torch.equal(ours.seg_logits, theirs.seg_logits)
        for one, other in zip(ours.det, theirs.det, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one[:3], other[:3], strict=True))
        assert exported(student) == plain_graph

    return check
