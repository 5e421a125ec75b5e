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

"""Closed shutters and frozen streams."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.frame import Frame
from xspec_ros.core.shutter import FreezeDetector, is_constant, sample_pixels

MS = 1_000_000


def frame(image, stamp_ms, modality='thermal'):
    return Frame(
        modality=modality,
        stamp_ns=stamp_ms * MS,
        frame_id='',
        image=image,
        encoding='mono16' if modality == 'thermal' else 'rgb8',
    )


def noise(seed=0, shape=(64, 80), dtype=np.uint16):
    return np.random.default_rng(seed).integers(0, 255, shape, dtype)


@pytest.mark.parametrize(
    'shape', [(1, 1), (3, 5), (512, 640), (480, 640, 3), (1, 100_000), (2, 3, 1)]
)
def test_samples_are_small_copies(shape):
    image = np.ones(shape, np.uint8)
    sample = sample_pixels(image)
    assert 1 <= sample.size <= 100_000
    assert not np.shares_memory(sample, image)


def test_one_odd_pixel_outside_the_sample_is_a_scene():
    image = np.full((512, 640), 7, np.uint16)
    assert is_constant(image, sample_pixels(image))
    image[1, 1] = 8
    assert not is_constant(image, sample_pixels(image))


@pytest.mark.parametrize(('shape', 'modality'), [((64, 80), 'thermal'), ((64, 80, 3), 'rgb')])
def test_identical_pictures_at_later_stamps_are_frozen(shape, modality):
    detector = FreezeDetector()
    image = noise(shape=shape)
    held = [detector.update(frame(image.copy(), 100 * n, modality)) for n in range(4)]
    assert [state.frozen for state in held] == [False, True, True, True]
    assert [state.frozen_s for state in held] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    moved = detector.update(frame(noise(1, shape), 400, modality))
    assert (moved.frozen, moved.frozen_s) == (False, 0.0)
    again = detector.update(frame(noise(1, shape), 500, modality))
    assert again.frozen_s == pytest.approx(0.1)


def test_one_pixel_outside_the_sample_thaws():
    detector = FreezeDetector()
    image = noise(shape=(512, 640))
    detector.update(frame(image, 0))
    other = image.copy()
    other[1, 1] += 1
    assert not detector.update(frame(other, 100)).frozen


def test_a_repeated_stamp_is_a_duplicate_and_not_a_freeze():
    detector = FreezeDetector()
    detector.update(frame(noise(), 100))
    assert not detector.update(frame(noise(), 100)).frozen
    assert detector.update(frame(noise(), 200)).frozen


def test_another_size_or_depth_is_no_freeze():
    detector = FreezeDetector()
    detector.update(frame(np.zeros((4, 4), np.uint16), 0))
    assert not detector.update(frame(np.zeros((4, 5), np.uint16), 100)).frozen
    assert not detector.update(frame(np.zeros((4, 5), np.uint8), 200)).frozen


def test_reset_forgets_the_last_picture():
    detector = FreezeDetector()
    detector.update(frame(noise(), 100))
    detector.reset()
    assert not detector.update(frame(noise(), 200)).frozen
