"""People: walking, standing and riding bodies of limbs, clothes and skin."""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from xspec_ros.synth.camera import Camera
from xspec_ros.synth.canvas import Array, Canvas, Colour, Paint, Patch, scaled
from xspec_ros.synth.climate import Temperatures
from xspec_ros.synth.light import Light
from xspec_ros.synth.textures import noise, TILE

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
    base = rng.uniform(0.45, 0.8) - 0.28 * cold
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
            float(base + rng.uniform(-0.1, 0.1)),
            float(base + rng.uniform(-0.1, 0.15)),
            float(base + rng.uniform(-0.05, 0.25)),
        ),
        bare=(bool(rng.random() < 0.7 * (1.0 - cold) ** 2), bool(rng.random() < 0.3 * (1 - cold))),
        coat=float(rng.uniform(0.15, 0.55)) if rng.random() < 0.1 + 0.3 * cold else 0.0,
        load=str(rng.choice(['', '', 'pack', 'bag'])),
        hat=bool(rng.random() < 0.15),
        grain=(int(rng.integers(TILE - 400)), int(rng.integers(TILE - 400))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a moving object is.

    Attributes:
        lateral: Metres, right positive.
        station: Metres along the road.
        ahead: Metres in front of the camera.
        heading: Direction in radians: 0 = away along the road, pi/2 = to the right.
    """

    lateral: float
    station: float
    ahead: float
    heading: float

    def points(self, local: Array) -> Array:
        """Turn (..., 3) forward, right, up into lateral, ahead, height."""
        cosine, sine = math.cos(self.heading), math.sin(self.heading)
        forward, right = local[..., 0], local[..., 1]
        lateral = self.lateral + forward * sine + right * cosine
        ahead = self.ahead + forward * cosine - right * sine
        return np.stack([lateral, ahead, local[..., 2]], axis=-1)


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
        seat = hip + (0.0, sign * 0.09, 0.0)
        middle = 0.5 * (seat + foot)
        gap = float(np.linalg.norm(foot - seat))
        rise = math.sqrt(max(0.0025, (0.5 * 0.5 * tall) ** 2 - (0.5 * gap) ** 2))
        knee = middle + rise * np.array([0.85, sign * 0.06, 0.5])
        shoulder = hip + 0.29 * tall * spine + (0.0, sign * 0.1 * tall * body.girth, 0.0)
        hand = np.array([0.4, sign * 0.26, 1.02])
        elbow = 0.5 * (shoulder + hand) + (-0.02, sign * 0.06, -0.1)
        points = (seat, knee, foot, foot + (0.12, 0.0, -0.02), shoulder, elbow, hand)
        for name, point in zip(
            ('hip', 'knee', 'foot', 'toe', 'shoulder', 'elbow', 'hand'), points, strict=True
        ):
            joints[_INDEX[f'{name}{side}']] = point
    return joints


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """The paints of one person at one place."""

    skin: Paint
    hair: Paint
    top: Paint
    arms: Paint
    legs: Paint
    shins: Paint
    shoes: Paint
    load: Paint


def dress(
    body: Body, place: Place, *, temps: Temperatures, light: Light, direct: float
) -> Wardrobe:
    """Work out colours and temperatures of a person here and now."""
    air = temps.air
    face = 306.8 - 0.30 * max(0.0, 300.0 - air)
    sunny = 7.0 * direct * temps.weather.clear
    at = (place.lateral, place.station, place.ahead)
    side = 0.55 * direct

    def paint(colour: Colour, heat: float) -> Paint:
        return Paint(colour=light.shade(colour, side, at), heat=heat, shine=0.02)

    def warmth(share: float) -> float:
        return air + max(0.08, share) * (face - air) + sunny * 0.8

    trunk, arms, legs = body.insulation
    return Wardrobe(
        skin=paint(body.skin, face + 0.15 * sunny),
        hair=paint(
            scaled(body.top, 0.8) if body.hat else body.hair, warmth(0.3 if body.hat else 0.6)
        ),
        top=paint(body.top, warmth(trunk)),
        arms=paint(body.skin if body.bare[0] else body.top, warmth(0.9 if body.bare[0] else arms)),
        legs=paint(body.legs, warmth(legs)),
        shins=paint(
            body.skin if body.bare[1] else body.legs, warmth(0.85 if body.bare[1] else legs - 0.06)
        ),
        shoes=paint((40.0, 38.0, 38.0), warmth(0.25)),
        load=paint(scaled(body.legs, 0.8), warmth(0.08)),
    )


def draw_person(
    canvas: Canvas, camera: Camera, body: Body, joints: Array, place: Place, wardrobe: Wardrobe
) -> int:
    """Draw a person and return the object number, 0 when nothing could be drawn."""
    world = place.points(joints)
    pixels = camera.project(world)
    scale = camera.scale_at(place.ahead)
    patch = Patch.around(pixels, wardrobe.top, margin=0.16 * scale + 3.0, limit=2400)
    if patch is None:
        return 0
    away = math.cos(place.heading) > -0.35
    near = 1 if world[_INDEX['hip1'], 1] < world[_INDEX['hip0'], 1] else 0
    size = scale * body.girth
    for side in (1 - near, near):
        _draw_leg(patch, pixels, side, size, wardrobe)
        if side != near:
            _draw_arm(patch, pixels, side, size, wardrobe)
    _draw_trunk(patch, pixels, body, size, wardrobe)
    if body.load == 'pack' and away:
        chest, hip = pixels[_INDEX['chest']], pixels[_INDEX['hip']]
        patch.limb(chest, 0.65 * hip + 0.35 * chest, (0.15 * scale, 0.14 * scale), wardrobe.load)
    _draw_arm(patch, pixels, near, size, wardrobe)
    if body.load == 'bag':
        hand = pixels[_INDEX[f'hand{near}']]
        patch.limb(hand, hand + (0.0, 0.32 * scale), (0.04 * scale, 0.15 * scale), wardrobe.load)
    _draw_head(patch, pixels, scale * body.height / 1.7, wardrobe, away=away)
    _soften(patch, body, scale)
    ident = canvas.new_object(PERSON)
    patch.stamp(canvas, ident)
    return ident


def _draw_leg(patch: Patch, pixels: Array, side: int, size: float, wear: Wardrobe) -> None:
    hip, knee = pixels[_INDEX[f'hip{side}']], pixels[_INDEX[f'knee{side}']]
    foot, toe = pixels[_INDEX[f'foot{side}']], pixels[_INDEX[f'toe{side}']]
    patch.limb(foot, toe, (0.048 * size, 0.04 * size), wear.shoes)
    patch.limb(knee, foot, (0.066 * size, 0.05 * size), wear.shins)
    patch.limb(hip, knee, (0.1 * size, 0.07 * size), wear.legs)


def _draw_arm(patch: Patch, pixels: Array, side: int, size: float, wear: Wardrobe) -> None:
    shoulder, elbow = pixels[_INDEX[f'shoulder{side}']], pixels[_INDEX[f'elbow{side}']]
    hand = pixels[_INDEX[f'hand{side}']]
    patch.disc(hand, 0.048 * size, wear.skin)
    patch.limb(elbow, hand, (0.05 * size, 0.04 * size), wear.arms)
    patch.limb(shoulder, elbow, (0.065 * size, 0.054 * size), wear.top)


def _draw_trunk(patch: Patch, pixels: Array, body: Body, size: float, wear: Wardrobe) -> None:
    left, right = pixels[_INDEX['shoulder0']], pixels[_INDEX['shoulder1']]
    hip0, hip1 = pixels[_INDEX['hip0']], pixels[_INDEX['hip1']]
    neck, hip = pixels[_INDEX['neck']], pixels[_INDEX['hip']]
    outline = np.concatenate(
        [
            capsule_hull(left, 0.065 * size),
            capsule_hull(right, 0.065 * size),
            capsule_hull(hip0, 0.095 * size),
            capsule_hull(hip1, 0.095 * size),
            capsule_hull(neck, 0.05 * size),
        ]
    )
    hull = cv2.convexHull(outline.astype(np.float32))[:, 0]
    if body.coat:
        drop = hip + (0.0, body.coat * size)
        patch.limb(hip, drop, (0.155 * size, 0.2 * size), wear.top)
    patch.fill(hull, wear.top)


_RING = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


def capsule_hull(centre: Array, radius: float) -> Array:
    """Return (8, 2) points on a circle."""
    ring: Array = centre + radius * _RING
    return ring


def _draw_head(patch: Patch, pixels: Array, size: float, wear: Wardrobe, *, away: bool) -> None:
    neck, head, crown = (pixels[_INDEX[name]] for name in ('neck', 'head', 'crown'))
    patch.limb(neck, head, (0.052 * size, 0.05 * size), wear.skin)
    chin = head + (0.0, 0.045 * size)
    patch.limb(head - (0.0, 0.03 * size), chin, (0.088 * size, 0.07 * size), wear.skin)
    if away:
        patch.limb(crown, head, (0.094 * size, 0.088 * size), wear.hair)
    else:
        patch.limb(crown, crown - (0.0, 0.015 * size), (0.09 * size, 0.085 * size), wear.hair)
        face = head + (0.0, 0.035 * size)
        patch.limb(head, face, (0.076 * size, 0.066 * size), wear.skin)


def _soften(patch: Patch, body: Body, scale: float) -> None:
    """Folds in the clothes, warm joints: heat is never flat and has no hard inner edges."""
    height, width = patch.heat.shape
    if height > 6 and scale > 12.0:
        sigma = min(6.0, 0.022 * scale)
        if sigma > 0.4:
            cv2.GaussianBlur(patch.heat, (0, 0), sigma, dst=patch.heat)
    zoom = max(1.0, scale / 60.0)
    rows = (body.grain[0] + (np.arange(height) / zoom).astype(int)) % TILE
    columns = (body.grain[1] + (np.arange(width) / zoom).astype(int)) % TILE
    folds = noise(9, 0.9).take(rows, axis=0).take(columns, axis=1)
    patch.heat += folds * np.float32(0.55)
    shade = np.clip(256.0 + 26.0 * folds, 128, 400).astype(np.uint16)
    block = patch.surface[..., :3]
    block[:] = np.minimum((block * shade[..., None]) >> 8, 255)
