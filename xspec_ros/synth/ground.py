"""The ground: a map of the world's surface, seen in perspective."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from xspec_ros.synth.camera import Camera
from xspec_ros.synth.canvas import Array, Canvas, Colour
from xspec_ros.synth.climate import Temperatures
from xspec_ros.synth.light import beam, Light
from xspec_ros.synth.textures import noise, noise_crop, TILE

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
        albedo: (1024, 512, 3) float32 colour under full light.
        label: (1024, 512) uint8.
        lit_now: (1024, 512) uint8, 255 = no shadow now.
        lit_past: (1024, 512) float32, 0 to 1: share of the last hours without shadow.
        canopy: (1024, 512) uint8, 255 = under something that hides the sky.
        extra: (1024, 512) float32 kelvin to add: manholes, parked cars, ducts.
        bright: (1024, 512) uint8, 255 = paint.
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
        shape = (ROWS, COLUMNS)
        return cls(
            albedo=np.zeros((*shape, 3), np.uint8),
            label=np.zeros(shape, np.uint8),
            lit_now=np.full(shape, 255, np.uint8),
            lit_past=[np.full(shape, 255, np.uint8) for _ in range(2)],
            canopy=np.zeros(shape, np.uint8),
            extra=np.zeros(shape, np.float32),
            bright=np.zeros(shape, np.uint8),
        )

    def fill(self, plane: Array, points: Array, value: object) -> None:
        """Fill a polygon of (n, 2) lateral, station points; it repeats with the world."""
        for turn in (-PERIOD_M, 0.0, PERIOD_M):
            moved = (np.asarray(points) + (HALF_WIDTH_M, turn)) * (_ACROSS, _ALONG)
            if moved[:, 1].max() < 0 or moved[:, 1].min() > ROWS:
                continue
            cv2.fillPoly(plane, [np.rint(moved * 16).astype(np.int32)], value, cv2.LINE_8, 4)

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
    soft = cv2.GaussianBlur(plan.lit_now, (0, 0), 1.2).astype(np.float32) * (1 / 255)
    levels = _light_levels(light, temps.weather.sun()[2] if not light.night else 0.0, soft)
    tone = 1.0 + 0.07 * cloudy + 0.05 * patchy
    surface = np.empty((*shape, 4), np.uint8)
    for channel in range(3):
        lit = plan.albedo[..., channel] * tone * levels[channel]
        surface[..., channel] = np.clip(lit, 0, 255)
    surface[..., 3] = 12
    heat = _ground_heat(plan, temps, soft)
    contrast = float(rng.uniform(0.15, 0.6))
    heat += contrast * cloudy + 0.5 * contrast * patchy
    return GroundMap(
        surface=surface,
        heat=heat,
        label=plan.label,
        far_surface=cv2.blur(surface, (1, 13)),
        far_heat=cv2.blur(heat, (1, 13)),
        grain=(float(rng.uniform(0.05, 0.14)), float(rng.uniform(0.08, 0.35))),
    )


def _light_levels(light: Light, up: float, soft: Array) -> list[Array]:
    """Display factor per channel over the map."""
    if not light.night:
        return [
            (light.ambient[i] + light.sun[i] * max(up, 0.0) * soft) ** (1 / 2.2) for i in range(3)
        ]
    pool = np.zeros((ROWS // 4, COLUMNS // 4), np.float32)
    across = (np.arange(COLUMNS // 4) + 0.5) * 4 / _ACROSS - HALF_WIDTH_M
    along = (np.arange(ROWS // 4) + 0.5) * 4 / _ALONG
    for lateral, station, power in light.lamps:
        gap = np.abs(along - station % PERIOD_M)
        gap = np.minimum(gap, PERIOD_M - gap)
        pool += power / ((across[None] - lateral) ** 2 + gap[:, None] ** 2 + 25.0)
    pool = cv2.resize(pool, (COLUMNS, ROWS))
    return [(light.ambient[i] + light.lamp_colour[i] * pool) ** (1 / 2.2) for i in range(3)]


def _ground_heat(plan: GroundPlan, temps: Temperatures, soft: Array) -> Array:
    """Temperatures of the map: material, light over the last hours, sky overhead."""
    past = [cv2.GaussianBlur(plane, (0, 0), 3.0).astype(np.float32) for plane in plan.lit_past]
    memory = sum(past) * np.float32(0.3 / 255) + 0.4 * soft
    open_sky = cv2.GaussianBlur(plan.canopy, (0, 0), 5.0).astype(np.float32) * (-1 / 255) + 1.0
    names = {ROAD: 'asphalt', SIDEWALK: 'paving', GRASS: 'grass'}
    warm, cool = np.zeros(256, np.float32), np.zeros(256, np.float32)
    for label, name in names.items():
        warm[label] = temps.of(name, 'flat')
        cool[label] = temps.of(name, 'shaded')
    sun_share = memory if not temps.weather.night else 0.35 * memory + 0.65 * open_sky
    low, high = cool.take(plan.label), warm.take(plan.label)
    heat: Array = low + (high - low) * sun_share + plan.extra
    marking = temps.of('marking', 'flat') - temps.of('asphalt', 'flat')
    heat += (plan.bright > 0) * np.float32(marking * 0.8)
    return heat.astype(np.float32)


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
    begin = int(np.searchsorted(-ahead, -14.0))
    if begin >= len(ahead):
        return
    near = ahead[begin:]
    density = 90.0
    x = (across[begin:] * density) % TILE
    station = ((camera.station % PERIOD_M + near) * density * 0.6) % TILE
    y = np.repeat(station[:, None].astype(np.float32), across.shape[1], axis=1)
    tile = noise(8, 0.45)
    grain = cv2.remap(tile, x.astype(np.float32), y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    fade = np.clip(1.3 - near / 12.0, 0.0, 1.0).astype(np.float32)[:, None]
    grain *= fade
    top = first + begin
    canvas.heat[top:] += grain * np.float32(ground.grain[1])
    factor = (grain * np.float32(ground.grain[0] * 256) + 256).astype(np.uint16)
    block = canvas.surface[top:]
    lit = np.minimum((block[..., :3] * factor[..., None]) >> 8, 255)
    block[..., :3] = lit


def _add_haze(canvas: Canvas, light: Light, ahead: Array, first: int) -> None:
    """Fade far rows into the haze."""
    share = 1.0 - np.exp(-ahead / light.sight)
    for row in np.flatnonzero(share > 0.02):
        block = canvas.surface[first + row, :, :3]
        part = float(share[row])
        block[:] = block * (1.0 - part) + np.array(light.haze) * part


def _add_headlight(canvas: Canvas, camera: Camera, light: Light, ahead: Array, first: int) -> None:
    """Brighten the ground in the car's own headlights."""
    width, height = canvas.size_wh
    step = 8
    picked = ahead[::step]
    u = np.arange(0, width, step)
    gain = np.empty((len(picked), len(u)), np.float32)
    base = max(light.ambient[1], 1e-4)
    for row, distance in enumerate(picked):
        side = (u - camera.centre_u) / camera.focal * distance
        reach = beam(0.0, float(distance))
        spread = np.exp(-((side / (1.2 + 0.22 * distance)) ** 2))
        gain[row] = (1.0 + light.headlight * reach * spread / base) ** (1 / 2.2)
    full = cv2.resize(gain, (width, height - first))
    block = canvas.surface[first:]
    scaled = cv2.multiply(block[..., :3].astype(np.float32), cv2.merge([full, full, full]))
    block[..., :3] = np.minimum(scaled, 255.0)
