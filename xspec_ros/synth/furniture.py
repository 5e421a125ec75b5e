"""Street furniture: lamp posts, sign posts, bollards, traffic lights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from xspec_ros.synth.camera import Camera
from xspec_ros.synth.canvas import Array, Canvas, Colour, Paint, scaled
from xspec_ros.synth.climate import Temperatures
from xspec_ros.synth.light import Light
from xspec_ros.synth.person import Place

POLE, SIGN = 4, 5
PostKind = Literal['lamp', 'sign', 'bollard', 'signal', 'mast']
_RING = np.arange(12) * np.pi / 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post and what it carries.

    Attributes:
        kind: What it is.
        lateral: Metres.
        station: Metres.
        height: Metres.
        radius: Metres.
        arm: Reach of its arm to the right in metres (lamp, signal).
        colour: Under full light.
        material: Key of the temperatures.
        board: Shape of its sign: 'round', 'triangle', 'square', 'wide' or ''.
        face: Colour of the sign.
        rim: Colour of its border.
    """

    kind: PostKind
    lateral: float
    station: float
    height: float
    radius: float
    arm: float
    colour: Colour
    material: str
    board: str
    face: Colour
    rim: Colour


_FACES: tuple[tuple[str, Colour, Colour], ...] = (
    ('round', (236.0, 236.0, 232.0), (196.0, 24.0, 30.0)),
    ('round', (30.0, 74.0, 170.0), (226.0, 228.0, 230.0)),
    ('round', (200.0, 26.0, 32.0), (236.0, 236.0, 234.0)),
    ('triangle', (200.0, 30.0, 34.0), (236.0, 236.0, 232.0)),
    ('triangle', (238.0, 232.0, 214.0), (198.0, 28.0, 32.0)),
    ('square', (28.0, 80.0, 172.0), (230.0, 232.0, 234.0)),
    ('square', (226.0, 190.0, 40.0), (40.0, 40.0, 40.0)),
    ('wide', (24.0, 92.0, 70.0), (230.0, 232.0, 230.0)),
    ('wide', (30.0, 72.0, 150.0), (230.0, 232.0, 234.0)),
)


def draw_post(kind: PostKind, lateral: float, station: float, rng: np.random.Generator) -> Post:
    """Draw a post of a kind."""
    board, face, rim = _FACES[int(rng.integers(len(_FACES)))]
    heights = {
        'lamp': (4.0, 8.0),
        'sign': (2.4, 3.4),
        'bollard': (0.7, 1.05),
        'signal': (4.5, 6.0),
        'mast': (6.0, 10.0),
    }
    radii = {'lamp': 0.08, 'sign': 0.04, 'bollard': 0.11, 'signal': 0.09, 'mast': 0.15}
    wood = kind == 'mast' and rng.random() < 0.7
    grey = float(rng.uniform(60.0, 190.0))
    return Post(
        kind=kind,
        lateral=lateral,
        station=station,
        height=float(rng.uniform(*heights[kind])),
        radius=radii[kind] * float(rng.uniform(0.8, 1.35)),
        arm=(-1.0 if lateral > 0 else 1.0) * float(rng.uniform(0.0, 2.2))
        if kind in {'lamp', 'signal'}
        else 0.0,
        colour=(150.0, 142.0, 132.0) if wood else (grey, grey, grey * 0.97),
        material='plaster' if wood or kind == 'bollard' else 'steel',
        board=board if kind == 'sign' else '',
        face=face,
        rim=rim,
    )


def draw_furniture(
    canvas: Canvas, camera: Camera, post: Post, ahead: float, *, temps: Temperatures, light: Light
) -> None:
    """Draw a post with what it carries."""
    at = (post.lateral, post.station, ahead)
    direct = 0.5 * max(temps.sunny('left'), temps.sunny('right'), temps.sunny('back'))
    cold = temps.of(post.material, 'shaded')
    heat = cold + 0.5 * (temps.of(post.material, 'back') - cold)
    paint = Paint(
        colour=light.shade(post.colour, direct, at),
        heat=heat,
        shine=0.16 if post.material == 'steel' else 0.05,
    )
    side = Paint(colour=scaled(paint.colour, 0.7), heat=heat - 0.3, shine=paint.shine)
    _column(canvas, camera, post, ahead, (paint, side))
    if post.arm:
        ends = np.array(
            [
                [post.lateral, ahead, post.height],
                [post.lateral + post.arm, ahead, post.height + 0.15],
            ]
        )
        thick = np.array([[0.0, 0.0, 0.05], [0.0, 0.0, 0.05]])
        quad = np.concatenate([ends + thick, ends[::-1] - thick])
        canvas.fill(camera.project(quad), paint, POLE)
    if post.kind == 'lamp':
        _lamp(canvas, camera, post, ahead, temps=temps, light=light)
    if post.board:
        height = post.height - 0.35
        size = 0.62 if post.board == 'wide' else 0.34
        _board(canvas, camera, post, (post.lateral, ahead, height), size, temps=temps, light=light)
    if post.kind == 'signal':
        _signal(canvas, camera, post, ahead, temps=temps, light=light)


