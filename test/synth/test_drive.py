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

from itertools import islice

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.errors import ConfigError
from xspec_ros.synth import (
    CameraChange,
    drive,
    DriveFrame,
    DriveSettings,
    frames_for_training,
)

SMALL = (160, 120)


def frames_of(**changes: object) -> list[DriveFrame]:
    known: dict[str, object] = {'frames': 2, 'size_wh': SMALL, 'seed': 3, 'shutter_every_s': 0.0}
    return list(drive(DriveSettings(**{**known, **changes})))  # type: ignore[arg-type]


@pytest.mark.parametrize('night', [False, True])
def test_equal_settings_give_bit_identical_frames(night):
    for first, second in zip(frames_of(night=night), frames_of(night=night), strict=True):
        assert np.array_equal(first.rgb, second.rgb)
        assert np.array_equal(first.thermal, second.thermal)
        assert np.array_equal(first.label_map, second.label_map)
        assert np.array_equal(first.boxes_thermal.boxes_xyxy, second.boxes_thermal.boxes_xyxy)


def test_a_frame_does_not_depend_on_what_was_drawn_before_it():
    early = frames_of(frames=3, rate_hz=1.0)[2]
    late = list(drive(DriveSettings(frames=2, size_wh=SMALL, seed=3, rate_hz=0.5)))[1]
    assert np.array_equal(early.label_map, late.label_map)


def test_other_seeds_make_other_worlds():
    assert not np.array_equal(frames_of(seed=1)[0].label_map, frames_of(seed=2)[0].label_map)


def test_shapes_and_types_are_as_documented():
    frame = frames_of(size_wh=(200, 150))[0]
    assert frame.rgb is not None
    assert frame.thermal is not None
    assert (frame.rgb.shape, frame.rgb.dtype) == ((150, 200, 3), np.uint8)
    assert (frame.thermal.shape, frame.thermal.dtype) == ((150, 200), np.uint16)
    assert (frame.label_map.shape, frame.label_map.dtype) == ((150, 200), np.uint8)
    assert frame.boxes_thermal.boxes_xyxy.dtype == np.float32
    assert frame.boxes_thermal.class_ids.dtype == np.int32
    assert int(frame.thermal.max()) < 2**14


def test_eight_bit_cameras_stretch_by_themselves():
    frame = frames_of(bits=8)[0]
    assert frame.thermal is not None
    assert frame.thermal.dtype == np.uint8
    assert np.ptp(frame.thermal) > 128


def test_every_class_appears_in_a_handful_of_worlds():
    seen: set[int] = set()
    for frame in frames_for_training(16, seed=1, size_wh=SMALL):
        seen |= set(np.unique(frame.label_map).tolist())
    assert seen == set(range(len(DEFAULT_CLASSES)))


def test_another_camera_sees_the_same_worlds_otherwise():
    own = list(frames_for_training(2, seed=3, size_wh=SMALL))
    noisy = list(frames_for_training(2, seed=3, size_wh=SMALL, camera=CameraChange(noise=6.0)))
    low = list(frames_for_training(2, seed=3, size_wh=SMALL, camera=CameraChange(height_m=0.5)))
    assert np.array_equal(own[0].label_map, noisy[0].label_map)
    assert not np.array_equal(own[0].thermal, noisy[0].thermal)
    assert not np.array_equal(own[0].label_map, low[0].label_map)


@hypothesis_settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), night=st.booleans())
def test_boxes_lie_in_the_picture_and_touch_their_class(seed, night):
    ids = {label.name: index for index, label in enumerate(DEFAULT_CLASSES)}
    for frame in frames_of(seed=seed, night=night, rate_hz=0.5):
        boxes = frame.boxes_thermal
        for box, class_id in zip(boxes.boxes_xyxy, boxes.class_ids, strict=True):
            left, top, right, bottom = box.astype(int)
            assert 0 <= left <= right - 4
            assert 0 <= top <= bottom - 4
            assert right <= SMALL[0]
            assert bottom <= SMALL[1]
            inside = frame.label_map[top:bottom, left:right]
            wanted = inside == ids[DEFAULT_DETECTION_CLASSES[class_id]]
            for edge in (wanted[0], wanted[-1], wanted[:, 0], wanted[:, -1]):
                assert edge.any()


def test_the_camera_moves():
    first, second = frames_of(rate_hz=0.5)
    assert (first.label_map != second.label_map).mean() > 0.02


def test_clock_error_shifts_rgb_stamps_only():
    plain, late = frames_of()[1], frames_of(offset_ms=40.0)[1]
    assert late.rgb_stamp_ns - plain.rgb_stamp_ns == 40_000_000
    assert late.thermal_stamp_ns == plain.thermal_stamp_ns


def test_jitter_keeps_each_camera_in_order():
    frames = frames_of(frames=20, jitter_ms=30.0, rate_hz=30.0, size_wh=(64, 64))
    for stamps in ([f.rgb_stamp_ns for f in frames], [f.thermal_stamp_ns for f in frames]):
        assert np.all(np.diff(stamps) > 0)


def test_dropped_frames_are_none_and_keep_their_truth():
    frames = frames_of(frames=20, drop=0.5, size_wh=(64, 64))
    lost = [(frame.rgb is None, frame.thermal is None) for frame in frames]
    assert {(True, False), (False, True)} <= set(lost)
    assert all(frame.label_map.shape == (64, 64) for frame in frames)


def test_shutter_frames_are_constant_and_said_to_be():
    frames = frames_of(frames=30, shutter_every_s=4.0, rate_hz=3.0, size_wh=(64, 64))
    closed = [frame for frame in frames if frame.shutter]
    assert closed
    assert len(closed) < len(frames) / 2
    assert all(np.ptp(frame.thermal) == 0 for frame in closed if frame.thermal is not None)
    assert all(np.ptp(f.thermal) > 0 for f in frames if not f.shutter and f.thermal is not None)


def test_parallax_moves_the_rgb_view_and_leaves_the_thermal_one():
    plain, apart = frames_of(night=False)[0], frames_of(night=False, baseline_m=0.3)[0]
    assert np.array_equal(plain.thermal, apart.thermal)
    assert np.array_equal(plain.label_map, apart.label_map)
    assert plain.rgb is not None
    assert apart.rgb is not None
    assert np.abs(plain.rgb.astype(int) - apart.rgb).mean() > 1.0


@pytest.mark.parametrize(
    ('key', 'value'),
    [
        ('frames', 0),
        ('rate_hz', 0.0),
        ('rate_hz', float('nan')),
        ('drop', 1.0),
        ('size_wh', (10, 480)),
        ('bits', 12),
        ('cloud', 1.5),
        ('jitter_ms', -1.0),
    ],
)
def test_settings_that_make_no_drive_are_refused(key, value):
    with pytest.raises(ConfigError, match=r'give|each side'):
        DriveSettings(**{key: value})


def test_training_frames_are_complete_and_as_many_as_asked():
    frames = list(islice(frames_for_training(5, seed=2, size_wh=SMALL, night_share=1.0), 10))
    assert len(frames) == 5
    assert all(frame.night and frame.rgb is not None for frame in frames)
    assert all(frame.thermal is not None and not frame.shutter for frame in frames)
