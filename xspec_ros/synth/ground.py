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

"""The ground: a map of the world's surface, seen in perspective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.synth.noise import noise, noise_crop, TILE

if TYPE_CHECKING:
    from xspec_ros.synth.camera import Camera
    from xspec_ros.synth.canvas import Array, Canvas, Colour
    from xspec_ros.synth.climate import Temperatures
    from xspec_ros.synth.light import Light

PERIOD_M = 192.0
HALF_WIDTH_M = 20.0
COLUMNS, ROWS = 512, 1024
_ACROSS = COLUMNS / (2 * HALF_WIDTH_M)
_ALONG = ROWS / PERIOD_M
_BLUR_FROM_M = 22.0
ROAD, SIDEWALK, GRASS = 0, 1, 6


@dataclass(slots=True)
class GroundMap:
    """The world's surface from above; row = station, column = lateral position.

    Attributes:
        surface: (1024, 512, 4) uint8, R, G, B with light included, reflected sky.
        heat: (1024, 512) float32 kelvin.
        label: (1024, 512) uint8 class ids.
        far_surface: ``surface`` smoothed along the road, for far rows.
        far_heat: ``heat`` likewise.
        grain: Strength of fine texture in colour (share) and heat (kelvin).
    """

    surface: Array
    heat: Array
    label: Array
    far_surface: Array
    far_heat: Array
    grain: tuple[float, float]


@dataclass(slots=True)
class GroundPlan:
    """A ground map in the making.

    Attributes:
        albedo: (1024, 512, 3) uint8 colour under full light.
        label: (1024, 512) uint8.
        lit_now: (1024, 512) uint8, 255 = no shadow now.
        lit_past: Two (512, 256) uint8, 255 = no shadow one and two hours ago.
        canopy: (512, 256) uint8, 255 = under something that hides the sky.
        extra: (1024, 512) float32 kelvin to add: manholes, parked cars, ducts.
        bright: (1024, 512) uint8, 1 = paint.
    """

    albedo: Array
    label: Array
    lit_now: Array
    lit_past: list[Array]
    canopy: Array
    extra: Array
    bright: Array

    @classmethod
    def blank(cls) -> GroundPlan:
        """Make a plan of nothing but road in full light."""
        shape, half = (ROWS, COLUMNS), (ROWS // 2, COLUMNS // 2)
        return cls(
            albedo=np.zeros((*shape, 3), np.uint8),
            label=np.zeros(shape, np.uint8),
            lit_now=np.full(shape, 255, np.uint8),
            lit_past=[np.full(half, 255, np.uint8) for _ in range(2)],
            canopy=np.zeros(half, np.uint8),
            extra=np.zeros(shape, np.float32),
            bright=np.zeros(shape, np.uint8),
        )

    def fill(self, plane: Array, points: Array, value: Colour | float) -> None:
        """Fill a polygon of (n, 2) lateral, station points; it repeats with the world."""
        scale = plane.shape[0] / ROWS * 16.0
        fixed = (points + np.array((HALF_WIDTH_M, 0.0))) * (_ACROSS * scale, _ALONG * scale)
        fixed = fixed.astype(np.int32)
        rows, length = fixed[:, 1], plane.shape[0] * 16
        low, high = int(rows.min()), int(rows.max())
        for turn in range(-(high // length), 1 - (low // length)):
            rows += turn * length
            cv2.fillPoly(plane, [fixed], value, cv2.LINE_8, 4)
            rows -= turn * length

    def box(
        self, plane: Array, reach: tuple[float, float, float, float], value: Colour | float
    ) -> None:
        """Fill left, right, start, end in metres; at least one texel, repeating likewise."""
        left, right, start, end = reach
        first = round((left + HALF_WIDTH_M) * _ACROSS)
        last = max(first + 1, round((right + HALF_WIDTH_M) * _ACROSS))
        low, high = round(start * _ALONG), round(end * _ALONG)
        rows = np.arange(low, max(low + 1, high)) % ROWS
        plane[rows, max(0, first) : max(0, last)] = value

    def strip(self, left: float, right: float, colour: Colour, label: int) -> None:
        """Cover a strip along the whole road."""
        first = int(np.clip(round((left + HALF_WIDTH_M) * _ACROSS), 0, COLUMNS))
        last = int(np.clip(round((right + HALF_WIDTH_M) * _ACROSS), 0, COLUMNS))
        self.albedo[:, first:last] = colour
        self.label[:, first:last] = label


def rectangle(left: float, right: float, start: float, end: float) -> Array:
    """Corners of a rectangle on the ground as (4, 2) lateral, station."""
    return np.array([[left, start], [right, start], [right, end], [left, end]])


def finish(
    plan: GroundPlan, temps: Temperatures, light: Light, rng: np.random.Generator
) -> GroundMap:
    """Turn a plan into what both cameras see."""
    shape = (ROWS, COLUMNS)
    cloudy = noise_crop(6, 1.6, shape, rng)
    patchy = noise_crop(7, 0.9, shape, rng)
    soft = cv2.GaussianBlur(plan.lit_now, (5, 5), 1.2).astype(np.float32)
    soft *= np.float32(1 / 255)
    levels = _light_levels(light, temps.weather.sun()[2] if not light.night else 0.0, soft)
    tone = cloudy * np.float32(0.07) + patchy * np.float32(0.05)
    tone += 1.0
    if len(levels) == 1:
        tone *= levels[0][0]
    surface = np.empty((*shape, 4), np.uint8)
    for channel in range(3):
        lit = plan.albedo[..., channel] * tone
        lit *= levels[0][1][channel] if len(levels) == 1 else levels[channel][0]
        np.clip(lit, 0, 255, out=lit)
        surface[..., channel] = lit
    surface[..., 3] = 12
    heat = _ground_heat(plan, temps, soft)
    contrast = float(rng.uniform(0.2, 0.9))
    cloudy = cloudy + patchy * np.float32(0.5)
    cloudy *= np.float32(contrast)
    heat += cloudy
    return GroundMap(
        surface=surface,
        heat=heat,
        label=plan.label,
        far_surface=cv2.blur(surface, (1, 13)),
        far_heat=cv2.blur(heat, (1, 13)),
        grain=(float(rng.uniform(0.05, 0.14)), float(rng.uniform(0.15, 0.5))),
    )


def _light_levels(light: Light, up: float, soft: Array) -> list[tuple[Array, Colour]]:
    """Display factors over the map: one plane and its tint by day, a plane a channel by night."""
    gamma = np.float32(1 / 2.2)
    if not light.night:
        green = light.ambient[1] + light.sun[1] * max(up, 0.0) * soft
        tints = [
            ((light.ambient[i] + 0.5 * light.sun[i]) / (light.ambient[1] + 0.5 * light.sun[1]))
            for i in range(3)
        ]
        red, one, blue = (tint ** (1 / 2.2) for tint in tints)
        return [(np.power(green, gamma, out=green), (red, one, blue))]
    step = 8
    pool = np.zeros((ROWS // step, COLUMNS // step), np.float32)
    across = (np.arange(COLUMNS // step) + 0.5) * step / _ACROSS - HALF_WIDTH_M
    along = (np.arange(ROWS // step) + 0.5) * step / _ALONG
    for lateral, station, power in light.lamps:
        gap = np.abs(along - station % PERIOD_M)
        gap = np.minimum(gap, PERIOD_M - gap)
        pool += power / ((across[None] - lateral) ** 2 + gap[:, None] ** 2 + 25.0)
    planes = [
        (light.ambient[i] + np.float32(light.lamp_colour[i]) * pool) ** gamma for i in range(3)
    ]
    return [(cv2.resize(plane, (COLUMNS, ROWS)), light.ambient) for plane in planes]


def _ground_heat(plan: GroundPlan, temps: Temperatures, soft: Array) -> Array:
    """Temperatures of the map: material, light over the last hours, sky overhead."""
    size = (COLUMNS, ROWS)
    past = cv2.addWeighted(plan.lit_past[0], 0.5, plan.lit_past[1], 0.5, 0.0)
    memory = cv2.resize(cv2.GaussianBlur(past, (7, 7), 1.6), size).astype(np.float32)
    memory *= np.float32(0.6 / 255)
    memory += soft * np.float32(0.4)
    if temps.weather.night:
        open_sky = cv2.resize(cv2.GaussianBlur(plan.canopy, (11, 11), 2.5), size)
        memory *= np.float32(0.35)
        memory += (255 - open_sky) * np.float32(0.65 / 255)
    names = {ROAD: 'asphalt', SIDEWALK: 'paving', GRASS: 'grass'}
    swing, cool = np.zeros(256, np.float32), np.zeros(256, np.float32)
    for label, name in names.items():
        cool[label] = temps.of(name, 'shaded')
        swing[label] = temps.of(name, 'flat') - cool[label]
    memory *= swing.take(plan.label)
    memory += cool.take(plan.label)
    memory += plan.extra
    marking = temps.of('marking', 'flat') - temps.of('asphalt', 'flat')
    memory += plan.bright * np.float32(marking * 0.35)
    return memory


def draw_ground(canvas: Canvas, camera: Camera, ground: GroundMap, light: Light) -> Array:
    """Draw the ground; returns the distance of every row in metres, inf above the horizon."""
    width, height = canvas.size_wh
    first, ahead = camera.ground_rows()
    rows = np.full(height, np.inf)
    rows[first:] = ahead
    if first >= height:
        return rows
    split = first + int(np.searchsorted(-ahead, -_BLUR_FROM_M))
    columns = (np.arange(width, dtype=np.float32) + 0.5 - camera.centre_u) / camera.focal
    shift = camera.lateral - 0.5 * camera.bend * ahead * ahead
    across = columns[None] * ahead[:, None].astype(np.float32) + shift[:, None].astype(np.float32)
    map_x = np.clip((across + HALF_WIDTH_M) * _ACROSS, 0.5, COLUMNS - 1.5).astype(np.float32)
    station = ((camera.station + ahead) % PERIOD_M * _ALONG).astype(np.float32)
    map_y = np.repeat(station[:, None], width, axis=1)
    for top, bottom, surface, heat in (
        (first, split, ground.far_surface, ground.far_heat),
        (split, height, ground.surface, ground.heat),
    ):
        if bottom <= top:
            continue
        part = slice(top - first, bottom - first)
        x, y = map_x[part], map_y[part]
        wrap, linear = cv2.BORDER_WRAP, cv2.INTER_LINEAR
        canvas.surface[top:bottom] = cv2.remap(surface, x, y, linear, borderMode=wrap)
        canvas.heat[top:bottom] = cv2.remap(heat, x, y, linear, borderMode=wrap)
        label = cv2.remap(ground.label, x, y, cv2.INTER_NEAREST, borderMode=wrap)
        canvas.ident[top:bottom] = label
    _add_grain(canvas, camera, ground, across, ahead, first)
    _add_haze(canvas, light, ahead, first)
    if light.headlight > 0.0:
        _add_headlight(canvas, camera, light, ahead, first)
    return rows


def _add_grain(
    canvas: Canvas, camera: Camera, ground: GroundMap, across: Array, ahead: Array, first: int
) -> None:
    """Fine texture of the surface close by, fixed to the ground."""
    begin = int(np.searchsorted(-ahead, -11.0))
    if begin >= len(ahead):
        return
    near = ahead[begin:]
    density = 90.0
    x = (across[begin:] * density) % TILE
    station = ((camera.station % PERIOD_M + near) * density * 0.6) % TILE
    y = np.repeat(station[:, None].astype(np.float32), across.shape[1], axis=1)
    tile = noise(8, 0.45)
    grain: Array = cv2.remap(
        tile, x.astype(np.float32), y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )
    grain *= np.clip(1.3 - near / 12.0, 0.0, 1.0).astype(np.float32)[:, None]
    top = first + begin
    canvas.heat[top:] += grain * np.float32(ground.grain[1])
    grain *= np.float32(ground.grain[0] * 128)
    grain += 128.0
    tone = grain.astype(np.uint8)
    block = canvas.surface[top:]
    cv2.multiply(
        block, cv2.merge([tone, tone, tone, np.full_like(tone, 128)]), dst=block, scale=1 / 128
    )


def _add_haze(canvas: Canvas, light: Light, ahead: Array, first: int) -> None:
    """Fade far rows into the haze."""
    share = 1.0 - np.exp(-ahead / light.sight)
    count = int(np.searchsorted(-share, -0.05))
    if count == 0:
        return
    part = share[:count, None, None].astype(np.float32)
    block = canvas.surface[first : first + count]
    haze = np.array([*light.haze, 12.0], np.float32)
    block[:] = block * (1.0 - part) + haze * part


def _add_headlight(canvas: Canvas, camera: Camera, light: Light, ahead: Array, first: int) -> None:
    """Brighten the ground in the car's own headlights."""
    width, height = canvas.size_wh
    step = 16
    picked = ahead[::step][:, None]
    side = (np.arange(0, width, step) - camera.centre_u) / camera.focal * picked
    base = max(light.ambient[1], 1e-4)
    reach = np.where(picked > 0.5, 60.0 / (60.0 + picked * picked), 0.0)
    spread = np.exp(-((side / (1.2 + 0.22 * picked)) ** 2))
    gain = (1.0 + light.headlight * reach * spread / base) ** (1 / 2.2)
    full = cv2.resize(gain.astype(np.float32), (width, height - first))
    block = canvas.surface[first:]
    ones = np.ones_like(full)
    block[:] = cv2.multiply(block, cv2.merge([full, full, full, ones]), dtype=cv2.CV_8U)
