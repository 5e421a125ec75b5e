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

"""People: walking, standing and riding bodies of limbs, clothes and skin."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.synth.canvas import Array, Canvas, capsules, Colour, Grain, Paint, Patch, scaled
from xspec_ros.synth.noise import TILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.synth.camera import Camera, Place
    from xspec_ros.synth.climate import Temperatures
    from xspec_ros.synth.light import Spot

PERSON = 8
_HAIR: tuple[Colour, ...] = ((24.0, 20.0, 18.0), (52.0, 38.0, 28.0), (120.0, 110.0, 104.0))
_SKIN: tuple[Colour, ...] = ((224.0, 182.0, 152.0), (198.0, 150.0, 118.0), (122.0, 84.0, 62.0))
_CLOTHES: tuple[Colour, ...] = (
    (28.0, 30.0, 36.0),
    (50.0, 56.0, 72.0),
    (36.0, 52.0, 96.0),
    (110.0, 112.0, 116.0),
    (210.0, 208.0, 204.0),
    (140.0, 38.0, 40.0),
    (60.0, 84.0, 58.0),
    (168.0, 146.0, 112.0),
    (82.0, 58.0, 44.0),
    (190.0, 168.0, 60.0),
    (92.0, 128.0, 170.0),
    (150.0, 96.0, 120.0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One person's build, clothes and warmth.

    Attributes:
        height: Metres.
        girth: Factor on widths.
        stride: Swing of the legs in radians; 0 stands.
        swing: Swing of the arms in radians.
        phase: Where in the step it starts, radians.
        top: Colour of the upper clothes.
        legs: Colour of the trousers or skirt.
        skin: Colour of the skin.
        hair: Colour of the hair.
        insulation: Warmth that reaches the clothes' surface on trunk, arms, legs, 0 to 1.
        bare: Whether arms and legs are bare: (arms, legs).
        coat: Length of the coat or skirt below the hips in metres, 0 = none.
        load: '' or what is carried: 'pack', 'bag'.
        hat: Whether the head is covered.
        grain: Offset into the noise of the clothes' folds.
    """

    height: float
    girth: float
    stride: float
    swing: float
    phase: float
    top: Colour
    legs: Colour
    skin: Colour
    hair: Colour
    insulation: tuple[float, float, float]
    bare: tuple[bool, bool]
    coat: float
    load: str
    hat: bool
    grain: tuple[int, int]


def draw_body(rng: np.random.Generator, air: float, *, walking: bool) -> Body:
    """Draw a person dressed for the air temperature (kelvin)."""
    cold = float(np.clip((295.0 - air) / 18.0, 0.0, 1.0))
    pick = rng.integers(0, len(_CLOTHES), 2)
    # Thick clothes let less warmth through: cold days show faces and legs, not coats.
    base = rng.uniform(0.3, 0.8) - 0.2 * cold
    child = rng.random() < 0.06
    return Body(
        height=float(
            rng.uniform(1.05, 1.4) if child else np.clip(rng.normal(1.69, 0.09), 1.48, 1.95)
        ),
        girth=float(rng.uniform(0.88, 1.22)),
        stride=float(rng.uniform(0.32, 0.52)) if walking else 0.0,
        swing=float(rng.uniform(0.1, 0.55)) if walking else float(rng.uniform(0.0, 0.12)),
        phase=float(rng.uniform(0.0, 2.0 * math.pi)),
        top=scaled(_CLOTHES[int(pick[0])], float(rng.uniform(0.75, 1.15))),
        legs=scaled(_CLOTHES[int(pick[1]) % 5], float(rng.uniform(0.7, 1.1))),
        skin=_SKIN[int(rng.integers(3))],
        hair=_HAIR[int(rng.integers(3))],
        insulation=(
            float(base + rng.uniform(-0.15, 0.1)),
            float(base + rng.uniform(-0.1, 0.15)),
            float(base + rng.uniform(-0.1, 0.35)),
        ),
        bare=(bool(rng.random() < 0.7 * (1.0 - cold) ** 2), bool(rng.random() < 0.3 * (1 - cold))),
        coat=float(rng.uniform(0.15, 0.55)) if rng.random() < 0.1 + 0.3 * cold else 0.0,
        load=str(rng.choice(['', '', 'pack', 'bag'])),
        hat=bool(rng.random() < 0.15),
        grain=(int(rng.integers(TILE - 400)), int(rng.integers(TILE - 400))),
    )


