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

"""Bicycles: wheels, frame, handlebar, saddle; parked or ridden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.synth.canvas import Array, Canvas, Colour, Paint, Patch, scaled

if TYPE_CHECKING:
    from xspec_ros.synth.camera import Camera, Place
    from xspec_ros.synth.climate import Temperatures
    from xspec_ros.synth.light import Light

BICYCLE = 9
_RADIUS = 0.33
_COLOURS: tuple[Colour, ...] = (
    (168.0, 170.0, 174.0),
    (30.0, 30.0, 32.0),
    (150.0, 30.0, 32.0),
    (40.0, 70.0, 130.0),
    (214.0, 214.0, 206.0),
)
_TURN = np.arange(17) * np.pi / 8
_TUBES = np.array(
    [
        [[-0.52, 0, 0.33], [-0.02, 0, 0.30]],
        [[-0.02, 0, 0.30], [-0.18, 0, 0.86]],
        [[-0.02, 0, 0.30], [0.36, 0, 0.78]],
        [[-0.14, 0, 0.74], [0.36, 0, 0.80]],
        [[-0.52, 0, 0.33], [-0.15, 0, 0.74]],
        [[0.52, 0, 0.33], [0.34, 0, 0.92]],
        [[0.34, 0, 0.92], [0.30, 0, 1.02]],
        [[0.36, -0.28, 1.02], [0.36, 0.28, 1.02]],
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bike:
    """One bicycle: frame colour, basket, and warmth of its saddle where it is ridden."""

    colour: Colour
    basket: bool
    ridden: bool
    shine: float


def draw_bike(rng: np.random.Generator, *, ridden: bool) -> Bike:
    """Draw a bicycle."""
    return Bike(
        colour=scaled(_COLOURS[int(rng.integers(len(_COLOURS)))], float(rng.uniform(0.8, 1.15))),
        basket=bool(rng.random() < 0.6),
        ridden=ridden,
        shine=float(rng.uniform(0.04, 0.2)),
    )


def draw_bicycle(
    canvas: Canvas, camera: Camera, bike: Bike, place: Place, *, temps: Temperatures, light: Light
) -> int:
    """Draw a bicycle and return the object number, 0 when nothing could be drawn."""
    if place.ahead < 1.2:
        return 0
    rims = camera.project(place.points(_RIMS))
    tubes = camera.project(place.points(_TUBES))
    scale = camera.scale_at(place.ahead)
    spot = light.spot(place.lateral, place.station, place.ahead)
    direct = 0.5 * temps.sunny('flat')
    cold, warm = temps.of('steel', 'shaded'), temps.of('steel', 'flat')
    frame = Paint(
        colour=spot.shade(bike.colour, direct), heat=cold + 0.4 * (warm - cold), shine=bike.shine
    )
    tyre = Paint(
        colour=spot.shade((30.0, 30.0, 31.0), direct),
        heat=temps.of('rubber', 'shaded') + (3.0 if bike.ridden else 0.0),
    )
    everything = np.concatenate([rims.reshape(-1, 2), tubes.reshape(-1, 2)])
    patch = Patch.around(everything, tyre, margin=0.1 * scale + 2, limit=2400)
    if patch is None:
        return 0
    metal = patch.add(frame)
    spokes = patch.add(Paint(colour=frame.colour, heat=0.5 * (frame.heat + tyre.heat)))
    thick = 0.035 * scale
    for rim, hub in zip(rims, camera.project(place.points(_HUBS)), strict=True):
        patch.line(rim, 1.3 * thick, 1)
        if scale > 25:
            for point in rim[:16:2]:
                patch.line(np.array([hub, point]), 1.0, spokes)
    for tube in tubes:
        patch.line(tube, thick, metal)
    saddle = patch.add(
        Paint(colour=spot.shade((24.0, 24.0, 25.0), 0.2), heat=frame.heat + 6.0 * bike.ridden)
    )
    seat = camera.project(place.points(_SADDLE))
    patch.line(seat, 0.11 * scale, saddle)
    patch.line(camera.project(place.points(_GUARD)), 0.03 * scale, metal)
    if bike.basket:
        _draw_basket(patch, camera.project(place.points(_BASKET)), scale, metal)
    return patch.stamp(canvas, BICYCLE)


def _rim(forward: float, radius: float) -> Array:
    across = np.zeros(len(_TURN))
    return np.stack(
        [forward + radius * np.cos(_TURN), across, _RADIUS + radius * np.sin(_TURN)], axis=1
    )


_RIMS = np.stack([_rim(-0.52, _RADIUS), _rim(0.52, _RADIUS)])
_HUBS = np.array([[-0.52, 0.0, _RADIUS], [0.52, 0.0, _RADIUS]])
_GUARD = _rim(-0.52, _RADIUS + 0.03)[1:7]
_SADDLE = np.array([[-0.28, 0.0, 0.9], [-0.08, 0.0, 0.92]])
_BASKET = np.array(
    [[0.42, side, up] for side in (-0.17, 0.17) for up in (0.78, 1.0)]
    + [[0.68, side, up] for side in (-0.15, 0.15) for up in (0.8, 1.0)]
)


def _draw_basket(patch: Patch, corners: Array, scale: float, paint: int) -> None:
    """A wire basket as a coarse grid."""
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    for share in (0.0, 1 / 3, 2 / 3, 1.0):
        x, y = left + share * (right - left), top + share * (bottom - top)
        patch.line(np.array([[left, y], [right, y]]), 0.015 * scale, paint)
        patch.line(np.array([[x, top], [x, bottom]]), 0.015 * scale, paint)
