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

"""What a camera says about its calibration."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.bundle.manifest import Tone
from xspec_ros.messages.camera_info import CameraInfo, encode_camera_info
from xspec_ros.perception.calibration import calibration_topic, judge_calibration
from xspec_ros.perception.intake import Intake
from xspec_ros.perception.settings import Settings


def info(height: int = 512, width: int = 640, focal: float = 400.0) -> CameraInfo:
    return CameraInfo(
        stamp_ns=1,
        frame_id='boson',
        height=height,
        width=width,
        distortion_model='plumb_bob',
        distortion=np.zeros(5),
        matrix=np.diag([focal, focal, 1.0]),
        rectification=np.eye(3),
        projection=np.zeros((3, 4)),
    )


@pytest.mark.parametrize(
    ('topic', 'expected'),
    [
        ('/boson/image_raw', '/boson/camera_info'),
        ('/boson/image_raw/compressed', '/boson/camera_info'),
        ('/image', '/camera_info'),
    ],
)
def test_the_calibration_lies_beside_the_images(topic: str, expected: str) -> None:
    assert calibration_topic(topic) == expected


@pytest.mark.parametrize(
    ('found', 'size_hw', 'state'),
    [
        (None, (512, 640), 'missing'),
        (info(focal=0.0), (512, 640), 'zero'),
        (info(), (512, 640), 'ok'),
        (info(), (256, 320), 'ok'),
        (info(), (0, 0), 'ok'),
        (info(), (480, 640), 'size'),
    ],
)
def test_a_calibration_is_held_against_the_pictures(
    found: CameraInfo | None, size_hw: tuple[int, int], state: str
) -> None:
    assert judge_calibration(found, size_hw)[0] == state


def test_a_damaged_calibration_is_counted_and_the_last_good_one_kept() -> None:
    intake = Intake(Settings(), Tone())
    cdr = encode_camera_info(info())
    intake.calibrate('thermal', cdr)
    intake.calibrate('thermal', cdr[:40])
    assert intake.calibrations['thermal'].width == 640
    assert intake.counts.warnings == {'thermal/camera_info': 1}
