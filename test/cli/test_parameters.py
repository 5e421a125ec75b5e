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

"""Options become checked parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from xspec_ros.cli.parameters import parse_size_hw, read_settings
from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_options_win_over_the_file_and_set_wins_over_both(tmp_path: Path) -> None:
    config = tmp_path / 'robot.yaml'
    config.write_text('slop_ms: 20\nmodel: mine\nthermal: {topic: /boson}\n')
    settings = read_settings(
        {'model': 'other', 'rgb.topic': None}, config=config, overrides=['slop_ms=30']
    )
    assert (settings.model, settings.slop_ms, settings.thermal.topic) == ('other', 30, '/boson')
    assert settings.rgb.topic == '/rgb/image_raw'


def test_a_path_with_odd_characters_stays_a_path() -> None:
    assert read_settings({'model': 'my: model #1'}).model == 'my: model #1'


def test_a_typo_names_the_nearest_parameter() -> None:
    with pytest.raises(ConfigError, match='slop_ms'):
        read_settings({}, overrides=['slop_mss=3'])


def test_a_size_is_width_by_height() -> None:
    assert parse_size_hw('640x480') == (480, 640)


@pytest.mark.parametrize('text', ['640', '640*480', '16x480', '9000x480', 'x'])
def test_other_sizes_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match='size'):
        parse_size_hw(text)
