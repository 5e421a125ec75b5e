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

"""What differs between cameras and hours: tone, noise, blur, polarity, occlusion."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, TYPE_CHECKING

import cv2
import msgspec
import numpy as np

from xspec_ros.core.labels import UNLABELLED
from xspec_ros.core.radiometry import tone_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.core.frame import PixelArray, UInt8Array
    from xspec_ros.learn.data.geometry import Crop, CroppedLabels

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]


class PhotoArgs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How pixels are changed, all in units of the tone-mapped range [0, 1].

    Attributes:
        percentile: Largest change of the tone mapping's percentiles, in percent of pixels.
        gain: Largest change of the contrast.
        offset: Largest change of the level.
        gamma: Largest change of the exponent, as a factor either way.
        equalise: Share of crops that go part of the way to an equalised histogram, as cameras'
            own contrast control does.
        invert: Share of crops with inverted polarity (white-hot to black-hot).
        noise: Largest standard deviation of temporal noise (NETD).
        fixed_pattern: Largest standard deviation of column and row offsets.
        blur: Share of blurred crops.
        erase: Share of crops with rectangles put over them.
    """

    percentile: Amount = 0.8
    gain: Amount = 0.25
    offset: Amount = 0.12
    gamma: Annotated[float, msgspec.Meta(ge=1)] = 1.5
    equalise: Share = 0.3
    invert: Share = 0.05
    noise: Amount = 0.03
    fixed_pattern: Amount = 0.015
    blur: Share = 0.2
    erase: Share = 0.15


def thermal_crop(
    image: PixelArray,
    crop: Crop,
    args: PhotoArgs,
    rng: np.random.Generator,
    *,
    percentiles: tuple[float, float],
    look: PixelArray | None = None,
) -> NDArray[np.float32]:
    """Cut a thermal crop and map it to [0, 1] as deployment does, jittered.

    Args:
        image: (H, W) uint8 or uint16, the whole picture: the tone range is the picture's.
        crop: The geometry.
        args: Amounts.
        rng: Random numbers.
        percentiles: The tone mapping's own low and high percentile.
        look: (H', W') thermal picture whose histogram the crop is to have, or None.

    Returns:
        (h, w) float32 in [0, 1].
    """
    jitter = rng.uniform(-1, 1, 2) * args.percentile
    low_percentile = max(percentiles[0] + jitter[0], 0.0)
    high_percentile = min(percentiles[1] + jitter[1], 100.0)
    low, high = tone_range(image, low_percentile, high_percentile)
    cut = crop.warp(image, nearest=False, fill=low).astype(np.float32)
    x = np.clip((cut - low) / max(high - low, 1.0), 0.0, 1.0)
    if look is not None:
        x = _resemble(x, _toned(image, low, high), _toned(look, *tone_range(look, *percentiles)))
    if rng.random() < args.equalise:
        x = _equalise(x, _toned(image, low, high), rng)
    x = _jitter_tone(x, args, rng)
    if rng.random() < args.invert:
        x = 1.0 - x
    x = _blur(x, args, rng)
    return _sensor_noise(x, args, rng)


def rgb_crop(
    image: UInt8Array,
    crop: Crop,
    args: PhotoArgs,
    rng: np.random.Generator,
    *,
    look: UInt8Array | None = None,
) -> NDArray[np.float32]:
    """Cut an RGB crop and jitter exposure, colour, sharpness and noise.

    Args:
        image: (H, W, 3) uint8.
        crop: The geometry.
        args: Amounts; percentile and polarity do not apply.
        rng: Random numbers.
        look: (H', W', 3) RGB picture whose histograms the crop is to have, or None.

    Returns:
        (h, w, 3) float32 in [0, 1].
    """
    x = crop.warp(image, nearest=False, fill=0).astype(np.float32) / 255.0
    if look is not None:
        pairs = zip(
            *(_toned(each, 0.0, 255.0).transpose(2, 0, 1) for each in (image, look)), strict=True
        )
        x = np.stack(
            [_resemble(x[..., c], own, other) for c, (own, other) in enumerate(pairs)], -1
        )
    balance = 1.0 + rng.uniform(-0.5, 0.5, 3) * args.gain
    x = _jitter_tone((x * balance).astype(np.float32), args, rng)
    x = _blur(x, args, rng)
    sigma = rng.uniform(0, args.noise)
    x += rng.standard_normal(x.shape, np.float32) * np.float32(sigma)
    return np.clip(x, 0.0, 1.0).astype(np.float32)


