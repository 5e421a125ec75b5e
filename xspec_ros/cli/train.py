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

"""``xspec train``: a recipe in, a checkpoint out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.output import DebugOption, EXIT_PARTIAL, JsonOption, Outcome, run_verb

if TYPE_CHECKING:
    from xspec_ros.core.rig import Rig
    from xspec_ros.learn.train.recipe import Recipe
    from xspec_ros.learn.train.run import RunOptions


def command(
    recipe: Annotated[
        Path, typer.Argument(help='Recipe file (YAML), or the name of a shipped one.')
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help='Run folder; runs/NAME of the recipe by default.')
    ] = None,
    from_model: Annotated[
        str | None, typer.Option('--from', help='Start from the weights of a bundle.')
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help='Start from the weights of a safetensors file.')
    ] = None,
    rig: Annotated[
        Path | None,
        typer.Option(help='Rig file (xspec register) of pairs whose source names none.'),
    ] = None,
    resume: Annotated[
        bool, typer.Option('--resume', help='Continue the run in the run folder.')
    ] = False,
    check: Annotated[
        bool, typer.Option('--check', help='Read all data, report, train nothing.')
    ] = False,
    settings: Annotated[
        list[str] | None, typer.Option('--set', help='Change the recipe: key=value.')
    ] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Train a network from a recipe.

    Checkpoints go to RUN/best and RUN/last, curves for TensorBoard to RUN/events. Ctrl-C saves
    RUN/last; --resume continues exactly there.

    \b
    Examples:
      xspec train tiny_synth
      xspec train default --set data_root=data --out runs/mine
      xspec train default --out runs/mine --resume
      xspec train my_recipe.yaml --check --json
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        from xspec_ros.config import load_struct
        from xspec_ros.core.rig import load_rig
        from xspec_ros.learn.train.recipe import Recipe
        from xspec_ros.learn.train.run import RunOptions
        from xspec_ros.share import find_recipe

        file = find_recipe(recipe)
        resolved = load_struct(file, Recipe, overrides=settings or ())
        how = None if rig is None else load_rig(rig)
        if check:
            return _check(resolved, file, how)
        folder = out or Path('runs') / resolved.name
        _check_initial(from_model, init)
        options = RunOptions(out=folder, from_model=from_model, init=init, resume=resume, rig=how)
        return _train(resolved, options, file)

    run_verb(work, json_output=json_output, debug=debug)


def _train(recipe: Recipe, options: RunOptions, file: Path) -> Outcome:
    from xspec_ros.errors import XspecError
    from xspec_ros.learn.train.chain import run_stages

    report = run_stages(recipe, options, file)
    data: dict[str, object] = {
        'steps': report.steps,
        'best': report.best,
        'best_step': report.best_step,
        'metrics': report.metrics,
        'checkpoint': str(report.checkpoint),
    }
    text = f'{report.steps} steps; best {_number(report.best)}; checkpoint {report.checkpoint}'
    if report.finished:
        return Outcome(data=data, text=text)
    stopped = XspecError('stopped by Ctrl-C', hint='continue with --resume')
    return Outcome(data=data, text=text, error=stopped, exit_code=EXIT_PARTIAL)


def _check(recipe: Recipe, file: Path, rig: Rig | None) -> Outcome:
    from dataclasses import asdict

    from xspec_ros.errors import DataError
    from xspec_ros.learn.data.check import check_source
    from xspec_ros.learn.train.chain import stage_recipes
    from xspec_ros.learn.train.run import source_context

    stages = stage_recipes(recipe, file)
    context = source_context(recipe, rig)
    uses, sources = [], []
    for stage in stages:
        of = f' of {stage.name}' if recipe.stages else ''
        night = [] if stage.night is None else [stage.night.source]
        for use, some in (
            ('train', stage.data),
            ('night', night),
            ('validation', stage.validation),
        ):
            sources += list(some)
            uses += [use + of] * len(some)
    found = [check_source(source, context) for source in sources]
    lines = [
        f'{use} {one.name} {one.folds}: {one.pictures} pictures, {one.masks} with masks, '
        f'{one.boxes} with boxes, {len(one.problems)} problems'
        for one, use in zip(found, uses, strict=True)
    ]
    problems = [problem for one in found for problem in one.problems]
    data: dict[str, object] = {
        'steps': 0,
        'best': None,
        'metrics': {},
        'checkpoint': None,
        'data': [{'use': use, **asdict(one)} for one, use in zip(found, uses, strict=True)],
        'problems': problems,
    }
    text = '\n'.join([*lines, *problems])
    if not problems:
        return Outcome(data=data, text=text)
    error = DataError(f'{len(problems)} problems in the data', hint='correct the files named')
    return Outcome(data=data, text=text, error=error, exit_code=EXIT_PARTIAL)


def _check_initial(from_model: str | None, init: Path | None) -> None:
    if from_model is None or init is None:
        return
    from xspec_ros.errors import ConfigError

    message = '--from and --init both name initial weights'
    raise ConfigError(message, hint='give one of them')


def _number(value: float | None) -> str:
    return 'not measured' if value is None else f'{value:.3f}'
