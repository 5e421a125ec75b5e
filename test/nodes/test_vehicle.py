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

"""Vehicle files: camera pairs are planned, mistakes named before a node runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from xspec_ros.errors import ConfigError
from xspec_ros.nodes.vehicle import flatten, plan_vehicle

CAMERAS = Path(__file__).parent.parent.parent / 'config' / 'cameras'


def plan(tmp_path, text):
    file = tmp_path / 'vehicle.yaml'
    file.write_text(text, encoding='utf-8')
    return plan_vehicle(file, CAMERAS)


def test_the_shipped_example_makes_two_pairs():
    pairs = plan_vehicle(CAMERAS.parent / 'vehicle.yaml', CAMERAS)
    assert [pair.namespace for pair in pairs] == ['front', 'rear']
    assert [pair.nodes for pair in pairs] == [('perception', 'overlay'), ('perception',)]
    assert all(file.is_file() for pair in pairs for file in pair.files)


def test_own_parameters_go_over_common_ones_and_files(tmp_path):
    (tmp_path / 'own.yaml').touch()
    text = """
parameters: {threads: 2, slop_ms: 30}
pairs:
  front:
    thermal_camera: lepton
    params: [own.yaml]
    parameters: {slop_ms: 60, thermal: {stamp_offset_ms: -30}}
"""
    (pair,) = plan(tmp_path, text)
    assert pair.parameters == {'threads': 2, 'slop_ms': 60, 'thermal.stamp_offset_ms': -30}
    assert [file.name for file in pair.files] == ['lepton.yaml', 'any.yaml', 'own.yaml']


def test_what_is_left_empty_is_not_set(tmp_path):
    (pair,) = plan(tmp_path, 'pairs: {front: {parameters: {score_threshold: null}}}')
    assert pair.parameters == {}


def test_nested_parameters_get_dotted_names():
    assert flatten({'a': {'b': {'c': 1}, 'd': [2.0]}, 'e': 3}) == {
        'a.b.c': 1,
        'a.d': [2.0],
        'e': 3,
    }


@pytest.mark.parametrize(
    ('text', 'said'),
    [
        ('pairs: {}', 'has no pairs'),
        ('pair: {front: {}}', 'did you mean pairs'),
        ('pairs: {front: {camera: lepton}}', 'unknown key pairs.front.camera'),
        ('pairs: {front: {thermal_camera: bosn}}', 'did you mean flir_boson'),
        ('pairs: {front: {rgb_camera: lepton}}', 'unknown rgb camera'),
        ('pairs: {front: {params: [missing.yaml]}}', 'no parameter file .*missing.yaml'),
        ('pairs: {front: {parameters: {sloop_ms: 3}}}', 'did you mean slop_ms'),
        ('pairs: {front: {parameters: {slop_ms: -3}}}', 'slop_ms'),
        ('parameters: {threads: many}\npairs: {front: {}}', 'threads'),
        ('pairs: {front-left: {}}', 'is no namespace'),
        ('pairs: {front: {}, front: {}}', 'duplicate key'),
    ],
)
def test_a_mistake_is_named(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said):
        plan(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'nowhere\.yaml'):
        plan_vehicle(tmp_path / 'nowhere.yaml', CAMERAS)
