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

"""Small drives and known networks for the tests of adaptation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xspec_ros.bag.pack import START_NS

SIZE_HW = (48, 64)


@pytest.fixture(scope='session')
def scene():
    """Return a function that makes a thermal picture of smooth blobs, another for each number."""

    def make(number, size_hw=SIZE_HW, *, bits=16):
        rng = np.random.default_rng(number)
        field = cv2.GaussianBlur(rng.standard_normal(size_hw), (0, 0), size_hw[1] / 16)
        field = (field - field.min()) / np.ptp(field)
        noisy = field + rng.normal(0, 0.01, size_hw)
        counts = 7000 + 2000 * noisy if bits == 16 else 20 + 200 * noisy
        return counts.astype(np.uint16 if bits == 16 else np.uint8)

    return make


@pytest.fixture(scope='session')
def write_drive():
    """Return a function that writes thermal pictures (and RGB) as a bag of 10 Hz."""
    from xspec_ros.bag.pack import DriveWriter, Moment
    from xspec_ros.bag.writer import BagWriter

    def write(path, thermal, rgb=None, *, rate_hz=10.0):
        with BagWriter(path) as bag:
            drive = DriveWriter(bag)
            for index, image in enumerate(thermal):
                stamp_ns = START_NS + round(index * 1e9 / rate_hz)
                moment = Moment(
                    log_ns=stamp_ns,
                    rgb_stamp_ns=stamp_ns,
                    thermal_stamp_ns=stamp_ns,
                    rgb=None if rgb is None else rgb[index],
                    thermal=image,
                )
                drive.write(moment)
        return path

    return write


@pytest.fixture(scope='session')
def show():
    """Show no progress."""
    import contextlib

    return lambda text, total: contextlib.nullcontext(lambda: None)


@pytest.fixture(scope='session')
def settings():
    """Return a function that gives settings with changes."""
    from xspec_ros.learn.adapt.settings import settings_with

    return lambda **changes: settings_with([f'{key}={value}' for key, value in changes.items()])


@pytest.fixture
def network():
    """Return a function that makes a network from functions of the picture."""
    torch = pytest.importorskip('torch')
    from xspec_ros.learn.models.student import DetLevel, StudentOutput

    class Known(torch.nn.Module):
        """Labels by ``classes`` of the first channel at stride 4, one box by ``boxes`` at 8."""

        def __init__(self, classes, boxes):
            super().__init__()
            self.classes, self.boxes = classes, boxes

        def forward(self, x):
            height, width = x.shape[-2:]
            small = torch.nn.functional.avg_pool2d(x[:, :1], 4)[0, 0]
            logits = torch.nn.functional.one_hot(self.classes(small), 3).float()
            seg = 10.0 * logits.permute(2, 0, 1)[None]
            rows, columns = height // 8, width // 8
            obj = torch.full((1, 1, rows, columns), -9.0)
            cls = torch.full((1, 2, rows, columns), -9.0)
            if self.boxes is not None:
                row, column, kind = self.boxes(torch.nn.functional.avg_pool2d(x[:, :1], 8)[0, 0])
                obj[0, 0, row, column] = 9.0
                cls[0, kind, row, column] = 9.0
            box = torch.zeros((1, 4, rows, columns))
            level = DetLevel(stride=8, cls=cls, box=box, obj=obj)
            return StudentOutput(seg_logits=seg, det=[level])

    return lambda classes, boxes=None: Known(classes, boxes).eval()


@pytest.fixture
def rgb_run(tiny_bundle, tmp_path_factory):
    """Return a function that writes a run folder of an RGB network with these classes."""
    from xspec_ros.bundle.store import open_bundle
    from xspec_ros.learn.models import build_network
    from xspec_ros.learn.train.checkpoint import CheckpointInfo, save_checkpoint
    from xspec_ros.learn.train.recipe import NetworkSpec

    def write(classes, data=()):
        arguments = {'num_classes': len(classes), 'num_detection_classes': 3, 'width': 0.25}
        spec = NetworkSpec(name='student', arguments=arguments | {'in_channels': 3})
        info = CheckpointInfo(
            network=spec,
            classes=classes,
            detection_classes=open_bundle(tiny_bundle).manifest.detection_classes,
            recipe={'input': {'modality': 'rgb', 'network_hw': [64, 96]}},
            step=1,
            metrics={},
            data=list(data),
        )
        weights = build_network(spec.name, spec.arguments).state_dict()
        run = tmp_path_factory.mktemp('rgb') / 'run'
        save_checkpoint(run / 'last', weights, info)
        return str(run)

    return write
