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

"""From a recipe to a method: networks, their first weights, the teacher."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import torch
from torch import nn

from xspec_ros.errors import ConfigError, DataError
from xspec_ros.learn.methods import build_method, METHODS
from xspec_ros.learn.methods.method import MethodContext
from xspec_ros.learn.models import build_network
from xspec_ros.learn.models.encoders import by_own_names
from xspec_ros.learn.models.transfer import take_weights
from xspec_ros.learn.train.networks import check_classes, open_network

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xspec_ros.core.frame import Modality
    from xspec_ros.learn.methods.method import Method
    from xspec_ros.learn.train.networks import OpenedNetwork
    from xspec_ros.learn.train.recipe import Recipe

LOG = logging.getLogger(__name__)


def assemble(
    recipe: Recipe,
    teacher: OpenedNetwork | None,
    *,
    initial: Mapping[str, torch.Tensor] | None = None,
) -> Method:
    """Build the networks and the method of a recipe.

    Args:
        recipe: The recipe.
        teacher: Its teacher, opened.
        initial: Initial weights of the student.

    Raises:
        ConfigError: The method lacks something, or its arguments do not fit.
        DataError: The initial weights do not fit.
    """
    student = build_network(recipe.network.name, recipe.network_arguments())
    if initial is not None:
        left = take_weights(student, by_own_names(initial, student.state_dict()))
        LOG.info('all but %d weights of the network taken', len(left))
    context = MethodContext(
        student=student,
        modality=recipe.input.modality,
        class_names=tuple(label.name for label in recipe.labels()),
        detection_class_names=recipe.detection_classes,
        steps=recipe.train.steps,
        sibling=lambda modality: _sibling(recipe, modality),
        teacher=None if teacher is None else teacher.network,
        network_hw=recipe.input.network_hw,
    )
    _check_needs(recipe)
    method = build_method(recipe.method.name, recipe.method.arguments, context)
    if isinstance(method, nn.Module):
        _to_channels_last(method)
    return method


def open_start(recipe: Recipe, stages: Mapping[str, Path]) -> OpenedNetwork | None:
    """Open what the recipe's ``start`` names, where it names something.

    Raises:
        ConfigError: Its classes are others.
        DataError: There is no such run.
    """
    if recipe.start is None:
        return None
    opened = open_network(recipe.start, stages)
    check_classes(opened, recipe, 'network to start from')
    return opened


def begin(method: Method, recipe: Recipe, opened: OpenedNetwork) -> None:
    """Let the method begin from the network that the recipe's ``start`` names.

    Raises:
        DataError: Its weights do not fit.
    """
    try:
        method.begin(opened.start())
    except RuntimeError as err:
        message = f'{recipe.name} cannot start from {recipe.start}: {str(err)[:300]}'
        raise DataError(message, hint='start from a run of the same network') from err
    LOG.info('%s starts from %s', recipe.name, recipe.start)


def open_teacher(recipe: Recipe, stages: Mapping[str, Path]) -> OpenedNetwork | None:
    """Open the recipe's teacher, where it has one.

    Raises:
        ConfigError: Its classes are others.
        DataError: There is no such network.
    """
    if recipe.teacher is None:
        return None
    opened = open_network(recipe.teacher.model, stages)
    check_classes(opened, recipe, 'teacher')
    return opened


def _sibling(recipe: Recipe, modality: Modality) -> nn.Module:
    channels = 1 if modality == 'thermal' else 3
    return build_network(
        recipe.network.name, recipe.network_arguments() | {'in_channels': channels}
    )


def _check_needs(recipe: Recipe) -> None:
    """Refuse a recipe whose sources do not hold what its method learns from."""
    method = METHODS.get(recipe.method.name)
    if method is None:
        return  # build_method names the known ones
    if method.needs.teacher and recipe.teacher is None:
        message = f'method {recipe.method.name} of {recipe.name} needs a teacher'
        raise ConfigError(message, hint='name one: teacher: {model: STAGE or FOLDER}')
    for number, source in enumerate(recipe.data):
        has = {'thermal', 'rgb'} if source.modality == 'both' else {source.modality}
        lacking = sorted((method.needs.modalities or {recipe.input.modality}) - has)
        if lacking:
            message = f'data.{number} of {recipe.name} has no {" and ".join(lacking)} pictures'
            raise ConfigError(message, hint=f'method {recipe.method.name}: set modality: both')


def _to_channels_last(module: nn.Module) -> None:
    """Lay weights out as the fast kernels of CPUs and GPUs want them."""
    for parameter in module.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
