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

"""Gradients of one process and of two with the same batch between them; run by its test."""

from __future__ import annotations

from pathlib import Path
import sys

import cv2
from safetensors.torch import save_file
import torch

from xspec_ros.config import load_struct
from xspec_ros.learn.data.batches import BatchSource
from xspec_ros.learn.train.assemble import assemble, open_teacher
from xspec_ros.learn.train.processes import companions, process_number
from xspec_ros.learn.train.recipe import Recipe
from xspec_ros.learn.train.run import batch_args, launch_fabric, open_sources

STEPS = 2


def measure(recipes, folder):
    """Write for each recipe what ``learn`` finds."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    fabric = launch_fabric(recipes[0].train)
    for recipe in recipes:
        name = f'{recipe.name}_{recipe.train.processes}_{process_number()}.safetensors'
        save_file(learn(fabric, recipe), folder / name)


def learn(fabric, recipe):
    """Return losses, gradients and the method's state after each of a few steps."""
    torch.manual_seed(recipe.seed)
    method = assemble(recipe, open_teacher(recipe, {}))
    optimizer = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], lr=1e-2)
    wrapped, optimizer = fabric.setup(method, optimizer)
    wrapped.mark_forward_method('training_step')
    wrapped.eval()  # norms by their running statistics: a batch of half the size is no other
    sources = [(p, 1.0) for p in open_sources(recipe, recipe.data)]
    source = BatchSource(sources, batch_args(recipe, rank=fabric.global_rank))
    found = {}
    for step in range(STEPS):
        out = wrapped.training_step(source.batch(step), step)
        fabric.backward(out.loss)
        for name, parameter in method.named_parameters():
            if parameter.grad is not None:
                found[f'{step} gradient {name}'] = parameter.grad
        found |= {f'{step} loss {name}': term for name, term in out.terms.items()}
        optimizer.step()
        optimizer.zero_grad()
        method.after_step(step)
        found |= {f'{step} state {n}': t.clone() for n, t in method.state_dict().items()}
    return {name: tensor.detach().clone().contiguous() for name, tensor in found.items()}


if __name__ == '__main__':
    place = Path(sys.argv[1])
    for pattern in ('one_*.yaml', 'two_*.yaml'):
        recipes = [load_struct(path, Recipe) for path in sorted(place.glob(pattern))]
        with companions(recipes[0].train.processes, measure, recipes, place):
            measure(recipes, place)
