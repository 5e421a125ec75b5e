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

"""How long a step of a recipe takes on this machine."""

from __future__ import annotations

import time
from typing import cast, TYPE_CHECKING

from xspec_ros.learn.data.batches import BatchSource
from xspec_ros.learn.train.assemble import assemble, begin, open_start, open_teacher
from xspec_ros.learn.train.run import batch_args, launch_fabric
from xspec_ros.learn.train.schedules import build_optimizer

if TYPE_CHECKING:
    from torch import nn

    from xspec_ros.learn.data.picture import PictureSet
    from xspec_ros.learn.methods.method import Method
    from xspec_ros.learn.train.recipe import Recipe


def time_step(recipe: Recipe, pictures: PictureSet, *, count: int = 2) -> float:
    """Do a few steps of a recipe, throw them away, and return how long one takes.

    Args:
        recipe: Not of several stages.
        pictures: Like those it is trained on.
        count: Steps beyond the first, which is slower.

    Returns:
        Seconds.

    Raises:
        ConfigError: The recipe makes no sense.
        DataError: Its teacher or start cannot be read.
    """
    fabric = launch_fabric(recipe.train)
    built = assemble(recipe, open_teacher(recipe, {}))
    start = open_start(recipe, {})
    if start is not None:
        begin(built, recipe, start)
    module = cast('nn.Module', built)
    wrapped, optimizer = fabric.setup(module, build_optimizer(module, recipe.train))
    wrapped.mark_forward_method('training_step')
    method = cast('Method', wrapped)
    source = BatchSource([(pictures, 1.0)], batch_args(recipe))
    method.train()
    began = time.monotonic()
    for number in range(count + 1):
        if number == 1:
            began = time.monotonic()
        batch = source.batch(number)
        with fabric.autocast():
            output = method.training_step(batch.to(fabric.device), number)
        fabric.backward(output.loss)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        method.after_step(number)
        output.loss.item()  # waits for a GPU
    return (time.monotonic() - began) / count
