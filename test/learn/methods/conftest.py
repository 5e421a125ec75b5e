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

from datetime import timedelta

import pytest

torch = pytest.importorskip('torch')

CLASSES = 5
SIZES = {'num_classes': CLASSES, 'num_detection_classes': 3, 'width': 0.25}
PATIENCE = timedelta(minutes=3)  # with the other process: one that is gone must not hang the run


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


def join_batches(*batches):
    first = batches[0]
    tensors = {k: torch.cat([b.tensors()[k] for b in batches]) for k in first.tensors()}
    names = tuple(name for batch in batches for name in batch.names)
    return type(first)(**{**first._asdict(), **tensors, 'names': names})


@pytest.fixture
def together():
    """Return a function that makes one batch of several."""
    return join_batches


@pytest.fixture
def mixed(pairs, night, rows):
    """Two pairs of the day, two of the night."""
    return join_batches(rows(pairs, [0, 1]), rows(night, [2, 3]))


def groups_with_gradients(method, group):
    modules = dict(method.named_modules())
    return {
        group(name, modules[name.rpartition('.')[0]])
        for name, parameter in method.named_parameters()
        if parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
    }


@pytest.fixture
def with_gradients():
    """Return a function that names the groups, by ``group(name, module)``, with a gradient."""
    return groups_with_gradients


@pytest.fixture
def context():
    """Return a function that builds a small network and a method's context around it."""
    from xspec_ros.learn.methods.method import MethodContext
    from xspec_ros.learn.models import build_network

    def build(name='fusion', *, modality='thermal', teacher=None, steps=10, **arguments):
        torch.manual_seed(0)

        def network(which):
            channels = 3 if which == 'rgb' else 1
            return build_network(name, {**SIZES, 'in_channels': channels, **arguments})

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


def export_thermal(network):
    """Return the deployed thermal graph as code, the names of its tensors, and its answers."""
    from xspec_ros.learn.models import graphs
    from xspec_ros.learn.models.deploy import ThermalGraph

    generator = torch.Generator().manual_seed(0)  # the same frame for every network
    picture = torch.randint(0, 255, (1, 48, 64, 1), dtype=torch.uint8, generator=generator)
    frame = (picture, torch.tensor([0.0, 255.0]))
    graph = ThermalGraph(graphs(network, 'thermal')['thermal'], (64, 64)).eval()
    with torch.no_grad():
        program = torch.export.export(graph, frame)
        return program.graph_module.code, list(program.state_dict), graph(*frame)


@pytest.fixture
def exported():
    return export_thermal


@pytest.fixture(scope='session')
def plain_graph():
    """Return what is exported of a small student that no method has seen; it takes seconds."""
    from xspec_ros.learn.models import build_network

    return export_thermal(build_network('student', {**SIZES, 'in_channels': 1}))[:2]


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
        assert export_thermal(student)[:2] == plain_graph

    return check


def one_of_two(rank, store, folder, work, batches):
    """Do the work of one of two processes and leave what it gives."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        'gloo', init_method=store, rank=rank, world_size=2, timeout=PATIENCE
    )
    torch.save(work(batches[rank]), folder / f'{rank}.pt')
    torch.distributed.destroy_process_group()


@pytest.fixture
def two_processes(tmp_path):
    """Return a function that does some work on two batches, in two processes that know each other.

    They are forked: the work finds everything as it is here, and leaves nothing behind.
    """
    from torch.multiprocessing import start_processes

    def run(work, batches):
        store = f'file://{tmp_path / "store"}'
        arguments = (store, tmp_path, work, batches)
        start_processes(one_of_two, arguments, nprocs=2, start_method='fork')
        return [torch.load(tmp_path / f'{rank}.pt') for rank in range(2)]

    return run


def assert_mean_of_two(shared, alone, *, floor):
    assert set(shared[0]) == set(alone)
    for name, gradient in alone.items():
        mean = (shared[0][name] + shared[1][name]) / 2
        scale = float(gradient.abs().max())
        torch.testing.assert_close(mean, gradient, rtol=1e-5, atol=1e-5 * scale + floor)


@pytest.fixture
def assert_mean():
    """Return a function that asserts that two processes have the mean of one's gradients."""
    return assert_mean_of_two


@pytest.fixture
def rgb_teacher(context):
    """A small RGB network whose norms have statistics of their own."""
    teacher = context('student', modality='rgb').student
    torch.manual_seed(3)
    for layer in teacher.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.5, 2)
    return teacher


def train_by_the_loop(method, batch, optimizer, numbers):
    losses = []
    for step in numbers:
        out = method.training_step(batch, step)
        out.loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        method.after_step(step)
        losses.append(out.loss.detach())
    return losses


@pytest.fixture
def loop():
    """Return a function that takes numbered steps as the training loop does."""
    return train_by_the_loop


def mean_over_processes(parameter):
    torch.distributed.all_reduce(parameter.grad)
    return parameter.grad / 2


@pytest.fixture
def mean_gradient():
    """Return a function that gives the mean of both processes' gradients of a parameter."""
    return mean_over_processes
