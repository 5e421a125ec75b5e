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

"""``xspec play`` from a user's point of view."""

import json
import os

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

pytest.importorskip('cyclonedds')

from xspec_ros.bag.writer import BagWriter
from xspec_ros.cli import play as verb
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE, THERMAL

LOOPBACK = (
    '<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>'
    '</General></Domain></CycloneDDS>'
)
DOMAIN = 1 + (os.getpid() + 50) % 100


@pytest.fixture(autouse=True)
def _loopback(monkeypatch):
    monkeypatch.setenv('CYCLONEDDS_URI', LOOPBACK)
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')


@pytest.fixture
def bag(tmp_path):
    path = tmp_path / 'drive.mcap'
    with BagWriter(path) as writer:
        for index in range(5):
            cdr = encode_image(
                np.full((12, 16), index, np.uint8),
                stamp_ns=index,
                frame_id='t',
                encoding='mono8',
            )
            writer.write(THERMAL, IMAGE_TYPE, cdr, 1_000_000_000 + index * 1_000_000)
    return path


def run(*arguments):
    app = typer.Typer()
    app.command()(verb.command)
    return CliRunner().invoke(app, [*map(str, arguments), '--json', '--domain', str(DOMAIN)])


def test_bag_is_played_to_its_end(bag):
    result = run(bag)
    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert data['messages'] == 5
    assert data['seconds'] < 2


def test_torn_bag_is_played_up_to_the_tear(bag):
    bag.write_bytes(bag.read_bytes()[:-40])
    result = run(bag)
    data = json.loads(result.stdout)
    assert result.exit_code == 1
    assert data['messages'] == 5
    assert data['error']['kind'] == 'data'


@pytest.mark.parametrize(
    ('extra', 'said'),
    [
        (['--topic', '/nope'], THERMAL),
        (['--rate', '0'], 'above 0'),
        (['--domain', '500'], '232'),
    ],
)
def test_what_makes_no_sense_is_exit_2_with_a_way_out(bag, extra, said):
    app = typer.Typer()
    app.command()(verb.command)
    result = CliRunner().invoke(app, [str(bag), '--json', *extra])
    error = json.loads(result.stdout)['error']
    assert result.exit_code == 2
    assert said in error['hint']


def test_missing_bag_is_exit_2(tmp_path):
    result = run(tmp_path / 'none.mcap')
    assert result.exit_code == 2
    assert 'none.mcap' in json.loads(result.stdout)['error']['message']
