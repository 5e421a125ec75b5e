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

"""Pairs with a known registration, shared by the tests of this folder."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from xspec_ros.core.registration import view_of
from xspec_ros.synth import drive, DriveSettings

SIZE_WH = (240, 180)
TRUE = np.array([[1.15, -0.03, -12.0], [0.03, 1.15, -20.0], [2e-5, -1e-5, 1.0]])


@pytest.fixture(scope='session')
def pairs():
    """Eight RGB and thermal pictures of a synthetic drive on one grid."""
    settings = DriveSettings(
        frames=8, seed=2, size_wh=SIZE_WH, rate_hz=1.0, fov_deg=60.0, shutter_every_s=0.0
    )
    return [(frame.rgb, frame.thermal) for frame in drive(settings)]


@pytest.fixture(scope='session')
def true():
    """(3, 3) from the RGB pictures of ``views`` to their thermal pictures."""
    return TRUE


@pytest.fixture(scope='session')
def views(pairs):
    """The pairs with RGB seen through the homography ``true``."""
    edges = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
    matrix = np.linalg.inv(np.linalg.inv(edges) @ TRUE @ edges)
    return [view_of(cv2.warpPerspective(rgb, matrix, SIZE_WH), thermal) for rgb, thermal in pairs]
