"""What closes the view: the sky with its clouds, and the skyline at the end of the road."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xspec_ros.synth.camera import Camera
from xspec_ros.synth.canvas import Array, Canvas, Colour, mix
from xspec_ros.synth.climate import Temperatures
from xspec_ros.synth.light import Light
from xspec_ros.synth.textures import noise, noise_crop, TILE

SKY, BUILDING, VEGETATION = 7, 2, 6
_PANORAMA = (96, 2048)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backdrop:
    """The skyline as a strip all around, 2048 columns, 96 rows down to the horizon.

    Attributes:
        surface: (96, 2048, 4) uint8.
        heat: (96, 2048) float32 kelvin.
        label: (96, 2048) uint8, 7 where the sky shows.
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
    grade = np.arange(height)[:, None]
    for _ in range(int(rng.integers(6, 22))):
        left, wide = int(rng.integers(width)), int(rng.integers(20, 140))
        top = int(height - rng.uniform(8, 80))
        tone = float(rng.uniform(60, 190))
        colour = light.fade(
            light.shade((tone, tone * 0.97, tone * 0.92), 0.3, (0, 0, 300.0)), 120.0
        )
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
    green = light.fade(light.shade((62.0, 84.0, 46.0), 0.4, (0, 0, 300.0)), 100.0)
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
    width, height = canvas.size_wh
    elevation = np.clip((camera.horizon_v - np.arange(height)) / camera.focal, 0.0, 1.2)
    _fill_sky(canvas, camera, temps, backdrop, elevation, seconds)
    horizon = camera.horizon_v - 0.5 * camera.focal * max(0.0, camera.rise) * 60.0
    _put_skyline(canvas, camera, backdrop, horizon)
    below = min(height, max(0, int(np.ceil(horizon))))
    tone = light.fade(light.shade((92.0, 96.0, 90.0), 0.3, (0.0, 0.0, 300.0)), 110.0)
    canvas.surface[below:] = (*(int(value) for value in tone), 10)
    canvas.heat[below:] = temps.of('grass', 'flat')
    canvas.ident[below:] = VEGETATION
    del width


def _fill_sky(
    canvas: Canvas,
    camera: Camera,
    temps: Temperatures,
    backdrop: Backdrop,
    elevation: Array,
    seconds: float,
) -> None:
    weather = temps.weather
    width, height = canvas.size_wh
    last = min(height, max(0, int(np.ceil(camera.horizon_v + 30.0))))
    if last == 0:
        return
    share = np.clip(elevation[:last] * 1.6, 0.0, 1.0)[:, None]
    x = (
        np.arange(width) * 0.35 + backdrop.cloud_at[0] + camera.centre_u * -0.35 + 2.0 * seconds
    ).astype(int) % TILE
    y = ((np.arange(last) - camera.horizon_v) * 1.1 + backdrop.cloud_at[1]).astype(int) % TILE
    cloud = noise(15, 1.7).take(y, axis=0).take(x, axis=1)
    cover = np.clip(0.5 * cloud + 2.4 * (weather.cloud - 0.5), 0.0, 1.0)
    if weather.cloud < 0.05:
        cover = cover * 0.0
    for channel in range(3):
        base = backdrop.horizon[channel] + share * (
            backdrop.zenith[channel] - backdrop.horizon[channel]
        )
        white = 235.0 if not weather.night else backdrop.horizon[channel] * 1.5
        plane = base + cover * ((white - 40.0 * (weather.cloud > 0.7)) - base) * 0.8
        canvas.surface[:last, :, channel] = np.clip(plane, 0, 255)
    canvas.surface[:last, :, 3] = 0
    near_horizon = np.exp(-elevation[:last] * 7.0)[:, None]
    zenith = weather.air() - 58.0 * (1.0 - 0.6 * weather.cloud) - 4.0
    clear = zenith + (weather.air() - 6.0 - zenith) * near_horizon
    overcast = weather.air() - 7.0 - 6.0 * share
    canvas.heat[:last] = clear + (overcast - clear) * cover
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
    mask = cv2.compare(label, SKY, cv2.CMP_NE)
    part = slice(first, last)
    cv2.copyTo(backdrop.surface.take(y, axis=0).take(x, axis=1), mask, canvas.surface[part])
    cv2.copyTo(backdrop.heat.take(y, axis=0).take(x, axis=1), mask, canvas.heat[part])
    canvas.ident[part] = label
