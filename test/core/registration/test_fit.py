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

"""The robust fit through correlation surfaces."""

from __future__ import annotations

import numpy as np
import pytest

from xspec_ros.core.geometry import warp_points
from xspec_ros.core.registration.blocks import Level, Surfaces
from xspec_ros.core.registration.fit import find_peaks, fit_surfaces, standardise

LEVEL = Level(width=320, block=64, reach=10, scales=(8.0, 4.0, 2.0))
CENTRES = np.array([[x, y] for y in range(32, 240, 40) for x in range(32, 320, 40)], float)
STEPS = np.arange(-10, 11)


def hills(shifts, *, wide=(2.0, 2.0)):
    """Return surfaces with one hill each, (1, N, 21, 21)."""
    x = (STEPS[None, None] - shifts[:, 0, None, None]) / wide[0]
    y = (STEPS[None, :, None] - shifts[:, 1, None, None]) / wide[1]
    return (0.4 * np.exp(-0.5 * (x**2 + y**2)))[None].astype(np.float32)


def surfaces(alike):
    seen = np.ones(len(CENTRES), bool)
    return Surfaces(level=LEVEL, size_hw=(240, 320), centres=CENTRES, seen=seen, alike=alike)


def true_shifts():
    turn = np.deg2rad(0.8)
    matrix = np.array(
        [[1.01, -turn, 3.0], [turn, 1.01, -4.0], [1e-5, -1e-5, 1.0]]
    )  # on the grid of the level
    return warp_points(CENTRES, matrix) - CENTRES


def test_peaks_are_found_to_fractions_of_a_pixel():
    shifts = np.array([[1.3, -2.4], [0.0, 0.0], [-4.6, 3.2]])
    peaks = find_peaks(standardise(hills(shifts), 64), np.zeros((3, 2)), spread=100.0)
    assert np.allclose(peaks.shifts, shifts, atol=0.15)
    assert (peaks.quality > 6.0).all()


def test_a_ridge_tells_only_what_lies_across_it():
    ridge = find_peaks(
        standardise(hills(np.zeros((1, 2)), wide=(2.0, 500.0)), 64), np.zeros((1, 2)), spread=3.0
    )
    assert ridge.information[0, 0, 0] > 0.9
    assert ridge.information[0, 1, 1] < 0.1


@pytest.mark.parametrize('share', [0.0, 0.3])
def test_the_fit_passes_by_outliers(share):
    rng = np.random.default_rng(1)
    shifts = true_shifts()
    wrong = rng.random(len(shifts)) < share
    shifts[wrong] = rng.uniform(-9, 9, (int(wrong.sum()), 2))
    alike = hills(shifts)
    fit = fit_surfaces(surfaces(alike), alike)
    assert np.abs(fit.shifts_at(CENTRES) - true_shifts()).max() < 0.5
    assert fit.inlier[~wrong].all()


def test_flat_surfaces_change_nothing():
    alike = np.zeros((2, len(CENTRES), 21, 21), np.float32)
    fit = fit_surfaces(surfaces(alike), alike)
    assert np.allclose(fit.correction, np.eye(3))
    assert not fit.used.any()


def test_heights_grow_with_the_root_of_pairs():
    one = standardise(hills(np.zeros((1, 2))), 64)
    four = standardise(np.repeat(hills(np.zeros((1, 2))), 4, axis=0), 64)
    assert np.allclose(four, 2.0 * one, rtol=1e-4)
