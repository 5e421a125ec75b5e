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

"""What closes the view: the sky with its clouds, and the skyline at the end of the road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.synth.canvas import Array, Canvas, Colour, mix
from xspec_ros.synth.noise import noise, noise_crop, TILE

if TYPE_CHECKING:
    from xspec_ros.synth.camera import Camera
    from xspec_ros.synth.climate import Temperatures
    from xspec_ros.synth.light import Light

SKY, BUILDING, VEGETATION = 7, 2, 6
_PANORAMA = (96, 1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """The skyline as a strip all around, 1024 columns, 96 rows down to the horizon.

    Attributes:
        surface: (96, 1024, 4) uint8.
        heat: (96, 1024) float32 kelvin.
        label: (96, 1024) uint8, 7 where the sky shows.
        cloud_at: Offset into the cloud noise.
        zenith: Colour of the sky overhead.
        horizon: Colour of the sky at the horizon.
    """

    surface: Array
    heat: Array
    label: Array
    cloud_at: tuple[int, int]
    zenith: Colour
    horizon: Colour


def draw_backdrop(temps: Temperatures, light: Light, rng: np.random.Generator) -> Backdrop:
    """Draw the skyline of a drive."""
    height, width = _PANORAMA
    surface = np.zeros((height, width, 4), np.uint8)
    heat = np.zeros((height, width), np.float32)
    label = np.full((height, width), SKY, np.uint8)
    grade = np.arange(height, dtype=np.float32)[:, None]
    far = light.spot(0.0, 0.0, 120.0)
    for _ in range(int(rng.integers(3, 12))):
        left, wide = int(rng.integers(width)), int(rng.integers(20, 140))
        top = int(height - rng.uniform(8, 80))
        tone = float(rng.uniform(60, 190))
        colour = far.shade((tone, tone * 0.97, tone * 0.92), 0.3)
        warm = temps.of('plaster', 'front') + float(rng.uniform(-1.5, 1.5))
        columns = np.arange(left, left + wide) % width
        surface[top:, columns, :3] = colour
        heat[top:, columns] = warm
        label[top:, columns] = BUILDING
        pitch = int(rng.integers(4, 8))
        glass = columns[(np.arange(wide) % pitch) > pitch // 2]
        for row in range(top + 3, height - 2, pitch):
            lit = light.night and rng.random() < 0.4
            surface[row : row + 2, glass, :3] = (200, 190, 150) if lit else scaled_row(colour)
            heat[row : row + 2, glass] += float(rng.uniform(-1.0, 1.5))
    edge = height - 10 - 9 * noise_crop(14, 1.4, (1, width), rng)[0] * float(rng.uniform(0.5, 1.6))
    edge -= float(rng.uniform(0, 34))
    leaf = noise_crop(11, 0.5, (height, width), rng)
    trees = grade + 2.5 * leaf > edge[None]
    green = far.shade((62.0, 84.0, 46.0), 0.4)
    shade = np.clip(1.0 + 0.22 * leaf, 0.3, 1.8)[..., None]
    painted = np.clip(np.array(green) * shade, 0, 255).astype(np.uint8)
    surface[trees, :3] = painted[trees]
    warmth = temps.of('foliage', 'shaded') + 0.5 * leaf
    heat[trees] = warmth[trees]
    label[trees] = VEGETATION
    surface[..., 3] = 8
    cloud = temps.weather.cloud
    blue = mix((96.0, 142.0, 206.0), (196.0, 200.0, 206.0), cloud)
    pale = mix((198.0, 214.0, 230.0), (226.0, 227.0, 228.0), cloud)
    bright = float(rng.uniform(0.9, 1.2))
    if light.night:
        blue, pale = (2.0, 3.0, 6.0), mix((4.0, 5.0, 7.0), (22.0, 20.0, 18.0), float(rng.random()))
        bright = 1.0
    return Backdrop(
        surface=surface,
        heat=heat,
        label=label,
        cloud_at=(int(rng.integers(TILE)), int(rng.integers(TILE))),
        zenith=tuple(min(255.0, tone * bright) for tone in blue),  # type: ignore[arg-type]
        horizon=tuple(min(255.0, tone * bright) for tone in pale),  # type: ignore[arg-type]
    )


def scaled_row(colour: Colour) -> tuple[int, int, int]:
    """Colour of far windows by day."""
    red, green, blue = colour
    return int(red * 0.7), int(green * 0.72), int(blue * 0.76)


def draw_sky(
    canvas: Canvas,
    camera: Camera,
    temps: Temperatures,
    light: Light,
    backdrop: Backdrop,
    seconds: float,
) -> None:
    """Fill the canvas with sky, skyline, and plain ground below the horizon."""
    height = canvas.size_wh[1]
    _fill_sky(canvas, camera, temps, backdrop, seconds)
    horizon = camera.horizon_v - 0.5 * camera.focal * max(0.0, camera.rise) * 60.0
    _put_skyline(canvas, camera, backdrop, horizon)
    below = min(height, max(0, int(np.ceil(horizon))))
    tone = light.spot(0.0, 0.0, 110.0).shade((92.0, 96.0, 90.0), 0.3)
    canvas.surface[below:] = (*(int(value) for value in tone), 10)
    canvas.heat[below:] = temps.of('grass', 'flat')
    canvas.ident[below:] = VEGETATION


def _fill_sky(
    canvas: Canvas, camera: Camera, temps: Temperatures, backdrop: Backdrop, seconds: float
) -> None:
    """Sky and clouds, made at a quarter of the size: they have no fine detail."""
    weather = temps.weather
    width, height = canvas.size_wh
    last = min(height, max(0, int(np.ceil(camera.horizon_v + 30.0))))
    if last < 4:
        return
    v = (np.arange(last // 4 + 1) + 0.5) * 4.0
    u = (np.arange(width // 4 + 1) + 0.5) * 4.0
    elevation = np.clip((camera.horizon_v - v) / camera.focal, 0.0, 1.2).astype(np.float32)[
        :, None
    ]
    x = ((u - camera.centre_u) * 0.35 + backdrop.cloud_at[0] + 2.0 * seconds).astype(int) % TILE
    y = ((v - camera.horizon_v) * 1.1 + backdrop.cloud_at[1]).astype(int) % TILE
    cloud = noise(15, 1.7).take(y, axis=0).take(x, axis=1)
    cover = np.clip(0.5 * cloud + np.float32(2.4 * (weather.cloud - 0.5)), 0.0, 1.0)
    if weather.cloud < 0.05:
        cover *= 0.0
    share = np.clip(elevation * 1.6, 0.0, 1.0)
    surface = np.zeros((*cover.shape, 4), np.uint8)
    for channel in range(3):
        low, high = backdrop.horizon[channel], backdrop.zenith[channel]
        white = low * 1.5 if weather.night else 235.0 - 40.0 * (weather.cloud > 0.7)
        plane = low + share * (high - low)
        plane = plane + cover * (white - plane) * 0.8
        surface[..., channel] = np.clip(plane, 0, 255)
    air, near = weather.air(), np.exp(-elevation * 7.0)
    zenith = air - 58.0 * (1.0 - 0.6 * weather.cloud) - 4.0
    clear = zenith + (air - 6.0 - zenith) * near
    heat = clear + (air - 7.0 - 6.0 * share - clear) * cover
    size = (width, last)
    canvas.surface[:last] = cv2.resize(surface, size)
    canvas.heat[:last] = cv2.resize(heat.astype(np.float32), size)
    canvas.ident[:last] = SKY


def _put_skyline(canvas: Canvas, camera: Camera, backdrop: Backdrop, horizon: float) -> None:
    width, height = canvas.size_wh
    rows, columns = backdrop.heat.shape
    scale = camera.focal / 480.0
    bottom = int(np.ceil(horizon)) + 2
    top = int(bottom - rows * scale)
    first, last = max(0, top), min(height, bottom)
    if last <= first:
        return
    y = np.clip(((np.arange(first, last) - top) / scale).astype(int), 0, rows - 1)
    x = ((np.arange(width) - camera.centre_u) / scale + columns // 2 - camera.bend * 6e4).astype(
        int
    ) % columns
    label = backdrop.label.take(y, axis=0).take(x, axis=1)
    mask = np.not_equal(label, SKY).view(np.uint8)
    part = slice(first, last)
    cv2.copyTo(backdrop.surface.take(y, axis=0).take(x, axis=1), mask, canvas.surface[part])
    cv2.copyTo(backdrop.heat.take(y, axis=0).take(x, axis=1), mask, canvas.heat[part])
    canvas.ident[part] = label
