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

"""A first idea of a rig: zoom, turn and shift, searched over many pairs at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.core.registration.structure import (
    resize,
    static_structure,
    structure,
    warp_gray,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.geometry import Matrix
    from xspec_ros.core.registration.structure import Field, Gray, View

    Plane = NDArray[np.float64]
    Spectrum = NDArray[np.complex64] | NDArray[np.complex128]

WIDTH = 128
SURROUNDINGS = 21
SIGMA = 0.8
REACH = 0.3
MIN_OVERLAP = 0.3
ZOOM_STEP = 1.06
ZOOMS = tuple(float(z) for z in np.exp(np.arange(np.log(0.5), np.log(2.05), np.log(ZOOM_STEP))))
TURNS_DEG = (-6.0, -3.0, 0.0, 3.0, 6.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A similarity from RGB to thermal pictures.

    Attributes:
        score: How well the edges of all pairs agree, against the same on a smaller overlap.
        zoom: Width of the RGB picture on the thermal grid over the width of that.
        turn_deg: Turn of the RGB picture.
        shift: (dx, dy) of the RGB picture's centre from the thermal one's, in shares of the
            thermal width.
    """

    score: float
    zoom: float
    turn_deg: float
    shift: tuple[float, float]

    def homography(self, rgb_hw: tuple[int, int], thermal_hw: tuple[int, int]) -> Matrix:
        """Return (3, 3) from RGB to thermal pixel edges for pictures of these sizes."""
        (height, width), scale = thermal_hw, self.zoom * thermal_hw[1] / rgb_hw[1]
        turn = np.deg2rad(self.turn_deg)
        cosine, sine = float(np.cos(turn)) * scale, float(np.sin(turn)) * scale
        x, y = width * (0.5 + self.shift[0]), 0.5 * height + width * self.shift[1]
        to_origin = np.array([[1, 0, -0.5 * rgb_hw[1]], [0, 1, -0.5 * rgb_hw[0]], [0, 0, 1]])
        similarity = np.array([[cosine, -sine, x], [sine, cosine, y], [0.0, 0.0, 1.0]])
        return np.asarray(similarity @ to_origin, np.float64)

    def near(self, other: Guess) -> bool:
        """Tell whether both lead to the same place once they are refined."""
        away = np.hypot(self.shift[0] - other.shift[0], self.shift[1] - other.shift[1])
        return bool(
            abs(self.zoom / other.zoom - 1.0) < 0.1
            and abs(self.turn_deg - other.turn_deg) < 4.0
            and away < 0.06
        )


def search(
    views: Sequence[View], *, most: int, step: Callable[[], None] = lambda: None
) -> list[Guess]:
    """Try zooms and turns; shifts are found by correlation, summed over the pairs.

    Args:
        views: Pairs of one rig.
        most: Guesses wanted.
        step: Called after every zoom.

    Returns:
        Guesses that differ from each other, the best first.
    """
    board = _Board(views)
    found: list[Guess] = []
    for zoom in ZOOMS:
        found += [board.place(zoom, turn_deg) for turn_deg in TURNS_DEG]
        step()
    found.sort(key=lambda guess: guess.score, reverse=True)
    chosen: list[Guess] = []
    for guess in found:
        if len(chosen) == most:
            break
        if not any(guess.near(other) for other in chosen):
            chosen.append(guess)
    return chosen


class _Board:
    """The thermal pictures, ready to be correlated with anything."""

    def __init__(self, views: Sequence[View]) -> None:
        height, width = views[0].thermal_hw
        self.hw = max(8, round(height * WIDTH / width)), WIDTH
        self.reach = int(REACH * self.hw[0]), int(REACH * WIDTH)
        # Shifts up to the reach stay apart from those that come round the other side.
        self.size = tuple(
            cv2.getOptimalDFTSize(side + 2 * reach + 1)
            for side, reach in zip(self.hw, self.reach, strict=True)
        )
        self.corner = tuple(
            (whole - side) // 2 for whole, side in zip(self.size, self.hw, strict=True)
        )

        def thermal_field(view: View) -> Field:
            return self._placed(_field(resize(view.thermal, self.hw)))

        still = static_structure(views, thermal_field)
        fields = [
            thermal_field(view) if still is None else thermal_field(view) - still for view in views
        ]
        self.thermal = [np.conj(np.fft.fft2(field)) for field in fields]
        self.energy = sum(np.conj(np.fft.fft2(_power(field))) for field in fields)
        self.area = np.conj(np.fft.fft2(self._placed(np.ones(self.hw, np.complex64)).real))
        self.rgb = [_narrow(view.rgb) for view in views]

    def place(self, zoom: float, turn_deg: float) -> Guess:
        """Return the best shift at this zoom and turn."""
        start = Guess(score=0.0, zoom=zoom, turn_deg=turn_deg, shift=(0.0, 0.0))
        move = np.array([[1, 0, self.corner[1]], [0, 1, self.corner[0]], [0, 0, 1]])
        shared = np.zeros(self.size, np.complex128)
        power = np.zeros(self.size, np.float64)
        inside = np.zeros(self.size, np.bool_)
        for thermal, rgb in zip(self.thermal, self.rgb, strict=True):
            matrix = move @ start.homography((rgb.shape[0], rgb.shape[1]), self.hw)
            warped, inside = warp_gray(rgb, matrix, (self.size[0], self.size[1]))
            field = _field(warped, inside)
            shared += thermal * np.fft.fft2(field)
            power += _power(field)
        cover = np.fft.fft2(inside.astype(np.float32))
        overlap = self._window(self.area * cover) / (self.hw[0] * self.hw[1])
        energies = self._window(self.energy * cover) * self._window(self.area * np.fft.fft2(power))
        alike = self._window(shared) / np.sqrt(np.maximum(energies, 1e-9))
        # Chance agrees better on a smaller overlap, by the root of its area.
        score = np.where(overlap >= MIN_OVERLAP, alike * np.sqrt(np.maximum(overlap, 0.0)), -1.0)
        row, column = np.unravel_index(int(score.argmax()), score.shape)
        down, right = int(row) - self.reach[0], int(column) - self.reach[1]
        return Guess(
            score=float(score[row, column]),
            zoom=zoom,
            turn_deg=turn_deg,
            shift=(-right / WIDTH, -down / WIDTH),
        )

    def _placed(self, field: Field) -> Field:
        whole = np.zeros(self.size, np.complex64)
        (top, left), (height, width) = self.corner, self.hw
        whole[top : top + height, left : left + width] = field
        return whole

    def _window(self, spectrum: Spectrum) -> Plane:
        """Return (2 ry + 1, 2 rx + 1): a correlation at the shifts within reach."""
        down, across = (np.arange(-reach, reach + 1) for reach in self.reach)
        plane = np.fft.ifft2(spectrum).real
        return np.asarray(plane[np.ix_(down % self.size[0], across % self.size[1])], np.float64)


def _field(gray: Gray, inside: NDArray[np.bool_] | None = None) -> Field:
    return structure(gray, inside, surroundings=SURROUNDINGS, sigma=SIGMA)


def _power(field: Field) -> NDArray[np.float32]:
    return np.asarray(field.real**2 + field.imag**2, np.float32)


def _narrow(rgb: Gray) -> Gray:
    """Shrink an RGB picture to what the largest zoom needs."""
    height, width = rgb.shape
    most = 2 * WIDTH
    return rgb if width <= most else resize(rgb, (max(8, round(height * most / width)), most))
