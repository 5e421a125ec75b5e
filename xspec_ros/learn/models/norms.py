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

"""Networks that share convolutions and keep their norms apart."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from torch.nn.modules.batchnorm import _BatchNorm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


@contextlib.contextmanager
def frozen_statistics(module: nn.Module) -> Iterator[None]:
    """While entered, batch-norms in training mode leave their running statistics alone.

    They go on normalising by the batch. For passes that are not the deployed one, such as
    masked pictures.

    Args:
        module: The network; every norm below it.
    """
    norms = [layer for layer in module.modules() if isinstance(layer, _BatchNorm)]
    tracked = [norm for norm in norms if norm.track_running_stats]
    for norm in tracked:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in tracked:
            norm.track_running_stats = True


def tie_convolutions(source: nn.Module, target: nn.Module) -> None:
    """Make every parameter of ``target`` outside its norms the parameter of ``source``.

    Args:
        source: Module whose parameters both are to have.
        target: Module of the same structure; its norms stay its own.
    """
    theirs = dict(source.named_modules())
    for name, layer in target.named_modules():
        if isinstance(layer, _BatchNorm):
            continue
        for key in layer._parameters:
            layer._parameters[key] = theirs[name]._parameters[key]
