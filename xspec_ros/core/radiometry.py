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

"""Thermal counts: what they mean in kelvin, and the tone mapping that the network sees.

One tone mapping serves training, export and live: percentiles of a regular sample of the picture
become 0 and 1. Live, they are smoothed over time by the frames' own stamps, so that a hot object
does not make the rest of the picture pump; a scene cut or a new epoch starts afresh.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.levels import (
    find_levels,
    layout_ranks,
    level_range,
    Levels,
    MIN_SPAN,
    quantile,
    same_layout,
)
from xspec_ros.core.limits import CELSIUS_ZERO_K, FLOAT_RANGE_K
from xspec_ros.core.shutter import FreezeDetector, is_constant, sample_pixels
from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import Frame, PixelArray

PLAUSIBLE_K = (213.15, 873.15)
"""A median outside -60 to 600 degrees Celsius means that the preset is wrong."""

MEDIAN_JUMP = 8.0
"""A gain switch multiplies the counts by ten; no scene does that."""

NOMINAL_PERIOD_S = 1 / 30
"""Assumed between frames without stamps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Radiometry:
    """Temperature of a count: kelvin = scale * count + offset_k.

    Attributes:
        name: Name of the preset.
        scale: Kelvin a count; None where counts are no temperature.
        offset_k: Kelvin at count 0.
    """

    name: str
    scale: float | None = None
    offset_k: float = 0.0

    def kelvin(self, count: float) -> float:
        """Return the temperature of a count, NaN where counts are no temperature."""
        return math.nan if self.scale is None else self.scale * count + self.offset_k

    def count(self, temp_k: float) -> float:
        """Return the count of a temperature, NaN where counts are no temperature."""
        return math.nan if self.scale is None else (temp_k - self.offset_k) / self.scale

    def to_kelvin(self, image: PixelArray) -> NDArray[np.float32]:
        """Convert a picture.

        Args:
            image: (H, W) counts.

        Returns:
            (H, W) float32 kelvin.

        Raises:
            ConfigError: The preset says that counts are no temperature.
        """
        if self.scale is None:
            message = f'radiometry preset {self.name!r} has no temperature'
            raise ConfigError(message, hint='name the preset of your camera')
        return image.astype(np.float32) * np.float32(self.scale) + np.float32(self.offset_k)


RADIOMETRY: dict[str, Radiometry] = {
    preset.name: preset
    for preset in (
        Radiometry(name='counts'),
        Radiometry(name='centikelvin', scale=0.01),
        Radiometry(name='decikelvin', scale=0.1),
        Radiometry(name='tlinear_0.04', scale=0.04),
        Radiometry(name='tlinear_0.4', scale=0.4),
        Radiometry(name='infiray_64', scale=1 / 64),
        Radiometry(name='optris', scale=0.1, offset_k=CELSIUS_ZERO_K - 100.0),
        Radiometry(name='celsius_float', scale=1.0, offset_k=CELSIUS_ZERO_K),
        Radiometry(name='kelvin_float', scale=1.0),
    )
}
"""Presets by name (ros-contract: drivers); the camera's documentation decides, never the data."""


def find_radiometry(name: str) -> Radiometry:
    """Look a preset up.

    Raises:
        ConfigError: Unknown name.
    """
    if name not in RADIOMETRY:
        message = f'unknown radiometry preset {name!r}'
        raise ConfigError(message, hint=f'known: {", ".join(sorted(RADIOMETRY))}')
    return RADIOMETRY[name]


def decoded_radiometry(
    preset: Radiometry, encoding: str, float_range_k: tuple[float, float] = FLOAT_RANGE_K
) -> Radiometry:
    """Return what the counts of a decoded frame mean.

    Args:
        preset: What the values in the message mean.
        encoding: Encoding of the message.
        float_range_k: ``DecodeLimits.float_range_k`` that it was decoded with.

    Returns:
        ``preset`` for unsigned counts; shifted for 16SC1; the quantisation of 32FC1. 8-bit
        pictures went through the camera's own contrast control and have no temperature.
    """
    if encoding in {'mono8', '8UC1'}:
        return RADIOMETRY['counts']
    if encoding == '32FC1':
        low, high = float_range_k
        return Radiometry(name='32FC1', scale=(high - low) / 65535.0, offset_k=low)
    if encoding == '16SC1' and preset.scale is not None:
        offset_k = preset.offset_k - 32768 * preset.scale
        return Radiometry(name=preset.name, scale=preset.scale, offset_k=offset_k)
    return preset