def _column(
    canvas: Canvas, camera: Camera, post: Post, ahead: float, paints: tuple[Paint, Paint]
) -> None:
    foot = camera.project(np.array([post.lateral, ahead, 0.0]))
    tip = camera.project(np.array([post.lateral, ahead, post.height]))
    half = max(0.55, post.radius * camera.scale_at(ahead))
    left, right, middle = (
        np.array([-half, 0.0]),
        np.array([half, 0.0]),
        np.array([0.3 * half, 0.0]),
    )
    canvas.fill(
        np.stack([foot + left, tip + left * 0.85, tip + right * 0.85, foot + right]),
        paints[0],
        POLE,
    )
    if half > 1.5:
        canvas.fill(
            np.stack([foot + middle, tip + middle, tip + right * 0.85, foot + right]),
            paints[1],
            POLE,
        )


def _lamp(
    canvas: Canvas, camera: Camera, post: Post, ahead: float, *, temps: Temperatures, light: Light
) -> None:
    """The lamp head: warm and glaring at night."""
    tip = (post.lateral + post.arm, ahead, post.height + 0.1)
    centre = camera.project(np.array(tip))
    scale = camera.scale_at(ahead)
    half = np.array([0.34, 0.11]) * scale
    half = np.maximum(half, 0.8)
    colour = (
        (255.0, 250.0, 232.0)
        if light.night
        else light.shade((190.0, 190.0, 186.0), 0.3, (*tip[:2], ahead))
    )
    heat = temps.air + (22.0 if light.night else 2.0)
    head = np.stack(
        [centre - half, centre + half * (1, -1), centre + half, centre + half * (-1, 1)]
    )
    canvas.fill(head, Paint(colour=colour, heat=heat, shine=0.05), POLE)
    if light.night:
        tone = scaled(light.lamp_colour, 255.0)
        canvas.glows.append((float(centre[0]), float(centre[1]), 0.7 * scale + 5.0, tone))


def _shape(board: str, size: float, share: float) -> Array:
    """Outline of a sign: (n, 2) right, up in metres."""
    if board == 'round':
        return np.stack([np.cos(_RING), np.sin(_RING)], axis=1) * size * share
    if board == 'triangle':
        points = np.array([[-1.0, 0.75], [1.0, 0.75], [0.0, -0.95]])
        return points * size * 1.15 * share
    wide = 2.0 if board == 'wide' else 1.0
    return np.array([[-wide, -0.85], [wide, -0.85], [wide, 0.85], [-wide, 0.85]]) * size * share


def _board(
    canvas: Canvas,
    camera: Camera,
    post: Post,
    at: tuple[float, float, float],
    size: float,
    *,
    temps: Temperatures,
    light: Light,
) -> None:
    """A sign board: retroreflective, thin, close to air temperature or the sky's mirror."""
    lateral, ahead, up = at
    direct = 0.7 * temps.sunny('front')
    place = (post.lateral, post.station, ahead)
    boost = 2.2 if light.night else 1.0
    heat = temps.of('board', 'front')
    for share, colour, shift in (
        (1.0, post.rim, 0.0),
        (0.82, post.face, 0.35),
        (0.34, post.rim, -0.15),
    ):
        flat = _shape(post.board, size, share)
        world = np.stack(
            [lateral + flat[:, 0], np.full(len(flat), ahead), up + flat[:, 1]], axis=1
        )
        tone = scaled(light.shade(colour, direct, place), boost)
        canvas.fill(camera.project(world), Paint(colour=tone, heat=heat + shift, shine=0.1), SIGN)


def _signal(
    canvas: Canvas, camera: Camera, post: Post, ahead: float, *, temps: Temperatures, light: Light
) -> None:
    """A traffic light: dark housing, one lamp on."""
    lateral, up = post.lateral + post.arm, post.height - 0.1
    place = Place(lateral=lateral, station=post.station, ahead=ahead, heading=0.0)
    housing = np.array(
        [
            [0.0, -0.5, up - 0.18],
            [0.0, 0.5, up - 0.18],
            [0.0, 0.5, up + 0.18],
            [0.0, -0.5, up + 0.18],
        ]
    )
    dark = light.shade((46.0, 48.0, 48.0), 0.2, (lateral, post.station, ahead))
    canvas.fill(
        camera.project(place.points(housing)),
        Paint(colour=dark, heat=temps.of('board', 'front') + 1.0),
        SIGN,
    )
    on = int(post.station) % 3
    for index, colour in enumerate(
        ((230.0, 40.0, 30.0), (230.0, 180.0, 40.0), (40.0, 220.0, 170.0))
    ):
        spot = np.array([0.0, 0.32 * (index - 1), up])
        centre = camera.project(place.points(spot))
        radius = max(0.7, 0.13 * camera.scale_at(ahead))
        ring = centre + radius * np.stack([np.cos(_RING), np.sin(_RING)], axis=1)
        tone = colour if index == on else scaled(colour, 0.15)
        canvas.fill(ring, Paint(colour=tone, heat=temps.air + (5.0 if index == on else 1.0)), SIGN)
        if index == on and light.night:
            canvas.glows.append((float(centre[0]), float(centre[1]), radius * 1.5 + 2.0, colour))