_JOINTS = (
    'head', 'crown', 'neck', 'chest', 'hip',
    'shoulder0', 'elbow0', 'hand0', 'shoulder1', 'elbow1', 'hand1',
    'hip0', 'knee0', 'foot0', 'toe0', 'hip1', 'knee1', 'foot1', 'toe1',
)  # fmt: skip
_INDEX = {name: index for index, name in enumerate(_JOINTS)}


def walking_pose(body: Body, phase: float) -> Array:
    """Return (19, 3) joints of a walking or standing body: forward, right, up in metres."""
    tall = body.height
    joints = np.zeros((len(_JOINTS), 3))
    bob = 0.012 * tall * math.cos(2.0 * phase) if body.stride else 0.0
    hip_up = 0.52 * tall + bob
    trunk = (
        ('hip', 0.0, hip_up),
        ('chest', 0.015, 0.72 * tall + bob),
        ('neck', 0.02, 0.83 * tall + bob),
    )
    for name, forward, up in (
        *trunk,
        ('head', 0.035, 0.915 * tall + bob),
        ('crown', 0.02, 0.94 * tall + bob),
    ):
        joints[_INDEX[name]] = (forward, 0.0, up)
    for side, sign in ((0, -1.0), (1, 1.0)):
        angle = body.stride * math.sin(phase + (0.0 if side else math.pi))
        bend = body.stride * (0.25 + 1.5 * max(0.0, math.cos(phase + (0.0 if side else math.pi))))
        bend = bend if body.stride else 0.04
        hip = np.array([0.0, sign * 0.05 * tall, hip_up])
        knee = hip + 0.255 * tall * np.array([math.sin(angle), 0.0, -math.cos(angle)])
        lower = angle - bend
        foot = knee + 0.235 * tall * np.array([math.sin(lower), 0.0, -math.cos(lower)])
        foot[2] = max(foot[2], 0.035)
        toe = foot + np.array([0.11, 0.0, -0.02 if foot[2] < 0.1 else -0.08])
        toe[2] = max(toe[2], 0.015)
        reach = -body.swing * math.sin(phase + (0.0 if side else math.pi))
        shoulder = np.array([0.015, sign * 0.105 * tall * body.girth, 0.80 * tall + bob])
        elbow = shoulder + 0.17 * tall * np.array([math.sin(reach), sign * 0.18, -math.cos(reach)])
        flex = reach + 0.25 + 0.5 * body.swing
        hand = elbow + 0.15 * tall * np.array([math.sin(flex), -sign * 0.02, -math.cos(flex)])
        for name, point in zip(
            ('hip', 'knee', 'foot', 'toe'), (hip, knee, foot, toe), strict=True
        ):
            joints[_INDEX[f'{name}{side}']] = point
        for name, point in zip(
            ('shoulder', 'elbow', 'hand'), (shoulder, elbow, hand), strict=True
        ):
            joints[_INDEX[f'{name}{side}']] = point
    return joints


def riding_pose(body: Body, phase: float) -> Array:
    """Return (19, 3) joints of a cyclist whose bicycle stands at the origin."""
    tall = body.height
    joints = np.zeros((len(_JOINTS), 3))
    hip = np.array([-0.2, 0.0, 0.92])
    lean = 0.35
    spine = np.array([math.sin(lean), 0.0, math.cos(lean)])
    for name, share in (
        ('hip', 0.0),
        ('chest', 0.2),
        ('neck', 0.31),
        ('head', 0.4),
        ('crown', 0.425),
    ):
        joints[_INDEX[name]] = hip + share * tall * spine
    for side, sign in ((0, -1.0), (1, 1.0)):
        turn = phase + (0.0 if side else math.pi)
        foot = np.array([0.05 + 0.16 * math.cos(turn), sign * 0.1, 0.3 + 0.16 * math.sin(turn)])
        seat = hip + np.array((0.0, sign * 0.09, 0.0))
        middle = 0.5 * (seat + foot)
        gap = float(np.linalg.norm(foot - seat))
        rise = math.sqrt(max(0.0025, (0.5 * 0.5 * tall) ** 2 - (0.5 * gap) ** 2))
        knee = middle + rise * np.array([0.85, sign * 0.06, 0.5])
        shoulder = hip + 0.29 * tall * spine + (0.0, sign * 0.1 * tall * body.girth, 0.0)
        hand = np.array([0.4, sign * 0.26, 1.02])
        elbow = 0.5 * (shoulder + hand) + (-0.02, sign * 0.06, -0.1)
        points = (seat, knee, foot, foot + np.array((0.12, 0.0, -0.02)), shoulder, elbow, hand)
        for name, point in zip(
            ('hip', 'knee', 'foot', 'toe', 'shoulder', 'elbow', 'hand'), points, strict=True
        ):
            joints[_INDEX[f'{name}{side}']] = point
    return joints


