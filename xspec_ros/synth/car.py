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

"""Drawing cars: sheet metal, glass, lamps, tyres, and the heat of driving."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.synth.canvas import Array, Canvas, Colour, Grain, Paint, Patch, scaled
from xspec_ros.synth.car_body import build_faces

if TYPE_CHECKING:
    from xspec_ros.synth.camera import Camera, Place
    from xspec_ros.synth.car_body import CarBody, Face
    from xspec_ros.synth.climate import Temperatures
    from xspec_ros.synth.light import Light

CAR = 10
_TURN = np.arange(14) * (np.pi / 7)
_WHEEL = np.stack([np.cos(_TURN), np.zeros(14), np.sin(_TURN)], axis=1)


def draw_car(
    canvas: Canvas,
    camera: Camera,
    car: CarBody,
    place: Place,
    *,
    temps: Temperatures,
    light: Light,
) -> int:
    """Draw a car and return the object number, 0 when nothing could be drawn."""
    faces = build_faces(car)
    cuts = np.cumsum([len(face.corners) for face in faces])[:-1]
    world = place.points(np.concatenate([face.corners for face in faces]))
    if float(world[:, 1].min()) < 0.9:
        return 0
    pixels = camera.project(world)
    scale = camera.scale_at(place.ahead)
    shop = Paintshop(car, place, temps, light)
    patch = Patch.around(pixels, shop.paint('side', 0.0), margin=0.25 * scale + 2, limit=3000)
    if patch is None:
        return 0
    corners, spots = np.split(patch.fixed(pixels), cuts), np.split(world, cuts)
    wheels = _wheels(patch, camera, car, place)
    for outlines in wheels[0]:
        patch.fill_fixed(outlines[1], patch.add(shop.paint('tyre', 0.0)))
    for index in _order(camera, faces, place, spots):
        face = faces[index]
        patch.fill_fixed(corners[index], patch.add(shop.paint(face.part, face.heat)))
        if face.part in {'front', 'rear'}:
            _draw_lamps(patch, corners[index].astype(np.float64), face.part, shop)
    for outlines in wheels[1]:
        for outline, part in zip(outlines, ('arch', 'tyre', 'hub'), strict=True):
            patch.fill_fixed(outline, patch.add(shop.paint(part, 0.0)))
    grain = Grain(
        kind=10,
        slope=1.2,
        offset=car.grain,
        zoom=max(1.0, scale / 40.0),
        spread=min(6.0, 0.025 * scale),
        heat=0.4,
        tone=0.05,
    )
    ident = patch.stamp(canvas, CAR, grain)
    if ident and light.night and car.running > 0.5:
        _add_glows(canvas, camera, car, place)
    return ident


def _order(camera: Camera, faces: tuple[Face, ...], place: Place, spots: list[Array]) -> list[int]:
    """Faces that look at the camera, far to near."""
    eye = np.array([camera.lateral, 0.0, camera.height])
    middles = np.array([spot.mean(axis=0) for spot in spots])
    origin = place.points(np.zeros(3))
    normals = place.points(np.array([face.normal for face in faces])) - origin
    # Heights need no shift: place.points leaves them alone.
    normals[:, 2] = [face.normal[2] for face in faces]
    towards = np.einsum('ij,ij->i', normals, eye - middles)
    bias = np.array([_BIAS.get(face.part, 0.0) for face in faces])
    far = np.hypot(middles[:, 0] - camera.lateral, middles[:, 1]) + bias
    return [int(index) for index in np.argsort(-far, kind='stable') if towards[index] > 0]


_BIAS = {'floor': 2.0, 'glass': -0.4, 'screen': -0.4, 'side': -0.1}


def _wheels(
    patch: Patch, camera: Camera, car: CarBody, place: Place
) -> tuple[list[tuple[Array, Array, Array]], list[tuple[Array, Array, Array]]]:
    """Outlines of arch, tyre and hub of the wheels: far side first, then near side."""
    length, width, _ = car.size
    radius = 0.31 if car.kind != 'truck' else 0.36
    sides: tuple[list[tuple[Array, Array, Array]], list[tuple[Array, Array, Array]]] = ([], [])
    for sign in (-1.0, 1.0):
        side = place.points(np.array([[0.0, 0.0, 0.0], [0.0, sign * 0.5 * width, 0.0]]))
        near = float((side[1] - side[0]) @ (np.array([camera.lateral, 0.0, 0.0]) - side[1])) > 0
        outer, inner = sign * (0.5 * width + 0.012), sign * (0.5 * width - 0.2)
        for forward in (0.31, -0.3):
            centre = np.array([forward * length, 0.0, radius])
            rings = np.stack(
                [
                    centre + size * _WHEEL + (0.0, right, 0.0)
                    for size, right in (
                        (1.22 * radius, outer),
                        (radius, inner),
                        (radius, outer),
                        (0.6 * radius, outer),
                    )
                ]
            )
            arch, back, tread, hub = patch.fixed(camera.project(place.points(rings)))
            arch = np.minimum(
                arch, [[2**20, tread[:, 1].max() - (tread[:, 1].max() - hub[:, 1].max()) // 2]]
            )
            tyre = cv2.convexHull(np.concatenate([back, tread]))
            sides[int(near)].append((arch.astype(np.int32), tyre, hub))
    return sides


class Paintshop:
    """Colours and temperatures of a car's parts at one place."""

    def __init__(self, car: CarBody, place: Place, temps: Temperatures, light: Light) -> None:
        self.car, self.place, self.temps = car, place, temps
        self.spot = light.spot(place.lateral, place.station, place.ahead)
        self.night = light.night
        self.lamps_on = light.night and car.running > 0.5

    def exposure(self, part: str) -> str:
        """How a part lies towards the sun."""
        if part in {'roof', 'hood', 'deck'}:
            return 'flat'
        along = math.cos(self.place.heading)
        ends = ('front', 'back', 'left') if part in _REARS else ('back', 'front', 'right')
        if part in _REARS or part in _FRONTS:
            return ends[0] if along > 0.5 else ends[1] if along < -0.5 else ends[2]
        return 'left' if self.place.lateral > 0 else 'right'

    def paint(self, part: str, warm: float) -> Paint:
        """Return the paint of a part that is ``warm`` kelvin above its material."""
        car, temps = self.car, self.temps
        lies = self.exposure(part)
        direct = temps.sunny(lies)
        if part in {'glass', 'screen'}:
            heat = 0.4 * temps.of('glass', 'shaded') + 0.6 * (temps.air + 0.5 * car.cabin)
            tone = self.spot.shade((44.0, 52.0, 58.0), 0.8 * direct)
            return Paint(colour=tone, heat=heat, shine=0.3 if part == 'screen' else 0.16)
        if part in _DARK:
            colour, material, run, shine = _DARK[part]
            heat = temps.of(material, 'shaded') + run * car.running
            return Paint(colour=self.spot.shade(colour, 0.3 * direct), heat=heat, shine=shine)
        cold = temps.of('sheet', 'shaded')
        heat = cold + (temps.of('sheet', lies) - cold) * (0.4 + 0.75 * car.absorb) + warm
        bright = (0.35 if part.endswith('_low') else 1.0) * (1.15 if lies == 'flat' else 0.85)
        shine = car.gloss * (1.8 if lies == 'flat' else 0.7)
        return Paint(
            colour=self.spot.shade(scaled(car.colour, bright), direct), heat=heat, shine=shine
        )


