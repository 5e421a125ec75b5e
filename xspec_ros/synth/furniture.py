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

"""Street furniture: lamp posts, sign posts, bollards, traffic lights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TYPE_CHECKING

import numpy as np

from xspec_ros.synth.camera import Camera, Place
from xspec_ros.synth.canvas import Array, Canvas, Colour, Paint, scaled

if TYPE_CHECKING:
    from xspec_ros.synth.climate import Temperatures
    from xspec_ros.synth.light import Light, Spot

POLE, SIGN = 4, 5
PostKind = Literal['lamp', 'sign', 'bollard', 'signal', 'mast']
_CIRCLE = np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], axis=1)


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


@dataclass(frozen=True, slots=True)
class _Site:
    """What is needed to draw a post: where to, and the state of the world there."""

    canvas: Canvas
    camera: Camera
    post: Post
    ahead: float
    temps: Temperatures
    spot: Spot
    light: Light

    def fill(self, points: Array, paint: Paint, class_id: int) -> None:
        """Fill a polygon of (n, 3) lateral, ahead, height."""
        self.canvas.fill(self.camera.project(points), paint, class_id)


def draw_furniture(
    canvas: Canvas, camera: Camera, post: Post, ahead: float, *, temps: Temperatures, light: Light
) -> None:
    """Draw a post with what it carries."""
    spot = light.spot(post.lateral, post.station, ahead)
    site = _Site(canvas, camera, post, ahead, temps, spot, light)
    direct = 0.5 * max(temps.sunny('left'), temps.sunny('right'), temps.sunny('back'))
    cold = temps.of(post.material, 'shaded')
    heat = cold + 0.5 * (temps.of(post.material, 'back') - cold)
    shine = 0.16 if post.material == 'steel' else 0.05
    paint = Paint(colour=spot.shade(post.colour, direct), heat=heat, shine=shine)
    _column(site, paint)
    if post.arm:
        tip = post.lateral + post.arm
        top = post.height
        quad = [
            [post.lateral, ahead, top + 0.05],
            [tip, ahead, top + 0.2],
            [tip, ahead, top + 0.1],
            [post.lateral, ahead, top - 0.05],
        ]
        site.fill(np.array(quad), paint, POLE)
    if post.kind == 'lamp':
        _lamp(site)
    if post.board:
        _board(site)
    if post.kind == 'signal':
        _signal(site)


def _column(site: _Site, paint: Paint) -> None:
    post, ahead = site.post, site.ahead
    ends = np.array([[post.lateral, ahead, 0.0], [post.lateral, ahead, post.height]])
    (x0, y0), (x1, y1) = site.camera.project(ends).tolist()
    half = max(0.6, post.radius * site.camera.scale_at(ahead))
    thin = 0.85 * half
    quad = np.array([[x0 - half, y0], [x1 - thin, y1], [x1 + thin, y1], [x0 + half, y0]])
    site.canvas.fill(quad, paint, POLE)
    if half > 1.5:
        dark = Paint(colour=scaled(paint.colour, 0.7), heat=paint.heat - 0.4, shine=paint.shine)
        quad[:2, 0] = x0 + 0.3 * half, x1 + 0.3 * half
        site.canvas.fill(quad, dark, POLE)


def _lamp(site: _Site) -> None:
    """The lamp head: warm and glaring at night."""
    post, night = site.post, site.light.night
    tip = np.array([post.lateral + post.arm, site.ahead, post.height + 0.1])
    x, y = site.camera.project(tip).tolist()
    scale = site.camera.scale_at(site.ahead)
    wide, tall = max(0.8, 0.34 * scale), max(0.8, 0.11 * scale)
    colour = (255.0, 250.0, 232.0) if night else site.spot.shade((190.0, 190.0, 186.0), 0.3)
    heat = site.temps.air + (14.0 if night else 1.0)
    head = np.array(
        [[x - wide, y - tall], [x + wide, y - tall], [x + wide, y + tall], [x - wide, y + tall]]
    )
    site.canvas.fill(head, Paint(colour=colour, heat=heat, shine=0.05), POLE)
    if night:
        tone = scaled(site.light.lamp_colour, 255.0)
        site.canvas.glows.append((x, y, 0.7 * scale + 5.0, tone))


def _shape(board: str, size: float, share: float) -> Array:
    """Outline of a sign: (n, 2) right, up in metres."""
    if board == 'round':
        return _CIRCLE * size * share
    if board == 'triangle':
        points = np.array([[-1.0, 0.75], [1.0, 0.75], [0.0, -0.95]])
        return points * size * 1.15 * share
    wide = 2.0 if board == 'wide' else 1.0
    return np.array([[-wide, -0.85], [wide, -0.85], [wide, 0.85], [-wide, 0.85]]) * size * share


def _board(site: _Site) -> None:
    """A sign board: it throws headlights back, is thin, and follows the air."""
    post, temps = site.post, site.temps
    up = post.height - 0.35
    size = 0.62 if post.board == 'wide' else 0.34
    direct = 0.7 * temps.sunny('front')
    boost = 2.2 if site.light.night else 1.0
    heat = temps.of('board', 'front')
    for share, colour, shift in (
        (1.0, post.rim, 0.0),
        (0.82, post.face, 0.35),
        (0.34, post.rim, -0.15),
    ):
        flat = _shape(post.board, size, share)
        world = np.empty((len(flat), 3))
        world[:, 0], world[:, 1], world[:, 2] = (
            post.lateral + flat[:, 0],
            site.ahead,
            up + flat[:, 1],
        )
        tone = scaled(site.spot.shade(colour, direct), boost)
        site.fill(world, Paint(colour=tone, heat=heat + shift, shine=0.1), SIGN)


def _signal(site: _Site) -> None:
    """A traffic light: dark housing, one lamp on."""
    post, air = site.post, site.temps.air
    lateral, up = post.lateral + post.arm, post.height - 0.1
    place = Place(lateral=lateral, station=post.station, ahead=site.ahead, heading=0.0)
    low, high = up - 0.18, up + 0.18
    housing = np.array([[0.0, -0.5, low], [0.0, 0.5, low], [0.0, 0.5, high], [0.0, -0.5, high]])
    dark = Paint(
        colour=site.spot.shade((46.0, 48.0, 48.0), 0.2), heat=site.temps.of('board', 'front') + 1.0
    )
    site.fill(place.points(housing), dark, SIGN)
    on = int(post.station) % 3
    for index, colour in enumerate(
        ((230.0, 40.0, 30.0), (230.0, 180.0, 40.0), (40.0, 220.0, 170.0))
    ):
        centre = site.camera.project(place.points(np.array([0.0, 0.32 * (index - 1), up])))
        radius = max(0.7, 0.13 * site.camera.scale_at(site.ahead))
        lit = index == on
        paint = Paint(
            colour=colour if lit else scaled(colour, 0.15), heat=air + (4.0 if lit else 1.0)
        )
        site.canvas.fill(centre + radius * _CIRCLE, paint, SIGN)
        if lit and site.light.night:
            u, v = centre.tolist()
            site.canvas.glows.append((u, v, radius * 1.5 + 2.0, colour))
