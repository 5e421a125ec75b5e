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

"""Networks that have seen the pictures they are tested on."""

from __future__ import annotations

import pytest
import torch

from xspec_ros.config import convert
from xspec_ros.learn.methods.cgdet.args import CgdetArgs
from xspec_ros.learn.methods.cgdet.method import Cgdet
from xspec_ros.learn.models import build_network


def acquaint(network, pictures):
    """Return the network with the statistics of the pictures in its norms."""
    norms = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(pictures)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    return network


@pytest.fixture
def acquainted():
    return acquaint


@pytest.fixture
def teacher(pairs, acquainted):
    """Return a function that builds an RGB network whose norms know the pairs."""

    def build(**arguments):
        torch.manual_seed(5)
        sizes = {'num_classes': 5, 'num_detection_classes': 3, 'width': 0.25, 'in_channels': 3}
        return acquainted(build_network('student', sizes | arguments), pairs.rgb)

    return build


@pytest.fixture
def build(context, teacher):
    """Return a function that builds the method around small networks."""

    def make(network=None, *, encoder='light', steps=10, **arguments):
        args = convert(arguments, CgdetArgs, 'method.arguments')
        network = teacher() if network is None else network
        around = context('student', teacher=network, encoder=encoder, steps=steps)
        return Cgdet(around, args)

    return make


@pytest.fixture
def settled(build, pairs, acquainted):
    """Return a function that builds the method in evaluation mode, its norms knowing the pairs."""

    def make(**arguments):
        method = build(**arguments)
        acquainted(method.student, pairs.thermal)
        return method.eval()

    return make


@pytest.fixture
def mixed(pairs, night):
    """Return pairs of which the second and the last are unlabelled and of the night."""
    dark = torch.tensor([False, True, False, True])
    values = {
        name: torch.where(dark.reshape(-1, *(1,) * (value.ndim - 1)), night.tensors()[name], value)
        for name, value in pairs.tensors().items()
    }
    return pairs._replace(**values)


@pytest.fixture
def optimise(loop):
    """Return a function that takes some steps on a batch and returns the total of each."""

    def train(method, batch, steps):
        trained = (p for p in method.parameters() if p.requires_grad)
        return loop(method, batch, torch.optim.AdamW(trained, 1e-2), range(steps))

    return train


def are_same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@pytest.fixture
def same():
    """Return a function that tells whether two states are the same bits."""
    return are_same
