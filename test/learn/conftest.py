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

"""Small real inputs for the trainer's tests."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

torch = pytest.importorskip('torch')


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def write_toy_dataset(root, *, count=4, size_hw=(96, 128), seed=0):
    """Write pictures of one warm rectangle each: a car or a person, with mask and box."""
    rng = np.random.default_rng(seed)
    pool = root / 'pool'
    for folder in ('thermal', 'masks'):
        (pool / folder).mkdir(parents=True)
    height, width = size_hw
    images, annotations, rows = [], [], ['name,day_or_night,fold']
    for index in range(count):
        name = f'picture_{index:02d}'
        thermal = rng.normal(60, 6, size_hw)
        mask = np.zeros(size_hw, np.uint8)
        is_car = index % 2
        h, w = (24, 40) if is_car else (40, 16)
        top, left = int(rng.integers(4, height - h - 4)), int(rng.integers(4, width - w - 4))
        thermal[top : top + h, left : left + w] += 90
        mask[top : top + h, left : left + w] = 2 if is_car else 1
        cv2.imwrite(str(pool / 'thermal' / f'{name}.png'), thermal.clip(0, 255).astype(np.uint8))
        cv2.imwrite(str(pool / 'masks' / f'{name}.png'), mask)
        file_name = f'{name}.png'
        images.append({'id': index, 'file_name': file_name, 'width': width, 'height': height})
        annotations.append(
            {
                'id': index + 1,
                'image_id': index,
                'category_id': 3 if is_car else 1,
                'bbox': [left, top, w, h],
                'area': w * h,
                'iscrowd': 0,
            }
        )
        rows.append(f'{name},{"night" if index < 2 else "day"},{"train" if index < 3 else "val"}')
    names = ('person', 'bicycle', 'car')
    categories = [{'id': number, 'name': name} for number, name in enumerate(names, 1)]
    boxes = {'images': images, 'annotations': annotations, 'categories': categories}
    (pool / 'boxes_thermal.json').write_text(json.dumps(boxes))
    (root / 'classes.txt').write_text('unlabelled\nperson\ncar\n')
    (root / 'split.csv').write_text('\n'.join(rows) + '\n')
    return root


@pytest.fixture
def shallow_encoders(monkeypatch):
    """Give encoders of the library a block a stage, and two in one whose windows shift."""
    from xspec_ros.learn.models.encoders import LIBRARY

    for name, (family, settings) in LIBRARY.items():
        depths = [1, 2, 1, 1] if family == 'swin' else [1, 1, 1, 1]
        monkeypatch.setitem(LIBRARY, name, (family, {**settings, 'depths': depths}))


@pytest.fixture
def toy_dataset(tmp_path):
    return write_toy_dataset(tmp_path / 'data' / 'toy')


@pytest.fixture
def toy_recipe(toy_dataset):
    """Return a function that builds a recipe of seconds, with overrides."""
    return _recipes_of(toy_dataset)


@pytest.fixture(scope='session')
def new_toy_recipe():
    """Return a function that writes a toy data set into a folder and does as ``toy_recipe``."""
    return lambda folder: _recipes_of(write_toy_dataset(folder / 'data' / 'toy'))


@pytest.fixture(scope='session')
def rgb_run(tmp_path_factory, new_toy_recipe):
    """Return the folder of a run that has trained an RGB network, a teacher for thermal ones."""
    from xspec_ros.learn.train.run import run_recipe, RunOptions

    folder = tmp_path_factory.mktemp('rgb_run')
    source = 'data=[{synth: {count: 2, seed: 7, size: [128, 96]}, modality: rgb}]'
    recipe = new_toy_recipe(folder)('input.modality=rgb', source, 'train.steps=1')
    run_recipe(recipe, RunOptions(out=folder / 'run'))
    return folder / 'run'


def _recipes_of(toy_dataset):
    from xspec_ros.config import parse_struct
    from xspec_ros.learn.train.recipe import Recipe

    text = f"""
    name: toy
    data_root: {toy_dataset.parent}
    cache: {toy_dataset.parent / 'cache'}
    data:
      - {{dataset: toy, other: complement}}
    network: {{arguments: {{width: 0.25}}}}
    input: {{network_hw: [96, 128]}}
    crop: {{scale: [0.8, 1.25]}}
    train:
      steps: 6
      batch_size: 2
      crop_hw: [64, 96]
      precision: 32-true
      device: cpu
      warmup: 2
      log_every: 2
      eval_every: 100
      save_every: 100
    """
    return lambda *overrides: parse_struct(text, Recipe, 'toy', overrides=overrides)


@pytest.fixture
def picture():
    """Return one labelled picture, 60 rows by 80 columns, a box and an unlabelled border."""
    from xspec_ros.learn.data.picture import Picture

    thermal = np.tile(np.arange(80, dtype=np.uint16) * 10 + 1000, (60, 1))
    label_map = np.zeros((60, 80), np.uint8)
    label_map[20:40, 30:50] = 8
    label_map[0, :] = 255
    return Picture(
        name='ramp',
        thermal=thermal,
        rgb=None,
        label_map=label_map,
        mask_classes=np.ones(11, bool),
        boxes_xyxy=np.array([[30, 20, 50, 40]], np.float32),
        box_classes=np.array([0], np.int64),
        box_crowd=np.zeros(1, bool),
        has_boxes=True,
        day=True,
    )
