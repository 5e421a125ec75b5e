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

"""A tiny made-up data set folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from xspec_ros.datasets.images import write_jpeg, write_png

if TYPE_CHECKING:
    from pathlib import Path

CATEGORIES = ['person', 'bike', 'car', 'other_vehicle', 'dont_care']


class Tree:
    """Builds one part of a data set file by file."""

    def __init__(self, part: Path) -> None:
        self.part = part
        self.rng = np.random.default_rng(0)

    def place(self, folder: str, name: str) -> Path:
        (self.part / folder).mkdir(parents=True, exist_ok=True)
        return self.part / folder / name

    def pair(self, name: str, *, size_hw=(6, 8), dtype=np.uint8) -> np.ndarray:
        thermal = self.rng.integers(0, 250, size_hw).astype(dtype)
        write_png(self.place('thermal', f'{name}.png'), thermal)
        rgb = self.rng.integers(0, 255, (*size_hw, 3), np.uint8)
        write_jpeg(self.place('rgb', f'{name}.jpg'), rgb)
        return thermal

    def mask(self, name: str, ids) -> None:
        write_png(self.place('masks', f'{name}.png'), np.array(ids, np.uint8))

    def text(self, name: str, content: str, *, parent=False) -> None:
        folder = self.part.parent if parent else self.part
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding='utf-8')

    def boxes(self, pictures: dict, *, which='thermal', size_wh=(8, 6)) -> None:
        """Write rows of (left, top, width, height, category, crowd) for every picture."""
        images, annotations = [], []
        for image_id, (name, rows) in enumerate(pictures.items(), 1):
            images.append(
                {'id': image_id, 'file_name': name, 'width': size_wh[0], 'height': size_wh[1]}
            )
            annotations += [
                {
                    'id': len(annotations) + index,
                    'image_id': image_id,
                    'category_id': CATEGORIES.index(row[4]) + 1,
                    'bbox': row[:4],
                    'iscrowd': row[5] if len(row) > 5 else 0,
                }
                for index, row in enumerate(rows)
            ]
        content = {
            'images': images,
            'annotations': annotations,
            'categories': [{'id': n, 'name': name} for n, name in enumerate(CATEGORIES, 1)],
        }
        self.text(f'boxes_{which}.json', json.dumps(content))


@pytest.fixture
def tree(tmp_path) -> Tree:
    """An empty part named pool below a set folder."""
    return Tree(tmp_path / 'set' / 'pool')