def erase(
    images: list[NDArray[np.float32]],
    labels: CroppedLabels,
    args: PhotoArgs,
    rng: np.random.Generator,
) -> CroppedLabels:
    """Put up to three rectangles over the crop, in place, the same in every modality.

    Args:
        images: (h, w[, C]) float32 pictures of one crop, changed in place.
        labels: Labels of the crop.
        args: Amounts.
        rng: Random numbers.

    Returns:
        Labels: covered pixels unlabelled; boxes more than half covered are regions to ignore.
    """
    if rng.random() >= args.erase:
        return labels
    height, width = labels.label_map.shape
    label_map, crowd = labels.label_map.copy(), labels.box_crowd.copy()
    boxes = labels.boxes_xyxy
    area = np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 1e-6)
    for _ in range(int(rng.integers(1, 4))):
        h, w = (int(side * rng.uniform(0.05, 0.25)) + 1 for side in (height, width))
        top, left = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
        for image in images:
            image[top : top + h, left : left + w] = np.float32(rng.random())
        label_map[top : top + h, left : left + w] = UNLABELLED
        across = np.minimum(boxes[:, 2], left + w) - np.maximum(boxes[:, 0], left)
        down = np.minimum(boxes[:, 3], top + h) - np.maximum(boxes[:, 1], top)
        crowd |= across.clip(0) * down.clip(0) > 0.5 * area
    return replace(labels, label_map=label_map, box_crowd=crowd)


def _toned(image: PixelArray, low: float, high: float) -> NDArray[np.float32]:
    """Return every fifth pixel on the scale of the tone mapping, enough for a histogram."""
    coarse = image[::5, ::5].astype(np.float32)
    return np.asarray(np.clip((coarse - low) / max(high - low, 1.0), 0.0, 1.0), np.float32)


def _resemble(
    x: NDArray[np.float32], own: NDArray[np.float32], other: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Map grey levels so that the picture's histogram becomes that of another."""
    share = np.linspace(0.0, 1.0, 65, dtype=np.float32)
    levels = np.maximum.accumulate(np.quantile(own, share) + np.arange(65) * 1e-6)
    return np.asarray(np.interp(x, levels, np.quantile(other, share)), np.float32)


def _equalise(
    x: NDArray[np.float32], whole: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Blend with the picture's own cumulative histogram."""
    share = np.linspace(0.0, 1.0, 33, dtype=np.float32)
    levels = np.quantile(whole, share)
    amount = np.float32(rng.uniform(0.2, 1.0))
    equal = np.interp(x, levels, share).astype(np.float32)
    return np.asarray(x + amount * (equal - x), np.float32)


def _jitter_tone(
    x: NDArray[np.float32], args: PhotoArgs, rng: np.random.Generator
) -> NDArray[np.float32]:
    gain = 1.0 + rng.uniform(-1, 1) * args.gain
    offset = rng.uniform(-1, 1) * args.offset
    gamma = float(np.exp(rng.uniform(-1, 1) * np.log(args.gamma)))
    x = np.asarray(cv2.pow(np.clip(x, 0.0, 1.0), gamma), np.float32)
    x = (x - np.float32(0.5)) * np.float32(gain) + np.float32(0.5 + offset)
    return np.asarray(np.clip(x, 0.0, 1.0), np.float32)


def _blur(
    x: NDArray[np.float32], args: PhotoArgs, rng: np.random.Generator
) -> NDArray[np.float32]:
    if rng.random() >= args.blur:
        return x
    return np.asarray(cv2.GaussianBlur(x, (0, 0), float(rng.uniform(0.4, 1.4))), np.float32)


def _sensor_noise(
    x: NDArray[np.float32], args: PhotoArgs, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add temporal noise, and column and row offsets as uncooled detectors have them."""
    height, width = x.shape
    sigma = np.float32(rng.uniform(0, args.noise))
    pattern = np.float32(rng.uniform(0, args.fixed_pattern))
    x = x + rng.standard_normal((height, width), np.float32) * sigma
    x += rng.standard_normal((1, width), np.float32) * pattern
    x += rng.standard_normal((height, 1), np.float32) * (0.5 * pattern)
    return np.asarray(np.clip(x, 0.0, 1.0), np.float32)
