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

"""What a camera says about its calibration, held against its pictures."""

from __future__ import annotations

from typing import Literal, TYPE_CHECKING, TypeAlias

from xspec_ros.messages.topics import CAMERA_INFO, COMPRESSED_SUFFIX

if TYPE_CHECKING:
    from xspec_ros.messages.camera_info import CameraInfo

CalibrationState: TypeAlias = Literal['missing', 'zero', 'size', 'ok']


def calibration_topic(image_topic: str) -> str:
    """Return where a driver publishes the calibration of a camera: beside its images.

    Args:
        image_topic: Topic of raw or compressed images.
    """
    folder, _, _ = image_topic.removesuffix(COMPRESSED_SUFFIX).rpartition('/')
    return f'{folder}/{CAMERA_INFO}'


def judge_calibration(
    info: CameraInfo | None, size_hw: tuple[int, int]
) -> tuple[CalibrationState, str]:
    """Return whether a calibration can belong to the pictures, and a line for a person.

    A calibration at another size with the same proportions is one of binned or resized pictures.

    Args:
        info: The calibration; None when none came.
        size_hw: Rows and columns of the pictures; zeros before the first.
    """
    if info is None:
        return 'missing', 'no camera_info'
    if not info.calibrated:
        return 'zero', 'camera_info without a calibration (k is zero)'
    height, width = size_hw
    told = f'calibrated at {info.width}x{info.height}'
    if height * width and info.height * width != info.width * height:
        return 'size', f'calib_size: {told}, pictures are {width}x{height}'
    return 'ok', told
