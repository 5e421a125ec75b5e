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

import numpy as np

from xspec_ros.learn.data.daylight import is_day


def grey(share):
    return np.full((32, 40, 3), round(255 * share), np.uint8)


def test_a_bright_picture_is_of_the_day():
    assert is_day(grey(0.5))
    assert not is_day(grey(0.05))


def test_near_the_threshold_a_drive_stays_what_it_was():
    assert is_day(grey(0.19), before=True)
    assert not is_day(grey(0.21), before=False)
    assert not is_day(grey(0.1), before=True)
