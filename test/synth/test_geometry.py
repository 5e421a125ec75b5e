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

from dataclasses import replace

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
import numpy as np
import pytest

from xspec_ros.synth.camera import Camera, Place
from xspec_ros.synth.canvas import Canvas, capsules, Paint, Patch
from xspec_ros.synth.layout import Path

CAMERA = Camera(
    size_wh=(640, 480),
    focal=600.0,
    centre_u=320.0,
    horizon_v=240.0,
    height=1.5,
    lateral=0.0,
    station=0.0,
    bend=0.0,
    rise=0.0,
)


def test_points_project_by_similar_triangles():
    pixel = CAMERA.project(np.array([2.0, 10.0, 0.0]))
    assert pixel.tolist() == pytest.approx([320 + 600 * 0.2, 240 + 600 * 0.15])


@hypothesis_settings(max_examples=30, deadline=None)
@given(rise=st.floats(-0.002, 0.002), high=st.floats(0.5, 3.0))
def test_ground_rows_invert_the_projection(rise, high):
    camera = replace(CAMERA, rise=rise, height=high)
    first, distances = camera.ground_rows()
    ground = np.stack([np.zeros_like(distances), distances, np.zeros_like(distances)], axis=1)
    rows = camera.project(ground)[:, 1]
    assert rows == pytest.approx(first + np.arange(len(distances)) + 0.5, abs=1e-6)
    assert np.all(np.diff(distances) < 0)


def test_a_camera_to_the_right_sees_things_further_left():
    point = np.array([1.0, 8.0, 1.0])
    assert CAMERA.shifted(0.2).project(point)[0] < CAMERA.project(point)[0]


def test_heading_turns_forward_to_the_right():
    place = Place(lateral=1.0, station=0.0, ahead=10.0, heading=np.pi / 2)
    assert place.points(np.array([2.0, 0.0, 0.5])).tolist() == pytest.approx([3.0, 10.0, 0.5])


def test_paths_turn_back_at_their_bounds():
    path = Path(lateral=0.0, station=0.0, across=1.0, bounds=(-2.0, 2.0))
    laterals = [path.at(t)[0] for t in np.arange(0.0, 20.0, 0.5)]
    assert min(laterals) >= -2.0
    assert max(laterals) <= 2.0
    assert path.at(3.0)[2] == pytest.approx(-np.pi / 2)


def test_capsules_hold_both_ends():
    outline = capsules(np.array([[0.0, 0.0]]), np.array([[10.0, 0.0]]), np.array([[2.0, 1.0]]))[0]
    assert outline.min(axis=0).tolist() == pytest.approx([-2.0, -2.0], abs=0.1)
    assert outline.max(axis=0).tolist() == pytest.approx([11.0, 2.0], abs=0.2)


def test_a_patch_counts_what_lies_outside_the_picture():
    canvas = Canvas.blank((64, 64))
    square = np.array([[-10.0, 10.0], [10.0, 10.0], [10.0, 30.0], [-10.0, 30.0]])
    paint = Paint(colour=(10.0, 20.0, 30.0), heat=300.0)
    patch = Patch.around(square, paint, margin=1.0, limit=100)
    assert patch is not None
    patch.fill(square, 1)
    ident = patch.stamp(canvas, 8)
    seen = int((canvas.ident == ident).sum())
    whole, _ = canvas.whole[ident]
    assert seen == pytest.approx(whole / 2, rel=0.1)
    assert canvas.label_map()[20, 5] == 8
    assert canvas.heat[20, 5] == 300.0
