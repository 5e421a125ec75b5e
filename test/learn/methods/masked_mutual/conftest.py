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

"""The method around small students, and what its losses reach."""

from __future__ import annotations

import pytest
from torch.nn.modules.batchnorm import _BatchNorm

from xspec_ros.config import convert
from xspec_ros.learn.methods.masked_mutual.args import MaskedMutualArgs
from xspec_ros.learn.methods.masked_mutual.method import MaskedMutual


@pytest.fixture
def build(context):
    """Return a function that builds the method around small students."""

    def make(*, encoder='light', **arguments):
        args = convert({'theta': 0.1, **arguments}, MaskedMutualArgs, 'method.arguments')
        return MaskedMutual(context('student', encoder=encoder), args)

    return make


def teach(method, batch, steps=1):
    for step in range(steps):
        method.training_step(batch, step)
        method.after_step(step)
    return method


@pytest.fixture
def taught():
    """Return a function that lets a method see a batch so that it has prototypes."""
    return teach


def group(name, module):
    """Return the parameter group that a parameter of the method belongs to."""
    if name.startswith('embed'):
        return 'g'
    if name.startswith('rgb.'):
        return 'E_R' if 'backbone' in name else 'norms R'
    if 'detection' in name:
        return 'detection'
    if 'backbone' in name:
        return 'E_T'
    if 'classifier' in name:
        return 'classifier'
    return 'norms T' if isinstance(module, _BatchNorm) else 'D'


@pytest.fixture
def groups_reached(with_gradients):
    """Return a function that names the groups of a method that have a gradient."""
    return lambda method: with_gradients(method, group)
