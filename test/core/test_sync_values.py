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

"""Settings of the synchroniser."""

from __future__ import annotations

import pytest

from xspec_ros.core.sync_values import SyncSettings
from xspec_ros.errors import ConfigError


def test_defaults_are_the_documented_ones():
    settings = SyncSettings()
    assert (settings.slop_ms, settings.max_wait_ms, settings.jump_threshold_s) == (50, 100, 0.5)


@pytest.mark.parametrize(
    'wrong',
    [
        {'slop_ms': -1},
        {'max_wait_ms': float('nan')},
        {'jump_threshold_s': float('inf')},
        {'rgb_offset_ms': float('nan')},
        {'max_frames': 0},
        {'max_bytes': 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigError):
        SyncSettings(**wrong)
