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

"""Pictures a second of the trainer against a bare PyTorch loop.

python -m benchmarks.train
python -m benchmarks.train --rounds 12 --set train.batch_size=4

Both have the same network, data, batches drawn ahead, loss, precision and optimiser. The bare loop
is forward, backward and step; the trainer adds Fabric, checks, clipping, averaged weights,
schedules and the journal. Steps alternate, and the median of the ratios of rounds is told, so that
other work on the machine meets both alike.
"""

from __future__ import annotations

import argparse
from contextlib import nullcontext
import json
from pathlib import Path
from statistics import median
import sys
import tempfile
import time
from typing import cast, TYPE_CHECKING

import torch

from xspec_ros.config import parse_struct
from xspec_ros.learn.data.batches import BatchSource, prefetch
from xspec_ros.learn.train.assemble import assemble
from xspec_ros.learn.train.ema import WeightAverage
from xspec_ros.learn.train.journal import Journal
from xspec_ros.learn.train.loop import Course, train
from xspec_ros.learn.train.precision import chosen_precision
from xspec_ros.learn.train.recipe import Recipe
from xspec_ros.learn.train.run import batch_args, launch_fabric, open_sources
from xspec_ros.learn.train.schedules import build_optimizer, build_schedules
from xspec_ros.learn.train.state import TrainState
from xspec_ros.learn.train.stop import StopRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspec_ros.learn.batch import Batch
    from xspec_ros.learn.data.picture import PictureSet
    from xspec_ros.learn.methods.method import Method

RECIPE = """
name: throughput
data:
  - {synth: {count: 24, seed: 7, night_share: 0.5, size: [640, 480]}, modality: both}
train: {batch_size: 8, crop_hw: [320, 384], device: cpu}
"""
WARM_UP = 2


def bare_steps(recipe: Recipe, batches: Iterator[Batch]) -> Iterator[None]:
    """Do one step of a bare loop each time that the next is asked for."""
    torch.manual_seed(recipe.seed)
    method = assemble(recipe, None)
    module = cast('torch.nn.Module', method)
    optimizer = build_optimizer(module, recipe.train)
    mixed = chosen_precision(recipe.train) == 'bf16-mixed'
    module.train()
    for step, batch in enumerate(batches):
        with torch.autocast('cpu', torch.bfloat16) if mixed else nullcontext():
            loss = method.training_step(batch, step).loss
        torch.autograd.backward(loss)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        yield


def trainer_steps(recipe: Recipe, batches: Iterator[Batch], folder: Path) -> Iterator[None]:
    """Do one step of the trainer's loop each time that the next is asked for."""
    args = recipe.train
    fabric = launch_fabric(args)
    torch.manual_seed(recipe.seed)
    module = cast('torch.nn.Module', assemble(recipe, None))
    wrapped, optimizer = fabric.setup(module, build_optimizer(module, args))
    wrapped.mark_forward_method('training_step')
    method = cast('Method', wrapped)
    average = WeightAverage(method.student)
    state = TrainState(method=method, optimizer=optimizer, average=average, metrics={})
    journal = Journal(
        folder, steps=args.steps, log_every=args.log_every, pictures_a_step=args.batch_size
    )
    stop = StopRequest()
    stop.ask('signal')  # after each step: the loop goes on where it was
    course = Course(
        args=args,
        schedules=build_schedules(args),
        batches=batches,
        validate=lambda: None,
        save=lambda: None,
        stop=stop,
        folder=folder,
    )
    while state.step < args.steps:
        train(fabric, state, course, journal)
        yield
    journal.close()


def draw(recipe: Recipe, pictures: list[PictureSet], steps: int) -> Iterator[Batch]:
    """Draw batches ahead, as a run does."""
    source = BatchSource([(one, 1.0) for one in pictures], batch_args(recipe))
    return prefetch(source.batch, 0, steps)


def measure(recipe: Recipe, *, rounds: int, steps: int, folder: Path) -> dict[str, float]:
    """Alternate steps of both loops.

    Args:
        recipe: What is trained.
        rounds: Rounds, each giving one ratio.
        steps: Steps of either loop a round.
        folder: For the journal.

    Returns:
        Pictures a second of both, the median ratio of their rounds and its quartiles, and the
        ratio of the processor time of the thread that trains (all of it with ``--threads 1``).
    """
    pictures = open_sources(recipe, recipe.data)
    count = recipe.train.steps
    loops = {
        'bare': bare_steps(recipe, draw(recipe, pictures, count)),
        'trainer': trainer_steps(recipe, draw(recipe, pictures, count), folder),
    }
    for loop in loops.values():
        for _ in range(WARM_UP):
            next(loop)
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    work = dict.fromkeys(loops, 0.0)
    for number in range(rounds):
        spent = dict.fromkeys(loops, 0.0)
        for step in range(steps):
            order = list(loops) if (number + step) % 2 else list(reversed(loops))
            for name in order:
                begin = time.perf_counter(), time.thread_time()
                next(loops[name])
                spent[name] += time.perf_counter() - begin[0]
                work[name] += time.thread_time() - begin[1]
        for name, value in spent.items():
            seconds[name].append(value)
    ratios = sorted(b / t for b, t in zip(seconds['bare'], seconds['trainer'], strict=True))
    seen = recipe.train.batch_size * steps
    return {
        'bare_pictures_per_s': round(seen / median(seconds['bare']), 2),
        'trainer_pictures_per_s': round(seen / median(seconds['trainer']), 2),
        'ratio': round(median(ratios), 4),
        'ratio_low': round(ratios[len(ratios) // 4], 4),
        'ratio_high': round(ratios[-1 - len(ratios) // 4], 4),
        'work_ratio': round(work['bare'] / work['trainer'], 4),
    }


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument('--rounds', type=int, default=9)
    parser.add_argument('--steps', type=int, default=4, help='of either loop a round')
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--set', dest='settings', action='append', default=[], metavar='KEY=VALUE')
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    steps = given.rounds * given.steps + WARM_UP
    with tempfile.TemporaryDirectory() as place:
        overrides = (f'cache={place}', *given.settings, f'train.steps={steps}')
        recipe = parse_struct(RECIPE, Recipe, 'the benchmark', overrides=overrides)
        found = measure(recipe, rounds=given.rounds, steps=given.steps, folder=Path(place))
    sys.stdout.write(json.dumps(found) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
