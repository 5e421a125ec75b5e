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

"""Every training method and its references, seed by seed.

Runs the stages of a recipe as rows, each once for every seed, and measures each by day and by
night. A row is kept under the hash of its configuration and of the rows it builds on: what has
been run is not run again, a run that was stopped goes on where it was.

    python -m benchmarks.uda                                # synthetic drives, 3 seeds
    python -m benchmarks.uda --recipe uda_real --seeds 1 --set data_root=FOLDER
    python -m benchmarks.uda --recipe adapt_synth           # another camera, no source data
    python -m benchmarks.uda --recipe detect_synth          # boxes
    python -m benchmarks.uda --only teacher,mutual_1 --seed 0
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
import hashlib
import json
import logging
from pathlib import Path
import statistics
import sys
import time
from typing import cast, TYPE_CHECKING

import msgspec
import numpy as np
import torch

from benchmarks.boards import BLACK, Board, BOARDS, Column, WITHOUT_LABELS
from xspec_ros.config import load_struct
from xspec_ros.learn.data.views import PictureView
from xspec_ros.learn.models import build_network, graphs
from xspec_ros.learn.models.transfer import take_weights
from xspec_ros.learn.train.chain import stage_recipes
from xspec_ros.learn.train.checkpoint import find_checkpoint, read_info
from xspec_ros.learn.train.networks import open_network
from xspec_ros.learn.train.recipe import Recipe
from xspec_ros.learn.train.run import open_sources, run_recipe, RunOptions
from xspec_ros.learn.train.validate import evaluate
from xspec_ros.share import find_recipe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from xspec_ros.core.result import Mode
    from xspec_ros.learn.data.picture import Picture, PictureSet
    from xspec_ros.learn.train.networks import OpenedNetwork
    from xspec_ros.learn.train.validate import Preparation

REVISION = 3  # raise it when the code changes what a row gives
TIME_NAME = 'seconds.json'
Figures = dict[str, dict[str, object]]  # mode -> figures


class RowResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a row gave.

    Attributes:
        stage: Name of the stage.
        seed: Seed of the run.
        seconds: Time that training took, stops left out.
        steps: Optimiser steps.
        figures: Figures by mode; each has ``all`` and one entry a validation source.
    """

    stage: str
    seed: int
    seconds: float
    steps: int
    figures: dict[str, dict[str, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One row to be run.

    Attributes:
        recipe: Its recipe.
        key: Hash of everything it depends on.
    """

    recipe: Recipe
    key: str


def plan_rows(recipe: Recipe, where: str, seed: int) -> dict[str, Plan]:
    """Return every stage with the hash of what it depends on, earlier stages included."""
    plans: dict[str, Plan] = {}
    for stage in stage_recipes(msgspec.structs.replace(recipe, seed=seed), where):
        values = msgspec.to_builtins(stage)
        for place in ('data_root', 'cache', 'validation'):
            del values[place]
        used = [stage.start, stage.teacher and stage.teacher.model]
        before = [plans[name].key for name in used if name in plans]
        text = json.dumps([REVISION, values, before], sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        plans[stage.name] = Plan(recipe=stage, key=key)
    return plans


def run_row(plan: Plan, folders: Mapping[str, Path], folder: Path) -> RowResult:
    """Train a row, or go on with it, and measure it; a row that is there is only read."""
    kept = result_file(plan, folder)
    if kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=RowResult)
    last, steps = find_checkpoint(folder / 'last'), plan.recipe.train.steps
    times = folder / TIME_NAME
    seconds = msgspec.json.decode(times.read_bytes(), type=float) if times.exists() else 0.0
    if last is None or read_info(last).step < steps:
        start = time.monotonic()
        stages = dict(folders)
        options = RunOptions(out=folder, resume=last is not None, stages=stages)
        unseen = msgspec.structs.replace(plan.recipe, validation=())  # measured below, once
        finished = run_recipe(unseen, options).finished
        seconds += time.monotonic() - start
        times.write_bytes(msgspec.json.encode(seconds))
        if not finished:
            sys.exit('stopped; the same command goes on here')
    result = RowResult(
        stage=plan.recipe.name,
        seed=plan.recipe.seed,
        seconds=round(seconds, 1),
        steps=steps,
        figures=measure(plan.recipe, open_network(str(folder), {})),
    )
    kept.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return result


def result_file(plan: Plan, folder: Path) -> Path:
    """Return where the figures of a row are kept: apart for every choice of validation sets."""
    values = msgspec.to_builtins(plan.recipe)['validation']
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
    return folder / f'row_{digest[:8]}.json'


def measure(recipe: Recipe, opened: OpenedNetwork) -> Figures:
    """Measure a network in every mode it has; an RGB network is also fed thermal pictures."""
    found: Figures = {}
    networks: dict[Mode, nn.Module] = dict.fromkeys(
        graphs(opened.network, opened.modality), opened.network
    )
    if 'thermal' not in networks:
        networks['thermal'] = as_thermal(recipe, opened)
    for mode, network in networks.items():
        preparation = opened.preparation(mode)
        found[mode] = _figures(network, preparation, recipe)
        if mode == 'fused':
            found[BLACK] = _figures(network, preparation, recipe, black_rgb=True)
    return found


def as_thermal(recipe: Recipe, opened: OpenedNetwork) -> nn.Module:
    """Return an RGB network that takes thermal pictures, as if they were grey RGB ones."""
    arguments = recipe.network_arguments() | {'in_channels': 1}
    network = build_network(recipe.network.name, arguments)
    take_weights(network, opened.weights)
    return network.eval()


def _figures(
    network: nn.Module, preparation: Preparation, recipe: Recipe, *, black_rgb: bool = False
) -> dict[str, object]:
    """Return figures over the plain validation sources, and of every source apart."""
    found: dict[str, object] = {}
    for rule in ('ignore', 'complement'):
        sources = [source for source in recipe.validation if source.other == rule]
        if not sources:
            continue
        opened = open_sources(recipe, sources)
        metrics = evaluate(
            network,
            [without_rgb(pictures) for pictures in opened] if black_rgb else opened,
            preparation,
            class_names=[label.name for label in recipe.labels()],
            detection_class_names=recipe.detection_classes,
            background=rule == 'complement',
        )
        apart = cast('dict[str, object]', metrics.pop('sources'))
        if rule == 'ignore':
            found |= {'all': metrics} | apart
        else:
            found |= {f'{title}, background': figures for title, figures in apart.items()}
    return found


def without_rgb(pictures: PictureSet) -> PictureSet:
    """Return the pictures with black in place of RGB."""

    def blacken(_: int, picture: Picture) -> Picture:
        return replace(picture, rgb=None if picture.rgb is None else np.zeros_like(picture.rgb))

    return PictureView(pictures, range(len(pictures)), blacken, {})


def table(results: Mapping[str, Sequence[RowResult]], board: Board) -> str:
    """Return the figures of every row as a Markdown table, mean and deviation over seeds."""
    columns = board.columns or _plain_columns(results)
    titles = ' | '.join(title for title, _, _ in columns)
    lines = [f'| row | {titles} | steps | minutes |', '|---' * (len(columns) + 3) + '|']
    for title, stage, mode in board.rows:
        runs = [run for run in results.get(stage, ()) if mode in run.figures]
        if not runs:
            continue
        cells = [
            _cell([_figure(run, mode, part, path) for run in runs]) for _, part, path in columns
        ]
        minutes = _cell([run.seconds / 60 for run in runs])
        lines.append(f'| {title} | {" | ".join(cells)} | {runs[0].steps} | {minutes} |')
    return '\n'.join(lines)


def _plain_columns(results: Mapping[str, Sequence[RowResult]]) -> Sequence[Column]:
    """Return mIoU of every validation source."""
    figures = next(iter(next(iter(results.values()))[0].figures.values()))
    return [(part, part, ('miou',)) for part in figures]


def gaps(results: Mapping[str, Sequence[RowResult]], board: Board) -> str:
    """Return how much of the way between the board's ends each row goes, in percent.

    A line a row: over everything, then over each validation source.
    """
    if not board.low or not results:
        return ''
    parts = [title for title, _, _ in _plain_columns(results)]
    lines = [f'gap closed (%), {board.low} to {board.high}: {", ".join(parts)}']
    for title, stage, mode in board.rows:
        runs = [run for run in results.get(stage, ()) if mode in run.figures]
        shares = [[_share(results, board, run, (mode, part)) for run in runs] for part in parts]
        if any(share is not None for of_part in shares for share in of_part):
            lines.append(f'{title}: {", ".join(_cell(of_part) for of_part in shares)}')
    return '\n'.join(lines)


def _share(
    results: Mapping[str, Sequence[RowResult]],
    board: Board,
    run: RowResult,
    place: tuple[str, str],
) -> float | None:
    """Return the share of one run in a mode and a validation source."""
    low, high = (
        next(
            (
                _miou(end, 'thermal', place[1])
                for end in results.get(stage, ())
                if end.seed == run.seed
            ),
            None,
        )
        for stage in (board.low, board.high)
    )
    value = _miou(run, *place)
    if low is None or high is None or value is None:
        return None
    return 100 * (value - low) / (high - low)


def _miou(run: RowResult, mode: str, part: str) -> float | None:
    return _figure(run, mode, part, ('miou',))


def _figure(run: RowResult, mode: str, part: str, path: Sequence[str]) -> float | None:
    """Return a figure in percent, or None where there is no such truth."""
    value = run.figures[mode].get(part)
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return 100 * value if isinstance(value, float) else None


def _cell(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return '-'
    spread = f' ± {statistics.stdev(known):.1f}' if len(known) > 1 else ''
    return f'{statistics.mean(known):.1f}{spread}'


def main() -> int:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--recipe', default='uda_synth')
    parser.add_argument('--seeds', type=int, default=3, help='how many seeds, from 0')
    parser.add_argument('--seed', type=int, help='only this seed')
    parser.add_argument('--only', help='stages, with commas; all when left out')
    parser.add_argument('--out', type=Path, default=Path('runs/uda'))
    parser.add_argument('--threads', type=int, default=0, help='of torch; 0 = its own choice')
    parser.add_argument('--set', action='append', default=[], help='key=value of the recipe')
    parser.add_argument('--report', action='store_true', help='print what is there, run nothing')
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    if options.threads:
        torch.set_num_threads(options.threads)
    file = find_recipe(Path(options.recipe))
    recipe = load_struct(file, Recipe, overrides=options.set)
    seeds = range(options.seeds) if options.seed is None else [options.seed]
    wanted = set(options.only.split(',')) if options.only else None
    results: dict[str, list[RowResult]] = {}
    for seed in seeds:
        plans = plan_rows(recipe, str(file), seed)
        folders = {name: options.out / f'{name}_{plan.key}' for name, plan in plans.items()}
        for name, plan in plans.items():
            done = result_file(plan, folders[name]).exists()
            if not done and (options.report or (wanted is not None and name not in wanted)):
                continue
            results.setdefault(name, []).append(run_row(plan, folders, folders[name]))
    board = BOARDS.get(recipe.name, WITHOUT_LABELS)
    sys.stdout.write(f'{table(results, board)}\n\n{gaps(results, board)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
