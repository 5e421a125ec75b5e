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
