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

"""The coarse search."""

from __future__ import annotations

import numpy as np

from xspec_ros.core.geometry import warp_points
from xspec_ros.core.registration.coarse import Guess, search


def test_the_best_guess_is_near_the_truth(views, true):
    guesses = search(views[::2], most=2)
    corners = np.array([[40.0, 40.0], [200.0, 40.0], [200.0, 140.0], [40.0, 140.0]])
    off = warp_points(corners, guesses[0].homography((180, 240), (180, 240)))
    assert np.linalg.norm(off - warp_points(corners, true), axis=1).max() < 12.0
    assert guesses[0].score > guesses[1].score
    assert not guesses[0].near(guesses[1])


def test_a_guess_puts_the_centre_where_it_says():
    guess = Guess(score=1.0, zoom=2.0, turn_deg=3.0, shift=(0.1, -0.05))
    centre = warp_points(np.array([[960.0, 540.0]]), guess.homography((1080, 1920), (512, 640)))
    assert np.allclose(centre, [[384.0, 224.0]])
    edge = warp_points(np.array([[1920.0, 540.0]]), guess.homography((1080, 1920), (512, 640)))
    assert np.isclose(np.linalg.norm(edge - centre), 640.0)
