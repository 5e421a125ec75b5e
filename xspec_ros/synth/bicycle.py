"""Bicycles: wheels, frame, handlebar, saddle; parked or ridden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xspec_ros.synth.camera import Camera
from xspec_ros.synth.canvas import Array, Canvas, Colour, Paint, Patch, scaled
from xspec_ros.synth.climate import Temperatures
from xspec_ros.synth.light import Light
from xspec_ros.synth.person import Place

BICYCLE = 9
_RADIUS = 0.33
_COLOURS: tuple[Colour, ...] = (
    (168.0, 170.0, 174.0), (30.0, 30.0, 32.0), (150.0, 30.0, 32.0), (40.0, 70.0, 130.0), (214.0, 214.0, 206.0),
)  # fmt: skip
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
    rims = [_rim(forward, _RADIUS) for forward in (-0.52, 0.52)]
    tubes = camera.project(place.points(_TUBES))
    wheels = [camera.project(place.points(rim)) for rim in rims]
    scale = camera.scale_at(place.ahead)
    if place.ahead < 1.2:
        return 0
    at = (place.lateral, place.station, place.ahead)
    direct = 0.5 * temps.sunny('flat')
    frame_heat = temps.of('steel', 'shaded') + 0.4 * (
        temps.of('steel', 'flat') - temps.of('steel', 'shaded')
    )
    frame = Paint(colour=light.shade(bike.colour, direct, at), heat=frame_heat, shine=bike.shine)
    tyre = Paint(
        colour=light.shade((30.0, 30.0, 31.0), direct, at),
        heat=temps.of('rubber', 'shaded') + (3.0 if bike.ridden else 0.0),
    )
    everything = np.concatenate([*wheels, tubes.reshape(-1, 2)])
    patch = Patch.around(everything, tyre, margin=0.1 * scale + 2, limit=2400)
    if patch is None:
        return 0
    thick = 0.035 * scale
    for wheel, rim in zip(wheels, rims, strict=True):
        patch.line(wheel, max(1.0, 1.2 * thick), tyre)
        if scale > 25:
            hub = np.array([[float(rim[:, 0].mean()), 0.0, _RADIUS]])
            centre = camera.project(place.points(hub))[0]
            spoke = Paint(colour=frame.colour, heat=0.5 * (frame.heat + tyre.heat), shine=0.03)
            for point in wheel[:16:2]:
                patch.line(np.stack([centre, point]), 1.0, spoke)
    for tube in tubes:
        patch.line(tube, max(1.0, thick), frame)
    _draw_parts(patch, camera, bike, place, frame=frame, light=light)
    ident = canvas.new_object(BICYCLE)
    patch.stamp(canvas, ident)
    return ident


def _rim(forward: float, radius: float) -> Array:
    return np.stack(
        [forward + radius * np.cos(_TURN), np.zeros(17), _RADIUS + radius * np.sin(_TURN)], axis=1
    )


def _draw_parts(
    patch: Patch, camera: Camera, bike: Bike, place: Place, *, frame: Paint, light: Light
) -> None:
    """Saddle, basket, mudguard."""
    scale = camera.scale_at(place.ahead)
    at = (place.lateral, place.station, place.ahead)
    saddle = camera.project(place.points(np.array([[-0.3, 0.0, 0.9], [-0.06, 0.0, 0.92]])))
    dark = light.shade((24.0, 24.0, 25.0), 0.2, at)
    warm = frame.heat + (6.0 if bike.ridden else 0.5)
    patch.limb(saddle[0], saddle[1], (0.075 * scale, 0.03 * scale), Paint(colour=dark, heat=warm))
    guard = camera.project(place.points(_rim(-0.52, _RADIUS + 0.03)[1:7]))
    patch.line(guard, max(1.0, 0.03 * scale), frame)
    if bike.basket:
        box = np.array(
            [[0.42, side, up] for side in (-0.17, 0.17) for up in (0.78, 1.0)]
            + [[0.68, side, up] for side in (-0.15, 0.15) for up in (0.8, 1.0)]
        )
        corners = camera.project(place.points(box))
        left, right = corners.min(axis=0), corners.max(axis=0)
        mesh = Paint(colour=light.shade((90.0, 90.0, 92.0), 0.3, at), heat=frame.heat, shine=0.05)
        for share in np.linspace(0.0, 1.0, 4).tolist():
            y = float(left[1] + share * (right[1] - left[1]))
            x = float(left[0] + share * (right[0] - left[0]))
            patch.line(np.array([[left[0], y], [right[0], y]]), max(1.0, 0.015 * scale), mesh)
            patch.line(np.array([[x, left[1]], [x, right[1]]]), max(1.0, 0.015 * scale), mesh)