# Paints of a person in the order of their numbers in a patch.
_PARTS = ('top', 'skin', 'hair', 'arms', 'legs', 'shins', 'shoes', 'load')
_NUMBER = {name: index + 1 for index, name in enumerate(_PARTS)}
# Limbs as joint, joint, radius at each in metres, paint; the side stands for 0 or 1.
_LEG = (
    ('foot', 'toe', 0.045, 0.038, 'shoes'),
    ('knee', 'foot', 0.062, 0.047, 'shins'),
    ('hip', 'knee', 0.098, 0.066, 'legs'),
)
_ARM = (
    ('hand', 'hand', 0.05, 0.05, 'skin'),
    ('elbow', 'hand', 0.05, 0.04, 'arms'),
    ('shoulder', 'elbow', 0.064, 0.052, 'top'),
)


def _limb_rows(near: int) -> list[tuple[int, int, float, float, int]]:
    """Limbs in drawing order: far leg and arm, near leg, then (after the trunk) near arm."""
    rows = []
    for side, limbs in ((1 - near, _LEG + _ARM), (near, _LEG), (near, _ARM)):
        for first, second, radius0, radius1, part in limbs:
            ends = (_INDEX[f'{first}{side}'], _INDEX[f'{second}{side}'])
            rows.append((*ends, radius0, radius1, _NUMBER[part]))
    return rows


_LIMBS = tuple(_limb_rows(near) for near in (0, 1))
_LIMB_JOINTS = tuple(np.array([row[:2] for row in rows]) for rows in _LIMBS)
_LIMB_RADII = tuple(np.array([row[2:4] for row in rows]) for rows in _LIMBS)
_BEFORE_TRUNK = 9
_TRUNK = np.array([_INDEX[name] for name in ('shoulder0', 'hip0', 'shoulder1', 'hip1', 'neck')])
_TRUNK_RADII = np.array([0.06, 0.095, 0.06, 0.095, 0.05])[:, None, None]


def dress(body: Body, *, temps: Temperatures, spot: Spot, direct: float) -> tuple[Paint, ...]:
    """Work out a person's paints, in the order of ``_PARTS``, here and now."""
    air = temps.air
    face = 306.8 - 0.30 * max(0.0, 300.0 - air)
    sunny = 7.0 * direct * temps.weather.clear
    trunk, arms, legs = body.insulation

    def warmth(share: float) -> float:
        return air + max(0.08, share) * (face - air) + sunny * 0.8

    cap = body.hat
    looks: tuple[tuple[Colour, float], ...] = (
        (body.top, warmth(trunk)),
        (body.skin, face + 0.15 * sunny),
        (scaled(body.top, 0.8) if cap else body.hair, warmth(0.3 if cap else 0.62)),
        (body.skin if body.bare[0] else body.top, warmth(0.9 if body.bare[0] else arms)),
        (body.legs, warmth(legs)),
        (body.skin if body.bare[1] else body.legs, warmth(0.85 if body.bare[1] else legs - 0.06)),
        ((40.0, 38.0, 38.0), warmth(0.3)),
        (scaled(body.legs, 0.8), warmth(0.08)),
    )
    side = 0.55 * direct
    return tuple(
        Paint(colour=spot.shade(colour, side), heat=heat, shine=0.02) for colour, heat in looks
    )


