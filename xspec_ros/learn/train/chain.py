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

"""Stages of one recipe, one after the other: a run folder each, resumed where it stopped."""

from __future__ import annotations

from dataclasses import replace
import logging
import re
from typing import TYPE_CHECKING

import msgspec

from xspec_ros.config import convert
from xspec_ros.errors import ConfigError
from xspec_ros.learn.train.checkpoint import CHAIN_NAME, ChainInfo, find_checkpoint, read_info
from xspec_ros.learn.train.recipe import check_recipe, Recipe
from xspec_ros.learn.train.run import finish_report, run_recipe, RunOptions, TrainReport

if TYPE_CHECKING:
    from pathlib import Path

LOG = logging.getLogger(__name__)
MERGED = frozenset({'crop', 'input', 'photo', 'train'})
_NAME = re.compile(r'^[a-z0-9][a-z0-9_-]{0,39}$')


def stage_recipes(recipe: Recipe, where: str | Path) -> list[Recipe]:
    """Return one whole recipe a stage; a recipe without stages is its own.

    Args:
        recipe: The recipe.
        where: Its file, for messages.

    Raises:
        ConfigError: A stage has no usable name, or makes no sense.
    """
    if not recipe.stages:
        check_recipe(recipe, where)
        return [recipe]
    common = msgspec.to_builtins(recipe)
    del common['stages']
    found: list[Recipe] = []
    for number, stage in enumerate(recipe.stages):
        place = f'stages.{number} of {where}'
        name = stage.get('name')
        if not isinstance(name, str) or not _NAME.match(name):
            message = f'the name of {place} is {name!r}'
            raise ConfigError(message, hint='small letters, digits, - and _')
        if name in {one.name for one in found}:
            message = f'two stages of {where} are named {name}'
            raise ConfigError(message, hint='give each its own name')
        if 'stages' in stage:
            message = f'stages within {place}'
            raise ConfigError(message, hint='list all stages at the top')
        merged = convert(_merge(common, stage), Recipe, place)
        check_recipe(merged, place)
        found.append(merged)
    return found


def run_stages(recipe: Recipe, options: RunOptions, where: str | Path) -> TrainReport:
    """Train every stage of a recipe, each in a folder of its name below the run folder.

    Args:
        recipe: The recipe.
        options: Where to, from what; initial weights are for the first stage.
        where: The recipe's file, for messages.

    Returns:
        What came of the last stage that ran.

    Raises:
        ConfigError: The recipe makes no sense, or differs from the run that is resumed.
        DataError: Data cannot be read, or the loss is not finite.
    """
    recipes = stage_recipes(recipe, where)
    if not recipe.stages:
        return run_recipe(recipes[0], options)
    _write_chain(options.out, [stage.name for stage in recipes], resume=options.resume)
    places: dict[str, Path] = {}
    for number, stage in enumerate(recipes):
        LOG.info('stage %s (%d of %d)', stage.name, number + 1, len(recipes))
        own = replace(options, out=options.out / stage.name, stages=dict(places))
        report = _run_stage(
            stage, own if number == 0 else replace(own, init=None, from_model=None)
        )
        if not report.finished or number + 1 == len(recipes):
            return report
        places[stage.name] = own.out
    message = f'no stages in {where}'
    raise ConfigError(message, hint='leave out stages, or name at least one')


def _run_stage(stage: Recipe, options: RunOptions) -> TrainReport:
    """Run a stage from where it is: not begun, half-way or done."""
    last = find_checkpoint(options.out / 'last')
    if last is not None and read_info(last).step >= stage.train.steps:
        LOG.info('stage %s is done already', stage.name)
        return finish_report(options.out)
    return run_recipe(stage, replace(options, resume=last is not None))


def _merge(common: dict[str, object], stage: dict[str, object]) -> dict[str, object]:
    merged = dict(common)
    for key, value in stage.items():
        before = common.get(key)
        if key in MERGED and isinstance(value, dict) and isinstance(before, dict):
            merged[key] = before | value
        else:
            merged[key] = value
    return merged


def _write_chain(out: Path, names: list[str], *, resume: bool) -> None:
    chain = out / CHAIN_NAME
    if chain.exists() and not resume:
        message = f'{out} holds a run already'
        raise ConfigError(message, hint='give --resume to continue it, or another --out')
    out.mkdir(parents=True, exist_ok=True)
    chain.write_bytes(msgspec.json.encode(ChainInfo(stages=tuple(names))))
