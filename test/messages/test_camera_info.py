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

"""Calibrations survive the wire."""

import numpy as np
import pytest

from xspec_ros.messages.camera_info import CameraInfo, decode_camera_info, encode_camera_info
from xspec_ros.messages.topics import CAMERA_INFO_TYPE
from xspec_ros.messages.typestore import typestore


def calibration(distortion, focal):
    return CameraInfo(
        stamp_ns=5,
        frame_id='thermal_optical',
        height=512,
        width=640,
        distortion_model='plumb_bob',
        distortion=np.array(distortion, np.float64),
        matrix=np.diag([focal, focal, 1.0]),
        rectification=np.eye(3),
        projection=np.eye(3, 4),
    )


@pytest.mark.parametrize('distortion', [(), (0.1, 0.2, 0.3, 0.4, 0.5)])
@pytest.mark.parametrize('little_endian', [True, False])
def test_calibration_comes_back(distortion, little_endian):
    sent = calibration(distortion, 500.0)
    cdr = encode_camera_info(sent)
    message = typestore().deserialize_cdr(cdr, CAMERA_INFO_TYPE)
    assert bytes(typestore().serialize_cdr(message, CAMERA_INFO_TYPE)) == cdr
    found = decode_camera_info(
        typestore().serialize_cdr(message, CAMERA_INFO_TYPE, little_endian=little_endian)
    )
    assert (found.height, found.width, found.distortion_model) == (512, 640, 'plumb_bob')
    np.testing.assert_array_equal(found.distortion, sent.distortion)
    np.testing.assert_array_equal(found.projection, sent.projection)


def test_zero_focal_length_means_uncalibrated():
    assert not calibration((), 0.0).calibrated
    assert calibration((), 1.0).calibrated
