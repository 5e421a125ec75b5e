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

"""Robust levels and layout of a picture, and whether two pictures show one scene.

Both ignore gain and offset of the counts, and neither is moved by a small hot object.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.core.shutter import sample_grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray

MIN_SPAN = 1.0
"""Counts between low and high at least, so that nothing is divided by zero."""

CUT_SPREAD = 4.0
"""The middle half of the histogram this much wider or narrower is another scene or gain."""

CUT_CORRELATION = 0.7
"""Rank correlation of two layouts below this is another scene: a pan by 3 % of the width stays
above it, unrelated road scenes have 0 to 0.6 (measured on MSRS, MFNet, RoadScene, HIT-UAV)."""

LAYOUT_WH = (20, 16)
"""Cells of the layout: coarse enough to outlast a pan, fine enough to tell scenes apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Robust levels of a histogram, in counts.

    Attributes:
        low: Count that becomes 0.
        high: Count that becomes 1, at least one above low.
        median: The middle.
        spread: Width of the middle half, at least a twentieth of the range.
    """

    low: float
    high: float
    median: float
    spread: float

    def moved(self, towards: Levels, weight: float) -> Levels:
        """Return the levels a share of the way to others; weight in [0, 1]."""
        return Levels(
            low=self.low + weight * (towards.low - self.low),
            high=self.high + weight * (towards.high - self.high),
            median=self.median + weight * (towards.median - self.median),
            spread=self.spread + weight * (towards.spread - self.spread),
        )

    def is_cut(self, new: Levels) -> bool:
        """Tell another scene or gain from a scene that changes.

        A hot object moves the upper percentile only; a cut moves the median out of the old range
        or changes the width of the middle half.
        """
        ratio = new.spread / self.spread
        steady = 1 / CUT_SPREAD <= ratio <= CUT_SPREAD
        return not (steady and self.low <= new.median <= self.high)


def quantile(ordered: PixelArray, percentile: float) -> float:
    """Return an order statistic of sorted pixels; no interpolation, so gains cancel exactly."""
    return float(ordered[round(percentile / 100.0 * (ordered.size - 1))])


def level_range(
    image: PixelArray, ordered: PixelArray, percentiles: tuple[float, float]
) -> tuple[float, float]:
    """Return the counts at two percentiles, at least one count apart.

    Args:
        image: (H, W) counts.
        ordered: (n,) sorted sample of it.
        percentiles: Low and high, in [0, 100].
    """
    low, high = quantile(ordered, percentiles[0]), quantile(ordered, percentiles[1])
    if high <= low:  # nearly all pixels equal: what differs is all there is to see
        low, high = float(image.min()), float(image.max())
    return low, max(high, low + MIN_SPAN)


def find_levels(
    image: PixelArray, ordered: PixelArray, percentiles: tuple[float, float]
) -> Levels:
    """Measure the levels of a picture; arguments as in ``level_range``."""
    low, high = level_range(image, ordered, percentiles)
    # A twentieth of the range floors the spread: few grey levels are no cut.
    spread = max(quantile(ordered, 75.0) - quantile(ordered, 25.0), 0.05 * (high - low))
    return Levels(low=low, high=high, median=quantile(ordered, 50.0), spread=spread)


def layout_ranks(image: PixelArray, spread: float) -> NDArray[np.float32]:
    """Describe where a picture is warm and where it is cold.

    Args:
        image: (H, W) counts.
        spread: ``Levels.spread`` of it.

    Returns:
        (n,) float32 of norm 1: ranks of 20 x 16 cell means, centred. Ranks, so that neither gain
        nor a hot object matters; the product of two is their rank correlation. All 0 where the
        cells differ no more than noise makes them differ, as in fog.
    """
    grid = sample_grid(image)
    cells = cv2.resize(grid, LAYOUT_WH, interpolation=cv2.INTER_AREA).ravel()
    order = np.argsort(cells, kind='stable')
    ranks = np.zeros(order.size, np.float32)
    middle_half = float(cells[order[3 * order.size // 4]]) - float(cells[order[order.size // 4]])
    if middle_half <= 2.0 * spread * math.sqrt(order.size / grid.size):
        return ranks
    ranks[order] = np.arange(order.size, dtype=np.float32) - np.float32((order.size - 1) / 2)
    return ranks / np.float32(np.linalg.norm(ranks))


def same_layout(first: NDArray[np.float32], second: NDArray[np.float32]) -> bool:
    """Tell whether two layouts may be of one scene; one without structure may be of any."""
    return not (first.any() and second.any()) or float(first @ second) >= CUT_CORRELATION
