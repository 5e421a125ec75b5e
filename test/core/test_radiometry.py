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

"""Counts to kelvin, and the tone mapping that training and serving share."""

from __future__ import annotations

import math

import cv2
from hypothesis import assume, given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.frame import Frame
from xspec_ros.core.radiometry import (
    apply_tone,
    decoded_radiometry,
    find_radiometry,
    RADIOMETRY,
    tone_range,
    ToneTracker,
)
from xspec_ros.errors import ConfigError

MS = 1_000_000
quick = settings(max_examples=40, deadline=None)


def frame(image, stamp_ms, encoding='mono16'):
    return Frame(
        modality='thermal', stamp_ns=stamp_ms * MS, frame_id='', image=image, encoding=encoding
    )


def scene(seed=0, mean=8000.0, spread=300.0, shape=(64, 80)):
    values = np.random.default_rng(seed).normal(mean, spread, shape)
    return np.clip(values, 0, 65535).astype(np.uint16)


def street(seed):
    """Return a picture with structure: a smooth random field and sensor noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(8000.0, 400.0, (5, 6)).astype(np.float32)
    field = cv2.resize(coarse, (640, 512), interpolation=cv2.INTER_CUBIC)
    return (field + rng.normal(0.0, 20.0, field.shape)).astype(np.uint16)


pictures = st.builds(
    lambda seed, height, width, low, span: (
        np.random.default_rng(seed).integers(low, low + span, (height, width)).astype(np.uint16)
    ),
    st.integers(0, 2**32 - 1),
    st.integers(2, 40),
    st.integers(2, 40),
    st.integers(0, 5000),
    st.integers(2, 5000),
)


@pytest.mark.parametrize(
    ('name', 'count', 'temp_k'),
    [
        ('centikelvin', 29315, 293.15),
        ('decikelvin', 2932, 293.2),
        ('tlinear_0.04', 7500, 300.0),
        ('tlinear_0.4', 750, 300.0),
        ('infiray_64', 19200, 300.0),
        ('optris', 1200, 293.15),
        ('celsius_float', 20, 293.15),
        ('kelvin_float', 300, 300.0),
    ],
)
def test_presets_give_kelvin_and_back(name, count, temp_k):
    preset = find_radiometry(name)
    assert preset.kelvin(count) == pytest.approx(temp_k)
    assert preset.count(temp_k) == pytest.approx(count)
    image = np.full((2, 2), count, np.uint16)
    np.testing.assert_allclose(preset.to_kelvin(image), temp_k, rtol=1e-6)


def test_plain_counts_have_no_temperature():
    counts = RADIOMETRY['counts']
    assert math.isnan(counts.kelvin(9000))
    assert math.isnan(counts.count(300.0))
    with pytest.raises(ConfigError, match='no temperature'):
        counts.to_kelvin(scene())


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match='centikelvin'):
        find_radiometry('kelvin')


def test_decoding_changes_what_counts_mean():
    preset = find_radiometry('centikelvin')
    assert decoded_radiometry(preset, 'mono16') is preset
    assert decoded_radiometry(preset, '16SC1').kelvin(32768 + 29315) == pytest.approx(293.15)
    quantised = decoded_radiometry(find_radiometry('celsius_float'), '32FC1', (200.0, 400.0))
    assert quantised.kelvin(0) == 200.0
    assert quantised.kelvin(65535) == pytest.approx(400.0)
    assert decoded_radiometry(preset, 'mono8').scale is None


@quick
@given(image=pictures)
def test_tone_is_monotone_and_between_0_and_1(image):
    tone = apply_tone(image, *tone_range(image))
    assert tone.dtype == np.float32
    assert ((tone >= 0.0) & (tone <= 1.0)).all()
    order = np.argsort(image, axis=None)
    assert (np.diff(tone.ravel()[order]) >= 0.0).all()


@quick
@given(image=pictures, gain=st.integers(2, 6), offset=st.integers(0, 5000))
def test_gain_and_offset_cancel(image, gain, offset):
    low, high = tone_range(image)
    assume(high - low > 1.0)
    other = (image.astype(np.int64) * gain + offset).astype(np.uint16)
    assert tone_range(other) == (low * gain + offset, high * gain + offset)
    tone = apply_tone(other, *tone_range(other))
    np.testing.assert_allclose(tone, apply_tone(image, low, high), atol=1e-5)


@quick
@given(image=pictures)
def test_small_pictures_get_exact_percentiles(image):
    ordered = np.sort(image.ravel())
    low, high = tone_range(image, 5.0, 95.0)
    assert low == ordered[round(0.05 * (image.size - 1))]
    assert high >= low + 1.0


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_sampling_comes_close_to_the_full_histogram(dtype):
    values = np.random.default_rng(0).normal(120, 20, (512, 640))
    image = np.clip(values, 0, 255).astype(dtype)
    low, high = tone_range(image, 1.0, 99.0)
    assert (low, high) == pytest.approx(np.percentile(image, [1.0, 99.0]), abs=2.0)


def test_a_few_hot_pixels_in_an_even_picture_stay_visible():
    image = np.full((100, 100), 500, np.uint16)
    image[50, 50] = 900
    assert tone_range(image) == (500.0, 900.0)


def test_an_even_picture_divides_by_nothing():
    image = np.full((10, 10), 500, np.uint16)
    assert tone_range(image) == (500.0, 501.0)
    assert (apply_tone(image, 500.0, 500.0) == 0.0).all()


@pytest.mark.parametrize('image', [scene(), (scene() // 64).astype(np.uint8)])
def test_the_first_frame_live_gets_the_tone_of_training(image):
    state = ToneTracker(low_percentile=2.0, high_percentile=98.0).update(frame(image, 10))
    assert (state.low, state.high) == tone_range(image, 2.0, 98.0)
    assert state.restarted
    assert not state.constant
    assert not state.frozen
    assert state.median == np.sort(image.ravel())[image.size // 2]


def test_without_smoothing_every_frame_gets_the_tone_of_training():
    tracker = ToneTracker(smoothing_s=0.0)
    for step in range(4):
        image = scene(step, mean=8000 + 50 * step)
        state = tracker.update(frame(image, 10 + step))
        assert (state.low, state.high) == tone_range(image)


@pytest.mark.parametrize('period_ms', [10, 33, 110])
def test_smoothing_goes_by_time_and_not_by_frames(period_ms):
    tracker = ToneTracker(smoothing_s=0.5)
    before, after = scene(0, mean=8000), scene(0, mean=8400)
    tracker.update(frame(before, 1000))
    for stamp_ms in range(1000 + period_ms, 1000 + 10 * 110, period_ms):
        state = tracker.update(frame(after, stamp_ms))
    elapsed_s = (stamp_ms - 1000) / 1000
    share = 1.0 - math.exp(-elapsed_s / 0.5)
    low = tone_range(before)[0] + share * (tone_range(after)[0] - tone_range(before)[0])
    assert state.low == pytest.approx(low, abs=1e-6)
    assert not state.restarted


def test_a_scene_cut_starts_afresh():
    tracker = ToneTracker()
    tracker.update(frame(scene(0, mean=3000), 0))
    cut = scene(1, mean=30_000)
    state = tracker.update(frame(cut, 33))
    assert state.restarted
    assert (state.low, state.high) == tone_range(cut)


def test_another_scene_of_the_same_brightness_starts_afresh():
    tracker = ToneTracker()
    first, second = street(seed=1), street(seed=2)
    tracker.update(frame(first, 10))
    assert not tracker.update(frame(np.roll(first, 12, axis=1), 43)).restarted
    state = tracker.update(frame(second, 76))
    assert state.restarted
    assert (state.low, state.high) == tone_range(second)


@pytest.mark.parametrize('gain', [0.6, 1.6])
def test_the_cameras_own_contrast_control_is_no_cut(gain):
    tracker = ToneTracker()
    image = street(seed=1)
    tracker.update(frame(image, 10))
    other = ((image - 8000.0) * gain + 8100.0).astype(np.uint16)
    assert not tracker.update(frame(other, 43)).restarted


def test_a_gain_switch_around_the_same_median_starts_afresh():
    tracker = ToneTracker()
    tracker.update(frame(scene(0, spread=30), 10))
    assert tracker.update(frame(scene(0, spread=300), 43)).restarted


def test_a_hot_object_does_not_make_the_picture_pump():
    tracker = ToneTracker(smoothing_s=0.5)
    tracker.update(frame(scene(0), 10))
    calm = tone_range(scene(0))
    hot = scene(1)
    hot[:8, :20] = 40_000
    state = tracker.update(frame(hot, 43))
    assert not state.restarted
    assert state.high < calm[1] + 0.1 * (40_000 - calm[1])
    assert state.low == pytest.approx(calm[0], abs=20)


def test_a_jump_back_in_time_is_a_new_epoch():
    tracker = ToneTracker()
    tracker.update(frame(scene(0, mean=8000), 10_000))
    assert not tracker.update(frame(scene(1, mean=8100), 9_900)).restarted
    fresh = scene(2, mean=8200)
    state = tracker.update(frame(fresh, 100))
    assert state.restarted
    assert (state.low, state.high) == tone_range(fresh)


def test_reset_forgets_the_past():
    tracker = ToneTracker()
    tracker.update(frame(scene(0), 10))
    tracker.reset()
    state = tracker.update(frame(scene(0), 20))
    assert state.restarted
    assert not state.frozen


def test_a_late_frame_moves_nothing_backwards():
    tracker = ToneTracker()
    tracker.update(frame(scene(0, mean=8000), 1000))
    before = tracker.update(frame(scene(0, mean=8000), 1100))
    late = tracker.update(frame(scene(0, mean=8300), 1050))
    assert (late.low, late.high) == (before.low, before.high)


def test_streams_without_stamps_are_smoothed_at_a_nominal_rate():
    tracker = ToneTracker(smoothing_s=0.1)
    tracker.update(frame(scene(0, mean=8000), 0))
    for _ in range(60):
        state = tracker.update(frame(scene(0, mean=8400), 0))
    assert state.low == pytest.approx(tone_range(scene(0, mean=8400))[0], abs=1.0)


@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_a_closed_shutter_is_reported_and_leaves_the_tone_alone(dtype):
    tracker = ToneTracker()
    image = (scene(0) // 64).astype(dtype)
    before = tracker.update(frame(image, 10))
    shut = tracker.update(frame(np.full((64, 80), 200, dtype), 43))
    assert shut.constant
    assert shut.median == 200
    assert (shut.low, shut.high) == (before.low, before.high)
    after = tracker.update(frame(image, 76))
    assert (after.low, after.high) == pytest.approx((before.low, before.high))
    assert not after.restarted


def test_a_stream_that_begins_with_the_shutter_has_a_usable_range():
    state = ToneTracker().update(frame(np.full((8, 8), 500, np.uint16), 0))
    assert state.constant
    assert (state.low, state.high) == (500.0, 501.0)


def test_a_frozen_stream_is_timed():
    tracker = ToneTracker()
    states = [tracker.update(frame(scene(0), 100 * n)) for n in range(1, 5)]
    assert [state.frozen for state in states] == [False, True, True, True]
    assert states[-1].frozen_s == pytest.approx(0.3)


def test_a_fixed_range_in_kelvin_goes_through_the_preset():
    tracker = ToneTracker(radiometry='centikelvin', range_k=(280.0, 320.0))
    state = tracker.update(frame(scene(0, mean=29_500), 10))
    assert (state.low, state.high) == pytest.approx((28_000, 32_000))
    assert state.median_k == pytest.approx(295.0, abs=0.5)
    assert not state.scale_suspect


def test_a_fixed_range_fits_quantised_floats_whatever_the_preset():
    tracker = ToneTracker(radiometry='celsius_float', range_k=(223.15, 873.15))
    state = tracker.update(frame(scene(0), 10, encoding='32FC1'))
    assert (state.low, state.high) == pytest.approx((0.0, 65535.0))


def test_8_bit_frames_fall_back_to_percentiles_and_say_so():
    image = (scene(0) // 64).astype(np.uint8)
    tracker = ToneTracker(radiometry='centikelvin', range_k=(280.0, 320.0))
    state = tracker.update(frame(image, 10, encoding='mono8'))
    assert (state.low, state.high) == tone_range(image)
    assert state.scale_suspect


@pytest.mark.parametrize(
    ('preset', 'median', 'suspect'),
    [
        ('centikelvin', 29_315, False),
        ('centikelvin', 2_931, True),
        ('decikelvin', 29_315, True),
        ('counts', 2_931, False),
    ],
)
def test_temperatures_that_cannot_be_are_suspect(preset, median, suspect):
    image = scene(0, mean=median, spread=20)
    state = ToneTracker(radiometry=preset).update(frame(image, 10))
    assert state.scale_suspect is suspect


def test_a_median_ten_times_higher_is_suspect_until_it_returns():
    tracker = ToneTracker()
    means = [3000, 3000, 30_000, 30_000, 3100]
    states = [
        tracker.update(frame(scene(n, mean=mean, spread=50), 33 * n))
        for n, mean in enumerate(means, start=1)
    ]
    assert [state.scale_suspect for state in states] == [False, False, True, True, False]
    assert states[2].low > 25_000


@pytest.mark.parametrize(
    'arguments',
    [
        {'low_percentile': 99.0, 'high_percentile': 1.0},
        {'low_percentile': -1.0},
        {'high_percentile': 101.0},
        {'smoothing_s': -1.0},
        {'smoothing_s': math.nan},
        {'radiometry': 'celsius'},
        {'range_k': (300.0, 280.0)},
        {'range_k': (math.nan, 280.0)},
        {'range_k': (280.0, 300.0), 'radiometry': 'counts'},
    ],
)
def test_settings_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ConfigError):
        ToneTracker(**arguments)


@quick
@given(
    images=st.lists(pictures, min_size=2, max_size=5),
    stamps=st.lists(st.integers(0, 2000), min_size=5, max_size=5),
)
def test_the_range_is_always_usable_and_depends_on_the_stream_alone(images, stamps):
    first, second = ToneTracker(), ToneTracker()
    for image, stamp_ms in zip(images, stamps, strict=False):
        state = first.update(frame(image, stamp_ms))
        assert state.high - state.low >= 1.0
        assert state == second.update(frame(image, stamp_ms))
