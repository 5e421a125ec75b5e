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
from xspec_ros.core.sync import SyncAdvice, SyncSettings
from xspec_ros.core.sync_advice import advise
from xspec_ros.core.sync_counts import StreamMeter
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.intake import Intake
from xspec_ros.perception.settings import RgbInput, Settings

START_S = 100.0
MS = 1_000_000


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


def advice_after(intake: Intake) -> SyncAdvice | None:
    return intake.sync.advice()


def test_streams_that_pair_need_no_word() -> None:
    assert advice_after(drive(Settings())) is None


@pytest.mark.parametrize('shift_ms', [7000.0, 3000.0])
@pytest.mark.parametrize('before_ms', [0.0, -500.0])
def test_the_offset_that_is_named_makes_pairs(shift_ms: float, before_ms: float) -> None:
    settings = Settings(mode='fused', rgb=RgbInput(stamp_offset_ms=before_ms))
    found = advice_after(drive(settings, shift_ms=shift_ms))
    assert found is not None
    named = re.search(r'set rgb.stamp_offset_ms to (-?\d+)', found.message)
    assert named is not None
    assert float(named[1]) == pytest.approx(-shift_ms, abs=60)
    better = Settings(mode='fused', rgb=RgbInput(stamp_offset_ms=float(named[1])))
    intake = drive(better, shift_ms=shift_ms)
    assert advice_after(intake) is None
    assert intake.sync.counts.paired > 170


def test_a_slop_that_is_too_small_is_named_with_what_would_do() -> None:
    settings = Settings(mode='fused', slop_ms=5)
    found = advice_after(drive(settings, rates_hz=(9, 9)))
    assert found is not None
    assert 'nearest rgb stamps are +13 ms' in found.message
    assert 'set slop_ms to 16, or rgb.stamp_offset_ms to -13' in found.message
    assert advice_after(drive(Settings(mode='fused', slop_ms=16), rates_hz=(9, 9))) is None


def test_clocks_that_no_offset_mends_are_to_be_synchronised() -> None:
    found = advice_after(drive(Settings(mode='fused'), shift_ms=3.6e6))
    assert found is not None
    assert 'synchronise them' in found.message


def test_late_frames_name_the_wait_that_would_do() -> None:
    found = advice_after(drive(Settings(mode='fused'), delay_ms=400))
    assert found is not None
    assert found.cause == 'late'
    named = re.search(r'set max_wait_ms to (\d+)', found.message)
    assert named is not None
    waiting = Settings(mode='fused', max_wait_ms=float(named[1]))
    assert advice_after(drive(waiting, delay_ms=400)) is None


def meter_with_lead(lead_ms: float) -> StreamMeter:
    """RGB at 30 Hz and thermal at 9 Hz, RGB stamps ahead by ``lead_ms`` at arrival."""
    meter = StreamMeter('thermal')
    latest = {'rgb': None, 'thermal': None}
    arrivals = [(i * 1000 / 30, 'rgb') for i in range(300)]
    arrivals += [(5 + i * 1000 / 9, 'thermal') for i in range(90)]
    for at_ms, modality in sorted(arrivals):
        stamp = round((at_ms + (lead_ms if modality == 'rgb' else 0)) * MS)
        other = 'rgb' if modality == 'thermal' else 'thermal'
        meter.arrived(modality, stamp, latest[modality], latest[other])
        latest[modality] = stamp
    return meter


def advice_for(cause, lead_ms, reference='thermal', nearest_ms=0.0):
    meter = meter_with_lead(lead_ms)
    for _ in range(64):
        meter.left_alone(cause, round(nearest_ms * MS))
    counts = meter.counts({'rgb': 0, 'thermal': 0}, 0)
    return advise(cause, counts, SyncSettings(reference=reference))


def test_late_camera_gets_a_wait_above_its_delay():
    advice = advice_for('late', -500)
    assert (advice.camera, advice.parameter) == ('rgb', 'max_wait_ms')
    assert advice.value > 550


def test_hour_late_is_a_clock_that_no_parameter_mends():
    advice = advice_for('late', -3_600_000)
    assert (advice.camera, advice.parameter) == ('rgb', None)
    assert 'synchronise' in advice.message
    assert 'max_wait_ms' not in advice.message


def test_seconds_late_is_a_clock_and_no_wait():
    advice = advice_for('late', -8000)
    assert advice.parameter == 'rgb.stamp_offset_ms'
    assert advice.value == pytest.approx(8000, abs=20)


def test_late_thermal_is_named_when_rgb_is_the_reference():
    advice = advice_for('late', 500, reference='rgb')
    assert (advice.camera, advice.parameter) == ('thermal', 'max_wait_ms')


def test_stamps_beyond_slop_get_the_offset_that_cures_them():
    advice = advice_for('slop', 70, nearest_ms=70)
    assert advice.parameter == 'rgb.stamp_offset_ms'
    assert advice.value == pytest.approx(-70, abs=12)


def test_a_full_buffer_is_a_matter_of_stamps_far_apart():
    advice = advice_for('overflow', 2000, nearest_ms=900)
    assert advice.parameter == 'rgb.stamp_offset_ms'
    assert advice.value == pytest.approx(-2000, abs=20)


def test_missing_camera_and_jumps_name_no_parameter():
    assert advice_for('missing', 0).camera == 'rgb'
    assert advice_for('missing', 0).parameter is None
    assert advice_for('epoch', 0).camera is None
