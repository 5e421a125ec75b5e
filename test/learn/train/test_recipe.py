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

from __future__ import annotations

from pathlib import Path

import pytest

from xspec_ros.config import dump_yaml, load_struct, parse_struct
from xspec_ros.errors import ConfigError
from xspec_ros.learn.train.chain import stage_recipes
from xspec_ros.learn.train.recipe import check_recipe, Recipe

RECIPES = sorted((Path(__file__).parents[3] / 'config' / 'recipes').glob('*.yaml'))
TEXT = 'name: x\ndata:\n  - {dataset: a}\n'


def parse(*overrides):
    return parse_struct(TEXT, Recipe, 'x.yaml', overrides=overrides)


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.name)
def test_shipped_recipes_make_sense(path):
    for stage in stage_recipes(load_struct(path, Recipe), path):
        sources = [*stage.data, *([stage.night.source] if stage.night else [])]
        assert sources
        assert all('val' not in source.folds for source in sources)
        assert all(source.part != 'val' for source in sources)


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.name)
def test_a_resolved_recipe_reads_back(path):
    recipe = load_struct(path, Recipe)
    assert parse_struct(dump_yaml(recipe), Recipe, 'again') == recipe


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(ConfigError, match='batch_size'):
        parse('train.batchsize=4')


@pytest.mark.parametrize(
    'override',
    [
        'train.crop_hw=[100, 320]',
        'input.network_hw=[0, 640]',
        'crop.scale=[1.5, 0.5]',
        'crop.scale=[0, 1]',
        'data=[]',
        'input.low_percentile=99.5',
        'classes=[{name: a}, {name: a}]',
        'teacher={model: a, box_score: 0.4, box_ignore: 0.5}',
    ],
)
def test_nonsense_is_refused(override):
    with pytest.raises(ConfigError):
        check_recipe(parse(override), 'x.yaml')


@pytest.mark.parametrize('override', ['train.steps=0', 'train.lr=-1', 'train.precision=fp16'])
def test_values_out_of_range_are_refused(override):
    with pytest.raises(ConfigError, match=override.partition('=')[0]):
        parse(override)


def test_the_network_gets_its_class_counts():
    recipe = parse('input.modality=rgb', 'network.arguments.width=0.5')
    assert recipe.network_arguments() == {
        'num_classes': 11,
        'num_detection_classes': 3,
        'in_channels': 3,
        'width': 0.5,
    }
