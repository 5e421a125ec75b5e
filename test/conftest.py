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

"""Fixtures that several folders use."""

from __future__ import annotations

import os

from filelock import FileLock
from hypothesis import settings
import pytest

# Test processes run side by side: threads within each only wait for one another.
for _library in ('OMP', 'MKL', 'OPENBLAS'):
    os.environ.setdefault(f'{_library}_NUM_THREADS', '1')

# Property tests draw the same examples in every run.
settings.register_profile('fixed', derandomize=True)
settings.load_profile('fixed')


@pytest.fixture(scope='session')
def once(tmp_path_factory):
    """Return a function that lets one of the test processes make a folder for all of them."""
    base = tmp_path_factory.getbasetemp()
    home = base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base

    def shared(name, make):
        folder = home / name
        with FileLock(home / f'{name}.lock', timeout=600):
            if not folder.exists():
                make(home / f'{name}.part').rename(folder)
        return folder

    return shared


@pytest.fixture(scope='session')
def tiny_bundle(once):
    """Folder of a small valid bundle with random weights."""
    pytest.importorskip('torch')
    import torch

    from xspec_ros.learn.export import export_untrained

    torch.set_num_threads(1)
    return once('tiny', lambda folder: export_untrained(folder).path)


@pytest.fixture(scope='session')
def fused_bundle(once):
    """Folder of a small valid bundle with a graph for each mode, weights random."""
    pytest.importorskip('torch')
    import torch

    from xspec_ros.learn.export import export_untrained

    torch.set_num_threads(1)
    options = {'name': 'fusion', 'network_hw': (64, 96)}
    return once('fused', lambda folder: export_untrained(folder, **options).path)


@pytest.fixture(scope='session')
def drive_pairs(tmp_path_factory):
    """Folder of a small labelled data set: registered pairs of a synthetic drive by day."""
    from xspec_ros.core.labels import DEFAULT_CLASSES
    from xspec_ros.datasets import Sample, write_dataset
    from xspec_ros.synth import drive, DriveSettings

    made = DriveSettings(
        frames=26, seed=5, size_wh=(128, 96), rate_hz=1.5, shutter_every_s=0.0, fov_deg=60.0
    )
    root = tmp_path_factory.mktemp('data') / 'pairs'
    samples = (
        Sample(
            name=f'{frame.index:03d}',
            rgb=frame.rgb,
            thermal=frame.thermal,
            label_map=frame.label_map,
        )
        for frame in drive(made)
    )
    write_dataset(samples, root, DEFAULT_CLASSES)
    return root
