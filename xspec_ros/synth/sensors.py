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

"""The two cameras: from surfaces to thermal counts and to RGB pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from xspec_ros.synth.canvas import Array, Canvas
    from xspec_ros.synth.climate import Temperatures, Weather
    from xspec_ros.synth.light import Light
    from xspec_ros.synth.settings import DriveSettings

MAX_COUNTS = 16383
# A few levels only: each needs a sheet of noise, kept for all drives of a process.
_NOISE_LEVELS = (0.6, 1.0, 1.5, 2.0, 2.5, 3.2, 4.2, 5.5)
# Planck curve of a bolometer in the 8 to 14 um band: counts = R / (exp(B / T) - F).
_PLANCK_B, _PLANCK_F = 1428.0, 1.0


def radiance(kelvin: Array | float) -> Array:
    """Band radiance of a black body, 1 at 300 K."""
    reference = math.exp(_PLANCK_B / 300.0) - _PLANCK_F
    out: Array = reference / (np.exp(_PLANCK_B / np.asarray(kelvin)) - _PLANCK_F)
    return out


_SLOPE_AT_300 = float(radiance(300.5) - radiance(299.5))


@lru_cache(maxsize=1)
def _radiance_table() -> Array:
    """Radiance for every hundredth of a kelvin up to 655 K."""
    kelvin = np.arange(65536, dtype=np.float64) / 100.0
    return radiance(np.maximum(kelvin, 60.0)).astype(np.float32)


@lru_cache(maxsize=4)
def _grain(height: int, width: int, kind: int) -> Array:
    """A reusable sheet of unit normal noise, larger than the picture by 128 each way."""
    rng = np.random.default_rng([90, kind])
    sheet = rng.standard_normal((height + 128, width + 128), np.float32)
    sheet.setflags(write=False)
    return sheet


def _fresh(shape: tuple[int, int], kind: int, rng: np.random.Generator) -> Array:
    """Return a random window of the noise sheet."""
    y, x = rng.integers(0, 128, 2).tolist()
    return _grain(*shape, kind)[y : y + shape[0], x : x + shape[1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalCamera:
    """A bolometer camera of one drive.

    Attributes:
        counts_per_kelvin: Response at 300 K.
        offset: Counts of a 300 K scene.
        netd: Noise in kelvin.
        blur: Standard deviation of the optics' blur in pixels.
        pattern: (H, W) float32 fixed pattern, vignetting and lens shading, kelvin.
        drift: Amplitude in kelvin and period in seconds of the slow drift.
        span: Coldest and hottest scene in kelvin that it tells apart; beyond, counts saturate.
    """

    counts_per_kelvin: float
    offset: float
    netd: float
    blur: float
    pattern: Array
    drift: tuple[float, float]
    span: tuple[float, float]


def draw_thermal_camera(
    settings: DriveSettings, temps: Temperatures, rng: np.random.Generator
) -> ThermalCamera:
    """Draw a thermal camera."""
    width, height = settings.size_wh
    noise = settings.noise
    columns = rng.standard_normal(width) * rng.uniform(0.01, 0.12)
    rows = rng.standard_normal((height, 1)) * rng.uniform(0.0, 0.03)
    pixels = rng.standard_normal((height, width), np.float32) * np.float32(rng.uniform(0.01, 0.07))
    v, u = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    tilt = rng.uniform(-0.3, 0.3, 2)
    shading = rng.uniform(-0.6, 0.9) * (u * u + v * v) + tilt[0] * u + tilt[1] * v
    pattern = (columns + rows + pixels) * noise + shading
    return ThermalCamera(
        counts_per_kelvin=float(rng.uniform(18.0, 42.0)) * settings.gain,
        offset=float(rng.uniform(6800.0, 8600.0)),
        netd=float(rng.uniform(0.03, 0.14)) * noise,
        blur=float(rng.uniform(0.5, 1.15)) * width / 640.0,
        pattern=pattern.astype(np.float32),
        drift=(float(rng.uniform(0.0, 1.5)), float(rng.uniform(40.0, 300.0))),
        span=_draw_span(temps, rng),
    )


def _draw_span(temps: Temperatures, rng: np.random.Generator) -> tuple[float, float]:
    """Most cameras measure a set range about the scene: the sky lies below it."""
    coolest = min(temps.air, *(temps.of(name, 'shaded') for name in ('asphalt', 'foliage')))
    if temps.weather.night:
        coolest = min(coolest, temps.of('asphalt'), temps.of('grass'))
    if rng.random() < 0.25:
        return 150.0, 600.0
    return coolest - float(rng.uniform(1.0, 8.0)), temps.air + float(rng.uniform(25.0, 60.0))


def expose_thermal(
    canvas: Canvas,
    camera: ThermalCamera,
    weather: Weather,
    *,
    seconds: float,
    tone: float,
    rng: np.random.Generator,
) -> Array:
    """Return (H, W) uint16 counts, 14 bits."""
    index = (canvas.heat * np.float32(100.0)).astype(np.uint16)
    signal = _radiance_table().take(index)
    sky = float(radiance(weather.zenith + 12.0))
    shine = canvas.surface[..., 3].astype(np.float32)
    shine *= np.float32(1 / 255)
    shine *= sky - signal
    signal += shine
    if camera.blur > 0.3:
        cv2.GaussianBlur(signal, (5, 5), camera.blur, dst=signal)
    low, high = radiance(np.array(camera.span)).tolist()
    np.clip(signal, low, high, out=signal)
    if tone != 1.0:
        np.power(signal, np.float32(tone), out=signal)
    signal -= 1.0
    signal *= np.float32(camera.counts_per_kelvin / _SLOPE_AT_300)
    drift = camera.drift[0] * math.sin(2.0 * math.pi * seconds / camera.drift[1])
    extra = _fresh(signal.shape, 0, rng) * np.float32(camera.netd)
    extra += camera.pattern
    extra *= np.float32(camera.counts_per_kelvin)
    signal += extra
    signal += np.float32(camera.offset + drift * camera.counts_per_kelvin)
    np.clip(signal, 0, MAX_COUNTS, out=signal)
    counts: Array = signal.astype(np.uint16)
    return counts


def stretch(counts: Array, low_high: tuple[float, float]) -> Array:
    """Return (H, W) uint8: the camera's own linear contrast stretch."""
    low, high = low_high
    scaled = (counts.astype(np.float32) - low) * (255.0 / max(high - low, 1.0))
    picture: Array = np.clip(scaled, 0, 255).astype(np.uint8)
    return picture