def tone_range(
    image: PixelArray, low_percentile: float = 1.0, high_percentile: float = 99.0
) -> tuple[float, float]:
    """Return the counts that become 0 and 1 for a single picture, as in training.

    Args:
        image: (H, W) uint8 or uint16 counts.
        low_percentile: Percentile that becomes 0, in [0, 100].
        high_percentile: Percentile that becomes 1, above ``low_percentile``.

    Returns:
        Low and high, high at least one count above low. Gain and offset of the counts cancel in
        the tone that follows.
    """
    return level_range(image, _ordered_sample(image), (low_percentile, high_percentile))


def apply_tone(image: PixelArray, low: float, high: float) -> NDArray[np.float32]:
    """Map counts to [0, 1] as the exported graph does: clip((x - low) / (high - low), 0, 1).

    Args:
        image: (H, W) uint8 or uint16 counts.
        low: Count that becomes 0.
        high: Count that becomes 1; above ``low``.

    Returns:
        (H, W) float32.
    """
    tone = image.astype(np.float32)
    tone -= np.float32(low)
    tone /= np.float32(max(high - low, MIN_SPAN))
    return np.clip(tone, 0.0, 1.0, out=tone)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneState:
    """What the tracker knows after a frame.

    Attributes:
        low: Count that becomes 0.
        high: Count that becomes 1.
        constant: Every pixel has one value: the shutter is closed, the frame is no scene.
        frozen: Bit-identical to the frame before, at a later stamp.
        median: Median count of this frame.
        median_k: Median in kelvin under the preset, NaN where there is none.
        frozen_s: How long the stream has been frozen, by stamps.
        restarted: Smoothing began afresh with this frame: first frame, scene cut or epoch.
        scale_suspect: The median is implausible under the preset, or jumped as by a gain switch.
    """

    low: float
    high: float
    constant: bool
    frozen: bool
    median: float
    median_k: float = math.nan
    frozen_s: float = 0.0
    restarted: bool = False
    scale_suspect: bool = False