def draw_person(
    canvas: Canvas,
    camera: Camera,
    body: Body,
    joints: Array,
    place: Place,
    *,
    paints: Sequence[Paint],
) -> int:
    """Draw a person and return the object number, 0 when nothing could be drawn."""
    world = place.points(joints)
    pixels = camera.project(world)
    scale = camera.scale_at(place.ahead)
    patch = Patch.around(pixels, paints[0], margin=0.16 * scale + 3.0, limit=2400)
    if patch is None:
        return 0
    patch.paints.extend(paints[1:])
    near = int(world[_INDEX['hip1'], 1] < world[_INDEX['hip0'], 1])
    size = scale * body.girth
    ends = pixels[_LIMB_JOINTS[near]]
    radii = np.maximum(_LIMB_RADII[near] * size, 0.4)
    outlines = patch.fixed(capsules(ends[:, 0], ends[:, 1], radii))
    numbers = [row[4] for row in _LIMBS[near]]
    for outline, number in zip(outlines[:_BEFORE_TRUNK], numbers[:_BEFORE_TRUNK], strict=True):
        patch.fill_fixed(outline, number)
    away = math.cos(place.heading) > -0.35
    _draw_trunk(patch, pixels, body, scale, size=size, pack=body.load == 'pack' and away)
    for outline, number in zip(outlines[_BEFORE_TRUNK:], numbers[_BEFORE_TRUNK:], strict=True):
        patch.fill_fixed(outline, number)
    if body.load == 'bag':
        hand = pixels[_INDEX[f'hand{near}']]
        _limb(
            patch, hand, hand + np.array((0.0, 0.3 * scale)), (0.04 * scale, 0.14 * scale), 'load'
        )
    _draw_head(patch, pixels, scale * (0.4 + 0.6 * body.height / 1.7), away=away)
    grain = Grain(
        kind=9,
        slope=0.9,
        offset=body.grain,
        zoom=max(1.0, scale / 60.0),
        spread=min(5.0, 0.02 * scale),
        heat=0.55,
        tone=0.1,
    )
    return patch.stamp(canvas, PERSON, grain)


def _limb(patch: Patch, start: Array, end: Array, radii: tuple[float, float], part: str) -> None:
    outline = capsules(start[None], np.asarray(end)[None], np.array([radii]))[0]
    patch.fill(outline, _NUMBER[part])


_RING = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


def _draw_trunk(
    patch: Patch, pixels: Array, body: Body, scale: float, *, size: float, pack: bool
) -> None:
    """Fill the hull of shoulders and hips, a coat's skirt, a rucksack."""
    chest, hip = pixels[_INDEX['chest']], pixels[_INDEX['hip']]
    if body.coat:
        drop = hip + np.array((0.0, body.coat * size))
        _limb(patch, hip, drop, (0.15 * size, 0.19 * size), 'top')
    rings = pixels[_TRUNK][:, None] + _TRUNK_RADII * size * _RING
    hull = cv2.convexHull(patch.fixed(rings.reshape(-1, 2)))
    patch.fill_fixed(hull, _NUMBER['top'])
    if pack:
        low = 0.65 * hip + 0.35 * chest
        _limb(patch, chest, low, (0.15 * scale, 0.14 * scale), 'load')


def _draw_head(patch: Patch, pixels: Array, size: float, *, away: bool) -> None:
    """Neck and head; seen from behind it is mostly hair."""
    neck, head, crown = (pixels[_INDEX[name]] for name in ('neck', 'head', 'crown'))
    _limb(patch, neck, head, (0.052 * size, 0.05 * size), 'skin')
    upper, chin = head - (0.0, 0.03 * size), head + np.array((0.0, 0.045 * size))
    _limb(patch, upper, chin, (0.088 * size, 0.068 * size), 'skin')
    if away:
        _limb(patch, crown, head, (0.093 * size, 0.086 * size), 'hair')
    else:
        _limb(patch, crown, crown - (0.0, 0.015 * size), (0.09 * size, 0.085 * size), 'hair')
        face = head + np.array((0.0, 0.035 * size))
        _limb(patch, head, face, (0.076 * size, 0.066 * size), 'skin')