_FRONTS = frozenset({'front', 'front_low', 'screen', 'box_front'})
_REARS = frozenset({'rear', 'rear_low', 'box_rear'})
# Colour, material in the shade, kelvin when driven, reflected sky.
_DARK: dict[str, tuple[Colour, str, float, float]] = {
    'tyre': ((26.0, 26.0, 27.0), 'rubber', 4.5, 0.02),
    'hub': ((120.0, 122.0, 126.0), 'steel', 6.0, 0.12),
    'arch': ((15.0, 15.0, 16.0), 'rubber', 4.0, 0.02),
    'floor': ((14.0, 14.0, 15.0), 'asphalt', 9.0, 0.02),
}


def _draw_lamps(patch: Patch, corners: Array, part: str, shop: Paintshop) -> None:
    """Headlamps or tail lamps and a number plate on a front or rear face."""
    left0, right0, right1, left1 = corners
    on, air, run = shop.lamps_on, shop.temps.air, shop.car.running
    if part == 'front':
        colour: Colour = (250.0, 248.0, 236.0) if on else (206.0, 208.0, 206.0)
        heat = air + (10.0 if on else 3.0 * run)
    else:
        colour, heat = ((255.0, 40.0, 30.0), air + 4.0) if on else ((150.0, 24.0, 26.0), air + 1.0)
    lamp = patch.add(
        Paint(colour=colour if on else shop.spot.shade(colour, 0.4), heat=heat, shine=0.08)
    )
    plate = patch.add(Paint(colour=shop.spot.shade((222.0, 222.0, 210.0), 0.4), heat=air + run))
    top, bottom = right0 - left0, right1 - left1
    lamp_rows = (0.05, 0.5) if part == 'front' else (0.0, 0.7)
    for low, high, rows, paint in (
        (0.03, 0.2, lamp_rows, lamp),
        (0.8, 0.97, lamp_rows, lamp),
        (0.38, 0.62, (0.55, 0.95), plate),
    ):
        sides = [(left0 + x * top, left1 + x * bottom) for x in (low, high)]
        quad = [
            sides[x][0] + rows[y] * (sides[x][1] - sides[x][0])
            for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))
        ]
        patch.fill_fixed(np.array(quad).astype(np.int32), paint)


def _add_glows(canvas: Canvas, camera: Camera, car: CarBody, place: Place) -> None:
    """Note the lamps whose glare the RGB camera sees."""
    length, width, height = car.size
    along = math.cos(place.heading)
    if abs(along) < 0.5:
        return
    coming = along < 0
    forward = 0.5 * length if coming else -0.5 * length
    local = np.array([[forward, sign * 0.4 * width, 0.46 * height] for sign in (-1.0, 1.0)])
    colour = (255.0, 246.0, 225.0) if coming else (255.0, 30.0, 20.0)
    radius = (0.55 if coming else 0.22) * camera.scale_at(place.ahead) + (9.0 if coming else 2.0)
    for u, v in camera.project(place.points(local)).tolist():
        canvas.glows.append((u, v, radius, colour))