class ToneTracker:
    """Follows the tone range of one thermal camera over every frame received.

    Args:
        low_percentile: Percentile that becomes 0.
        high_percentile: Percentile that becomes 1.
        smoothing_s: Time constant of the smoothing in seconds of stamps; 0 for none.
        radiometry: Preset of the camera, by name or as a value.
        range_k: Fixed tone range in kelvin; None for percentiles.
        float_range_k: ``DecodeLimits.float_range_k`` of the decoder before it.
        jump_threshold_s: A stamp further back than this starts a new epoch.

    Raises:
        ConfigError: Percentiles, range or preset do not make sense.
    """

    def __init__(
        self,
        *,
        low_percentile: float = 1.0,
        high_percentile: float = 99.0,
        smoothing_s: float = 0.5,
        radiometry: str | Radiometry = 'counts',
        range_k: tuple[float, float] | None = None,
        float_range_k: tuple[float, float] = FLOAT_RANGE_K,
        jump_threshold_s: float = 0.5,
    ) -> None:
        _check_settings((low_percentile, high_percentile), smoothing_s, range_k)
        self.percentiles = (low_percentile, high_percentile)
        self.smoothing_s = smoothing_s
        self.radiometry = (
            find_radiometry(radiometry) if isinstance(radiometry, str) else radiometry
        )
        if range_k is not None and self.radiometry.scale is None:
            message = f'fixed tone range {range_k} K without a temperature scale'
            raise ConfigError(message, hint='set radiometry to the preset of your camera')
        self.range_k = range_k
        self.float_range_k = float_range_k
        self.jump_threshold_s = jump_threshold_s
        self._freeze = FreezeDetector()
        self._layout: NDArray[np.float32] | None = None
        self._levels: Levels | None = None
        self._stamp_ns = 0
        self._dtype: np.dtype[np.uint8] | np.dtype[np.uint16] | None = None
        self._usual_median: float | None = None

    def update(self, frame: Frame) -> ToneState:
        """Take the next frame of the camera, also one that will be dropped.

        Args:
            frame: A thermal frame; stamps give the time.

        Returns:
            The range to use for this frame, and what is odd about it. A constant frame leaves
            the range as it was.
        """
        image = frame.image
        step_s = self._step_s(frame)
        ordered = _ordered_sample(image)
        still = self._freeze.update(frame, ordered)
        constant = bool(ordered[0] == ordered[-1]) and is_constant(image, ordered)
        median = quantile(ordered, 50.0)
        scale = decoded_radiometry(self.radiometry, frame.encoding, self.float_range_k)
        restarted = False
        if not constant:
            restarted = self._follow(image, ordered, step_s)
        low, high = self._current(scale, median)
        return ToneState(
            low=low,
            high=high,
            constant=constant,
            frozen=still.frozen,
            median=median,
            median_k=scale.kelvin(median),
            frozen_s=still.frozen_s,
            restarted=restarted,
            scale_suspect=not constant and self._is_suspect(scale, median, image.dtype.itemsize),
        )

    def reset(self) -> None:
        """Forget the past: a new epoch begins."""
        self._freeze.reset()
        self._layout = None
        self._levels = None
        self._usual_median = None
        self._stamp_ns = 0

    def _step_s(self, frame: Frame) -> float:
        """Return the time since the last frame; start afresh when time or depth jump."""
        step_s = (frame.stamp_ns - self._stamp_ns) / 1e9
        if step_s < -self.jump_threshold_s or frame.image.dtype != self._dtype:
            self.reset()
        self._dtype = frame.image.dtype
        self._stamp_ns = max(self._stamp_ns, frame.stamp_ns)
        return NOMINAL_PERIOD_S if frame.stamp_ns == 0 else max(0.0, step_s)

    def _follow(self, image: PixelArray, ordered: PixelArray, step_s: float) -> bool:
        """Move the smoothed levels towards this frame's; return whether they began afresh."""
        new = find_levels(image, ordered, self.percentiles)
        layout, last = layout_ranks(image, new.spread), self._layout
        self._layout = layout
        known = self._levels is not None and last is not None and same_layout(last, layout)
        if self._levels is None or not known or self._levels.is_cut(new):
            self._levels = new
            return True
        weight = 1.0 if self.smoothing_s <= 0.0 else 1.0 - math.exp(-step_s / self.smoothing_s)
        self._levels = self._levels.moved(new, weight)
        return False

    def _current(self, scale: Radiometry, median: float) -> tuple[float, float]:
        if self.range_k is not None and scale.scale is not None:
            return scale.count(self.range_k[0]), scale.count(self.range_k[1])
        if self._levels is None:
            return median, median + MIN_SPAN
        return self._levels.low, max(self._levels.high, self._levels.low + MIN_SPAN)

    def _is_suspect(self, scale: Radiometry, median: float, item_bytes: int) -> bool:
        """Judge the median under the preset and against what it used to be."""
        if item_bytes == 1:  # the camera's own contrast control: any median is fine
            return self.range_k is not None
        if (
            scale.scale is not None
            and not PLAUSIBLE_K[0] <= scale.kelvin(median) <= PLAUSIBLE_K[1]
        ):
            return True
        if self._usual_median is None:
            self._usual_median = median
            return False
        ratio = max(median, 1.0) / max(self._usual_median, 1.0)
        if not 1 / MEDIAN_JUMP < ratio < MEDIAN_JUMP:
            return True
        self._usual_median += 0.05 * (median - self._usual_median)
        return False


def _check_settings(
    percentiles: tuple[float, float], smoothing_s: float, range_k: tuple[float, float] | None
) -> None:
    low, high = percentiles
    if not 0.0 <= low < high <= 100.0:
        message = f'tone percentiles {low} and {high}'
        raise ConfigError(message, hint='0 <= low < high <= 100')
    if not (math.isfinite(smoothing_s) and smoothing_s >= 0.0):
        message = f'tone smoothing_s {smoothing_s}'
        raise ConfigError(message, hint='seconds, 0 or more')
    if range_k is not None and not 0.0 <= range_k[0] < range_k[1] < math.inf:
        message = f'fixed tone range {range_k}'
        raise ConfigError(message, hint='0 <= low < high, in kelvin')


def _ordered_sample(image: PixelArray) -> PixelArray:
    sample = sample_pixels(image)
    sample.sort(kind='stable')  # a radix sort for these dtypes: 0.05 ms
    return sample
