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

"""Why pairs are not found is told with the parameter to set, and setting it helps."""

from __future__ import annotations

import re

import numpy as np
import pytest

from xspec_ros.bundle.manifest import Tone
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.intake import Intake
from xspec_ros.perception.pairing import explain_pairing
from xspec_ros.perception.settings import RgbInput, Settings

START_S = 100.0


def drive(
    settings: Settings,
    *,
    shift_ms: float = 0.0,
    delay_ms: float = 0.0,
    rates_hz: tuple[float, float] = (30.0, 9.0),
    seconds: float = 20.0,
) -> Intake:
    """Let two cameras run; RGB is half a millisecond and more behind, shifted and delayed."""
    intake = Intake(settings, Tone())
    rgb_hz, thermal_hz = rates_hz
    events = [(t, 'thermal', t) for t in np.arange(START_S, START_S + seconds, 1 / thermal_hz)]
    for t in np.arange(START_S + 0.013, START_S + seconds, 1 / rgb_hz):
        events.append((t + delay_ms / 1e3, 'rgb', t + shift_ms / 1e3))  # noqa: PERF401
    for arrival, source, stamp in sorted(events):
        seed = int(arrival * 1e4)
        image = np.random.default_rng(seed).integers(0, 255, (16, 20), np.uint8)
        picture = image if source == 'thermal' else np.repeat(image[..., None], 3, axis=2)
        cdr = encode_image(
            picture,
            stamp_ns=round(stamp * 1e9),
            frame_id='',
            encoding='mono8' if source == 'thermal' else 'rgb8',
        )
        intake.accept(source, IMAGE_TYPE, cdr, received_ns=round(arrival * 1e9))
    return intake


def test_streams_that_pair_need_no_word() -> None:
    assert explain_pairing(drive(Settings())) is None


@pytest.mark.parametrize('shift_ms', [7000.0, 3000.0])
@pytest.mark.parametrize('before_ms', [0.0, -500.0])
def test_the_offset_that_is_named_makes_pairs(shift_ms: float, before_ms: float) -> None:
    settings = Settings(mode='fused', rgb=RgbInput(stamp_offset_ms=before_ms))
    found = explain_pairing(drive(settings, shift_ms=shift_ms))
    assert found is not None
    named = re.search(r'set rgb.stamp_offset_ms to (-?\d+)', found[1])
    assert named is not None
    assert float(named[1]) == pytest.approx(-shift_ms, abs=60)
    better = Settings(mode='fused', rgb=RgbInput(stamp_offset_ms=float(named[1])))
    intake = drive(better, shift_ms=shift_ms)
    assert explain_pairing(intake) is None
    assert intake.sync.counts.paired > 170


def test_a_slop_that_is_too_small_is_named_with_what_would_do() -> None:
    settings = Settings(mode='fused', slop_ms=5)
    found = explain_pairing(drive(settings, rates_hz=(9, 9)))
    assert found is not None
    assert 'nearest rgb stamps are +13 ms' in found[1]
    assert 'set slop_ms to 16, or rgb.stamp_offset_ms to -13' in found[1]
    assert explain_pairing(drive(Settings(mode='fused', slop_ms=16), rates_hz=(9, 9))) is None


def test_clocks_that_no_offset_mends_are_to_be_synchronised() -> None:
    found = explain_pairing(drive(Settings(mode='fused'), shift_ms=3.6e6))
    assert found is not None
    assert 'synchronise them' in found[1]


def test_late_frames_name_the_wait_that_would_do() -> None:
    found = explain_pairing(drive(Settings(mode='fused'), delay_ms=400))
    assert found is not None
    cause, text = found
    assert cause == 'late'
    named = re.search(r'set max_wait_ms to (\d+)', text)
    assert named is not None
    waiting = Settings(mode='fused', max_wait_ms=float(named[1]))
    assert explain_pairing(drive(waiting, delay_ms=400)) is None
