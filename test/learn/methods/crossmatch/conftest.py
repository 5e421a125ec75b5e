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

"""A source that is sure of itself, and the method around it, small enough for seconds."""

from __future__ import annotations

import pytest

torch = pytest.importorskip('torch')


SOURCES = {}  # nothing changes them, and each takes a while
METHODS = {}


def make_sure(network, picture):
    """Stretch what a network says of pictures, so that it has labels and a few boxes."""
    with torch.no_grad():
        network.segmentation.classifier.weight.mul_(20)
        levels = network(picture).det
        for layers, raw in (
            (network.detection.obj_out, [level.obj for level in levels]),
            (network.detection.cls_out, [level.cls for level in levels]),
        ):
            for layer, values in zip(layers, raw, strict=True):
                mean, std = (f(values, dim=(0, 2, 3)) for f in (torch.mean, torch.std))
                layer.weight.mul_((2 / std)[:, None, None, None])
                layer.bias.copy_((layer.bias - mean) * 2 / std)


@pytest.fixture
def source(context, pairs):
    """Return a function that gives a source which has seen pictures of its camera."""

    def build(modality='rgb', *, seed=0):
        if (modality, seed) not in SOURCES:
            network = context('student', modality=modality).student
            torch.manual_seed(seed)
            for layer in (*network.detection.obj_out, *network.detection.cls_out):
                torch.nn.init.normal_(layer.weight)
            for _ in range(3):
                network(getattr(pairs, modality))
            make_sure(network.eval(), getattr(pairs, modality))
            SOURCES[modality, seed] = network
        return SOURCES[modality, seed]

    return build


@pytest.fixture
def crossmatch(context, source):
    """Return a function that builds the method, begun from its source.

    Networks are built once and restored after; two methods of the same networks in one test are
    one: copy it.
    """
    from xspec_ros.config import convert
    from xspec_ros.learn.methods.crossmatch.args import CrossmatchArgs
    from xspec_ros.learn.methods.crossmatch.method import Crossmatch
    from xspec_ros.learn.methods.method import Start

    def new(camera, args, *, begun):
        teacher = source(camera)
        method = Crossmatch(context('student', teacher=teacher), args)
        if begun:
            weights = {k: v.clone() for k, v in teacher.state_dict().items()}
            method.begin(Start(method='supervised', modality=camera, network=weights, state={}))
        return method, {k: v.clone() for k, v in method.state_dict().items()}

    def build(camera='rgb', *, steps=10, begun=True, **arguments):
        args = convert({'tau_max': 0.3, **arguments}, CrossmatchArgs, 'method.arguments')
        key = (camera, begun, args.auxiliary, args.share_head, args.detection > 0, args.norms)
        if key not in METHODS:
            METHODS[key] = new(camera, args, begun=begun)
        method, state = METHODS[key]
        method.load_state_dict(
            state | {'medians': torch.full_like(state['medians'], args.tau_max)}
        )
        method.zero_grad(set_to_none=True)
        method.args, method.steps = args, steps
        method._counts, method._days = None, torch.zeros_like(method._days)
        return method.train()

    return build


@pytest.fixture
def steps(loop):
    """Return a function that trains by the loop's order and returns the losses."""

    def train(method, batch, count, *, first=0, lr=1e-3):
        optimizer = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], lr)
        return loop(method, batch, optimizer, range(first, first + count))

    return train