@dataclass(frozen=True, slots=True, kw_only=True)
class RgbCamera:
    """A colour camera of one drive.

    Attributes:
        exposure: Factor on the picture.
        balance: White balance, R, G, B factors.
        read_noise: Standard deviation of the noise in dark pixels, 0 to 255 scale.
        blur: Standard deviation of the lens blur in pixels.
        vignette: (H, W, 3) uint8, 255 = full.
        contrast: Exponent on the tone curve.
    """

    exposure: float
    balance: tuple[float, float, float]
    read_noise: float
    blur: float
    vignette: Array
    contrast: float


def draw_rgb_camera(settings: DriveSettings, rng: np.random.Generator) -> RgbCamera:
    """Draw a colour camera."""
    width, height = settings.size_wh
    v, u = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    fall = float(rng.uniform(0.0, 0.3))
    warm, green = float(rng.uniform(-0.09, 0.09)), float(rng.uniform(0.97, 1.03))
    balance = np.array([1.0 + warm, green, 1.0 - warm])
    if settings.night:
        balance[1] *= float(rng.uniform(1.0, 1.15))
    return RgbCamera(
        exposure=float(rng.uniform(0.8, 1.15) if not settings.night else rng.uniform(0.8, 1.3)),
        balance=(float(balance[0]), float(balance[1]), float(balance[2])),
        read_noise=float(rng.choice(_NOISE_LEVELS[4:] if settings.night else _NOISE_LEVELS[:4])),
        blur=float(rng.uniform(0.4, 1.0)) * width / 640.0,
        vignette=cv2.merge([(255.0 - 127.5 * fall * (u * u + v * v)).astype(np.uint8)] * 3),
        contrast=float(rng.uniform(0.9, 1.25)),
    )


def expose_rgb(
    canvas: Canvas, camera: RgbCamera, light: Light, *, rng: np.random.Generator
) -> Array:
    """Return (H, W, 3) uint8, channels R, G, B."""
    picture = cv2.cvtColor(canvas.surface, cv2.COLOR_RGBA2RGB)
    if canvas.glows:
        _add_glare(picture, canvas)
    if camera.blur > 0.3:
        cv2.GaussianBlur(picture, (5, 5), camera.blur, dst=picture)
    ramp = np.arange(256) / 255.0
    table = np.stack(
        [
            255.0 * np.clip(ramp * camera.exposure * tone, 0, 1) ** camera.contrast
            for tone in camera.balance
        ],
        axis=-1,
    )
    picture = cv2.LUT(picture, table[None].astype(np.uint8))
    cv2.multiply(picture, camera.vignette, dst=picture, scale=1 / 255)
    sheet = _colour_grain(*picture.shape[:2], camera.read_noise, light.night)
    y, x = rng.integers(0, 128, 2).tolist()
    grain = sheet[y : y + picture.shape[0], x : x + picture.shape[1]]
    return cv2.add(picture, grain, dtype=cv2.CV_8U)


@lru_cache(maxsize=4)
def _colour_sheet(height: int, width: int, coarse: bool) -> Array:
    """Unit colour noise, larger than the picture by 128 each way."""
    rng = np.random.default_rng([91, int(coarse)])
    sheet = rng.standard_normal((height + 128, width + 128, 3), np.float32)
    if coarse:
        # Dark pictures show clumps of colour, not single noisy pixels.
        sheet[:] = cv2.blur(sheet, (2, 2)) * 1.7
    return sheet


@lru_cache(maxsize=len(_NOISE_LEVELS))
def _colour_grain(height: int, width: int, level: float, coarse: bool) -> Array:
    """Colour noise of ``level`` grey values, as whole numbers."""
    grain: Array = np.rint(_colour_sheet(height, width, coarse) * np.float32(level))
    return grain.astype(np.int16)


def _add_glare(picture: Array, canvas: Canvas) -> None:
    """Add the glare of lamps."""
    for u, v, radius, colour in canvas.glows:
        reach = np.float32(0.55 * min(radius, 160.0))
        part = canvas.window(u - 3 * radius, v - 3 * radius, u + 3 * radius, v + 3 * radius)
        if part is None:
            continue
        x = np.arange(part.x0, part.x1, dtype=np.float32) - np.float32(u)
        y = np.arange(part.y0, part.y1, dtype=np.float32) - np.float32(v)
        across = np.exp(-np.abs(x) / reach)
        down = np.exp(-np.abs(y) / reach)
        spot = down[:, None] * across[None]
        block = picture[part.y0 : part.y1, part.x0 : part.x1]
        glare = cv2.merge([(spot * tone).astype(np.uint8) for tone in colour])
        cv2.add(block, glare, dst=block)
