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

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from xspec_ros.bag.pack import pack
from xspec_ros.bag.writer import BagWriter
from xspec_ros.core.truth import Boxes
from xspec_ros.datasets import Sample

SIZE = (48, 64)


@pytest.fixture
def run():
    """Return a function that calls a verb: its exit code, and its JSON or output."""
    import typer

    from xspec_ros.cli import adapt, bag, demo, register, replay, synth

    app = typer.Typer(rich_markup_mode=None)
    app.add_typer(bag.app, name='bag')
    app.command('synth')(synth.command)
    app.command('replay')(replay.command)
    app.command('demo')(demo.command)
    app.command('register')(register.command)
    app.command('adapt')(adapt.command)

    def call(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return done.exit_code, json.loads(done.stdout) if '--json' in arguments else done.output

    return call


@pytest.fixture
def drive(tmp_path):
    """Return the path of a drive of four frames with truth."""
    rng = np.random.default_rng(0)
    path = tmp_path / 'drive.mcap'
    made = (
        Sample(
            name=str(index),
            rgb=rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8),
            thermal=rng.integers(0, 256, SIZE).astype(np.uint8),
            label_map=np.full(SIZE, index, np.uint8),
            boxes_thermal=Boxes.of([[1, 2, 30, 40]], [0]),
        )
        for index in range(4)
    )
    with BagWriter(path) as writer:
        pack(made, writer)
    return path
