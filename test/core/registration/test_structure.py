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

"""The structure that both cameras share."""

from __future__ import annotations

import numpy as np

from xspec_ros.core.registration import view_of
from xspec_ros.core.registration.structure import structure, warp_gray, zoom_of


def stripes(period=16, size=64):
    wave = 0.5 + 0.5 * np.sin(2.0 * np.pi * np.arange(size) / period)
    return np.tile(wave.astype(np.float32), (size, 1))


def test_polarity_and_contrast_do_not_matter():
    plain = structure(stripes())
    assert np.allclose(structure(np.float32(1.0) - stripes()), plain, atol=1e-4)
    assert np.allclose(structure(np.float32(0.2) * stripes()), plain, atol=1e-3)


def test_edges_across_each_other_count_against():
    upright, level = structure(stripes()), structure(np.ascontiguousarray(stripes().T))
    own = (upright.conj() * upright).real.sum()
    assert (upright.conj() * level).real.sum() < -0.5 * own


def test_nothing_is_seen_outside():
    inside = np.zeros((64, 64), bool)
    inside[:, :32] = True
    field = structure(stripes(), inside)
    assert not np.abs(field[:, 40:]).any()
    assert np.abs(field[:, 8:24]).min() > 0.0


def test_a_picture_that_shows_nothing_makes_no_view():
    rgb = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    counts = np.arange(60 * 80, dtype=np.uint16).reshape(60, 80)
    assert view_of(rgb, counts) is not None
    assert view_of(rgb, np.full((60, 80), 7000, np.uint16)) is None
    assert view_of(np.zeros_like(rgb), counts) is None


def test_large_pictures_become_working_copies():
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (720, 2560, 3)).astype(np.uint8)
    view = view_of(rgb, rng.integers(0, 256, (1024, 1280)).astype(np.uint8))
    assert view.thermal.shape == (512, 640)
    assert view.rgb.shape == (360, 1280)
    assert (view.rgb_hw, view.thermal_hw) == ((720, 2560), (1024, 1280))


def test_a_warp_shrinks_without_aliasing():
    fine = np.tile(np.array([0.0, 1.0], np.float32), (64, 32))
    matrix = np.diag([0.5, 0.5, 1.0])
    small, inside = warp_gray(fine, matrix, (32, 40))
    assert np.allclose(small[:, 1:31], 0.5, atol=0.02)
    assert inside[:, :32].all()
    assert not inside[:, 33:].any()
    assert abs(zoom_of(matrix, (64, 64)) - 0.5) < 1e-9
