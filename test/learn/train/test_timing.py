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

"""How long a step takes."""

from __future__ import annotations

from xspec_ros.learn.data.sources import open_source
from xspec_ros.learn.train.run import source_context
from xspec_ros.learn.train.timing import time_step


def test_some_steps_are_done_and_leave_nothing_behind(toy_recipe, tmp_path):
    recipe = toy_recipe()
    pictures = open_source(recipe.data[0], source_context(recipe))
    before = sorted(path for path in tmp_path.rglob('*') if path.is_file())
    assert 0.0 < time_step(recipe, pictures, count=1) < 60.0
    assert sorted(path for path in tmp_path.rglob('*') if path.is_file()) == before
