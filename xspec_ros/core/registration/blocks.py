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

"""Where the blocks of the thermal pictures are found again: correlation surfaces of every pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

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
    from xspec_ros.core.registration.structure import Field, Mask, View

    Corners = list[tuple[int, int]]
    Stack = NDArray[np.float32]

Number = TypeVar('Number', np.float32, np.complex64)

MIN_COVER = 0.6
# A block without edges must not correlate by the little noise in it.
LEAST_ENERGY = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One resolution of the search.

    Attributes:
        width: Columns of the thermal picture there.
        block: Side of a block.
        reach: Largest displacement searched, in pixels of the level.
        scales: Distances from the homography, in pixels of the level, at which a block begins
            to count as an outlier, one round of fitting each.
    """

    width: int
    block: int
    reach: int
    scales: tuple[float, ...]

    def size_hw(self, thermal_hw: tuple[int, int]) -> tuple[int, int]:
        """Return the rows and columns of a thermal picture at this level."""
        return max(1, round(thermal_hw[0] * self.width / thermal_hw[1])), self.width

    def scaling(self, thermal_hw: tuple[int, int]) -> Matrix:
        """Return (3, 3) from pixels of the thermal picture to pixels of the level."""
        height, width = self.size_hw(thermal_hw)
        return np.diag([width / thermal_hw[1], height / thermal_hw[0], 1.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Surfaces:
    """How well blocks of every pair agree at every displacement; pixels of the level.

    Attributes:
        level: The resolution.
        size_hw: Rows and columns of the thermal picture there.
        centres: (N, 2) float64 x, y of the blocks, along pixel edges.
        seen: (N,) bool, whether RGB covers enough of the block.
        alike: (F, N, D, D) float32 correlation of every pair and block at displacements from
            -reach to reach, rows dy and columns dx: what lies at x in the thermal picture was
            looked for at x + d in the RGB picture on the thermal grid.
    """

    level: Level
    size_hw: tuple[int, int]
    centres: NDArray[np.float64]
    seen: Mask
    alike: Stack

    def of_pairs(self, chosen: Sequence[int] | NDArray[np.intp]) -> Stack:
        """Return the (f, N, D, D) surfaces of some of the pairs."""
        return self.alike[np.asarray(chosen, np.intp)]


def find_blocks(
    views: Sequence[View],
    homography: Matrix,
    level: Level,
    *,
    step: Callable[[], None] = lambda: None,
) -> Surfaces:
    """Correlate every block of every pair around where a homography puts it.

    Args:
        views: Pairs of one rig.
        homography: (3, 3) from RGB to thermal pixels, as good as is known.
        level: Resolution, block size and reach.
        step: Called after every pair.

    Returns:
        The surfaces.
    """
    thermal_hw = views[0].thermal_hw
    size_hw = level.size_hw(thermal_hw)
    corners = _corners(size_hw, level.block)
    side = 2 * level.reach + 1
    alike = np.empty((len(views), len(corners), side, side), np.float32)
    seen = np.zeros(len(corners), np.bool_)

    def thermal_field(view: View) -> Field:
        return structure(resize(view.thermal, size_hw))

    still = static_structure(views, thermal_field)
    for index, view in enumerate(views):
        thermal = thermal_field(view) if still is None else thermal_field(view) - still
        rgb, inside = rgb_on_level(view, homography, level, margin=level.reach)
        field = structure(rgb, inside)
        alike[index] = _correlate(thermal, field, inside, corners, level=level)
        if index == 0:
            seen = _covered(inside, corners, level)
        step()
    centres = np.array([(x + level.block / 2.0, y + level.block / 2.0) for y, x in corners])
    return Surfaces(level=level, size_hw=size_hw, centres=centres, seen=seen, alike=alike)


def rgb_on_level(
    view: View, homography: Matrix, level: Level, *, margin: int = 0
) -> tuple[NDArray[np.float32], Mask]:
    """Lay the RGB picture of a pair on the thermal grid of a level.

    Args:
        view: The pair.
        homography: (3, 3) between the pictures as they came.
        level: The resolution.
        margin: Pixels added on every side of the grid.

    Returns:
        (h, w) float32 and (h, w) bool, where there is RGB.
    """
    height, width = level.size_hw(view.thermal_hw)
    working = view.rgb.shape
    to_given = np.diag([view.rgb_hw[1] / working[1], view.rgb_hw[0] / working[0], 1.0])
    move = np.array([[1.0, 0.0, margin], [0.0, 1.0, margin], [0.0, 0.0, 1.0]])
    matrix = move @ level.scaling(view.thermal_hw) @ homography @ to_given
    return warp_gray(view.rgb, matrix, (height + 2 * margin, width + 2 * margin))


def _corners(size_hw: tuple[int, int], block: int) -> Corners:
    """Top left corners of blocks that overlap by about a third and reach every border."""
    rows, columns = (
        np.linspace(0, max(0, side - block), 1 + max(0, -(-(side - block) * 3 // (2 * block))))
        for side in size_hw
    )
    return [(round(y), round(x)) for y in rows.tolist() for x in columns.tolist()]


def _covered(inside: Mask, corners: Corners, level: Level) -> Mask:
    margin, block = level.reach, level.block
    shares = [
        inside[y + margin : y + margin + block, x + margin : x + margin + block].mean()
        for y, x in corners
    ]
    return np.asarray(np.array(shares) >= MIN_COVER, np.bool_)


def _correlate(
    thermal: Field, rgb: Field, inside: Mask, corners: Corners, *, level: Level
) -> Stack:
    """Return (N, D, D) float32 correlations of the blocks, by Fourier transform."""
    block, side = level.block, 2 * level.reach + 1
    wide = block + side - 1
    whole = cv2.getOptimalDFTSize(wide)
    size = (whole, whole)
    blocks = np.stack([_cut(thermal, y, x, block) for y, x in corners])
    around = np.stack([_cut(rgb, y, x, wide) for y, x in corners])  # the margin moves them
    spectrum = np.conj(np.fft.fft2(blocks, size)) * np.fft.fft2(around, size)
    shared = np.fft.ifft2(spectrum).real[:, :side, :side]
    sums = cv2.boxFilter(
        _power(rgb),
        -1,
        (block, block),
        anchor=(0, 0),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    found = np.stack([_cut(np.asarray(sums, np.float32), y, x, side) for y, x in corners])
    power = _power(blocks)
    own = np.broadcast_to(power.sum(axis=(1, 2))[:, None, None], found.shape).copy()
    # Where RGB ends inside the window, only what it covers counts: else every such block would
    # like best to lie further in.
    covers = np.stack([_cut(inside.astype(np.float32), y, x, wide) for y, x in corners])
    cut = np.flatnonzero(covers.min(axis=(1, 2)) < 1.0)
    if len(cut):
        reached = np.conj(np.fft.fft2(power[cut], size)) * np.fft.fft2(covers[cut], size)
        own[cut] = np.maximum(np.fft.ifft2(reached).real[:, :side, :side], 0.0)
    least = np.float32(LEAST_ENERGY * block * block)
    return np.asarray(shared / np.sqrt((own + least) * (found + least)), np.float32)


def _power(field: Field) -> Stack:
    return np.asarray(field.real**2 + field.imag**2, np.float32)


def _cut(plane: NDArray[Number], y: int, x: int, side: int) -> NDArray[Number]:
    """Cut a square, filled with zeros where the plane ends."""
    part = plane[y : y + side, x : x + side]
    if part.shape == (side, side):
        return part
    whole = np.zeros((side, side), plane.dtype)
    whole[: part.shape[0], : part.shape[1]] = part
    return whole
