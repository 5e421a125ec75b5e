"""Cars: bodies of flat faces over wheels, with glass, lamps, and the heat of driving."""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from xspec_ros.synth.camera import Camera
from xspec_ros.synth.canvas import Array, Canvas, Colour, Paint, Patch, scaled
from xspec_ros.synth.climate import Temperatures
from xspec_ros.synth.light import Light
from xspec_ros.synth.person import Place
from xspec_ros.synth.textures import noise, TILE

CAR = 10
_COLOURS: tuple[Colour, ...] = (
    (216.0, 218.0, 220.0), (150.0, 154.0, 158.0), (34.0, 35.0, 38.0), (62.0, 66.0, 72.0),
    (120.0, 24.0, 28.0), (30.0, 48.0, 96.0), (190.0, 186.0, 170.0), (60.0, 90.0, 84.0),
    (206.0, 172.0, 40.0), (96.0, 110.0, 130.0),
)  # fmt: skip
# Side profiles as shares of length and height: the lower body's shoulder line and the glass
# house above it, each from front to rear.
_PROFILES: dict[str, tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]]] = {
    'sedan': (
        ((0.5, 0.30), (0.5, 0.44), (0.46, 0.52), (0.22, 0.60), (-0.36, 0.62), (-0.48, 0.58), (-0.5, 0.45), (-0.5, 0.24)),
        ((0.22, 0.60), (0.05, 0.96), (-0.06, 1.0), (-0.2, 0.97), (-0.37, 0.62)),
    ),
    'hatch': (
        ((0.5, 0.28), (0.5, 0.45), (0.44, 0.52), (0.26, 0.58), (-0.46, 0.60), (-0.5, 0.45), (-0.5, 0.24)),
        ((0.27, 0.58), (0.08, 0.95), (-0.05, 1.0), (-0.38, 0.96), (-0.47, 0.60)),
    ),
    'van': (
        ((0.5, 0.24), (0.5, 0.42), (0.45, 0.48), (0.38, 0.5), (-0.49, 0.5), (-0.5, 0.4), (-0.5, 0.2)),
        ((0.39, 0.5), (0.24, 0.94), (0.16, 1.0), (-0.44, 0.99), (-0.49, 0.5)),
    ),
    'suv': (
        ((0.5, 0.3), (0.5, 0.5), (0.46, 0.57), (0.22, 0.6), (-0.48, 0.62), (-0.5, 0.48), (-0.5, 0.27)),
        ((0.22, 0.6), (0.09, 0.95), (-0.02, 1.0), (-0.42, 0.98), (-0.49, 0.62)),
    ),
    'truck': (
        ((0.5, 0.2), (0.5, 0.34), (0.48, 0.38), (0.28, 0.38), (-0.5, 0.38), (-0.5, 0.3), (-0.5, 0.22)),
        ((0.485, 0.38), (0.44, 0.74), (0.28, 0.76), (0.28, 0.74), (0.28, 0.38)),
    ),
}  # fmt: skip
_SIZES: dict[str, tuple[float, float, float]] = {
    'sedan': (4.5, 1.75, 1.44),
    'hatch': (3.9, 1.68, 1.52),
    'van': (4.2, 1.72, 1.92),
    'suv': (4.5, 1.84, 1.68),
    'truck': (5.4, 1.95, 2.6),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CarBody:
    """One car's make and state.

    Attributes:
        kind: Profile name.
        size: Length, width, height in metres.
        colour: Paint under full light.
        running: 0 = cold, 1 = engine, exhaust and tyres at working temperature.
        cabin: Kelvin by which the cabin is warmer than the air.
        absorb: How strongly the paint heats in the sun, 0 to 1.
        gloss: Share of reflected sky on painted faces.
        grain: Offset into the noise.
    """

    kind: str
    size: tuple[float, float, float]
    colour: Colour
    running: float
    cabin: float
    absorb: float
    gloss: float
    grain: tuple[int, int]


def draw_car_body(rng: np.random.Generator, *, moving: bool, night: bool) -> CarBody:
    """Draw a car."""
    kind = str(
        rng.choice(['sedan', 'hatch', 'van', 'suv', 'truck'], p=[0.26, 0.26, 0.22, 0.18, 0.08])
    )
    colour = scaled(_COLOURS[int(rng.integers(len(_COLOURS)))], float(rng.uniform(0.85, 1.1)))
    size = tuple(float(side * rng.uniform(0.93, 1.07)) for side in _SIZES[kind])
    recent = rng.random() < 0.25
    running = (
        float(rng.uniform(0.55, 1.0))
        if moving
        else float(rng.uniform(0.15, 0.7))
        if recent
        else 0.0
    )
    return CarBody(
        kind=kind,
        size=(size[0], size[1], size[2]),
        colour=colour,
        running=running,
        cabin=float(rng.uniform(0.0, 6.0)) * (1.0 if moving or not night else 0.2),
        absorb=1.0 - sum(colour) / 3.0 / 300.0,
        gloss=float(rng.uniform(0.05, 0.16)),
        grain=(int(rng.integers(TILE)), int(rng.integers(TILE))),
    )


@dataclass(frozen=True, slots=True)
class Face:
    """One flat face: corners (n, 3) forward, right, up; what it is made of; its heat."""

    corners: Array
    part: str
    heat: float


def _side(
    points: tuple[tuple[float, float], ...], size: tuple[float, float, float], right: float
) -> Array:
    outline = np.array(points)
    return np.stack(
        [outline[:, 0] * size[0], np.full(len(outline), right), outline[:, 1] * size[2]], axis=1
    )


def build_faces(car: CarBody) -> list[Face]:
    """Return a car's faces in kelvin above its surroundings' paint temperature."""
    lower, upper = _PROFILES[car.kind]
    length, width, height = car.size
    half, roof_half = 0.5 * width, 0.5 * width * (0.98 if car.kind == 'truck' else 0.8)
    run = car.running
    faces: list[Face] = []
    bottom = np.array([(0.5, 0.13), (-0.5, 0.13)])
    faces.append(Face(_floor(length, half, height), 'floor', 7.0 * run))
    for sign in (-1.0, 1.0):
        outline = np.concatenate([np.array(lower), bottom[::-1]])
        side = _side(tuple(map(tuple, outline.tolist())), car.size, sign * half)
        faces.append(Face(side, 'side', 0.6 * run))
        faces.append(Face(_taper(upper, car.size, sign, half, roof_half), 'post', 0.3 * car.cabin))
        faces.extend(_side_windows(car, upper, sign, half, roof_half))
    faces.extend(_strip(lower, car.size, half, half, parts=_lower_parts(lower), run=run))
    faces.extend(_upper_strip(car, upper, half, roof_half))
    if car.kind == 'truck':
        faces.extend(_box(car))
    return faces


def _floor(length: float, half: float, height: float) -> Array:
    z = 0.13 * height
    return np.array(
        [
            [0.5 * length, -half, z],
            [0.5 * length, half, z],
            [-0.5 * length, half, z],
            [-0.5 * length, -half, z],
        ]
    )


def _taper(
    upper: tuple[tuple[float, float], ...],
    size: tuple[float, float, float],
    sign: float,
    half: float,
    roof: float,
) -> Array:
    outline = np.array(upper)
    low, high = outline[:, 1].min(), outline[:, 1].max()
    share = (outline[:, 1] - low) / max(high - low, 1e-6)
    right = sign * (half * 0.98 + (roof - half * 0.98) * share)
    return np.stack([outline[:, 0] * size[0], right, outline[:, 1] * size[2]], axis=1)


def _side_windows(
    car: CarBody, upper: tuple[tuple[float, float], ...], sign: float, half: float, roof: float
) -> list[Face]:
    outline = _taper(upper, car.size, sign, half, roof)
    centre = outline.mean(axis=0)
    glass = centre + (outline - centre) * (0.86, 1.0, 0.74)
    glass[:, 1] = outline[:, 1] + sign * 0.004
    if car.kind == 'truck':
        return [Face(glass, 'glass', 0.0)]
    middle = float(centre[0])
    return [
        Face(_cut(glass, middle + 0.04, 1.0), 'glass', 0.0),
        Face(_cut(glass, middle - 0.04, -1.0), 'glass', 0.0),
    ]


def _cut(corners: Array, at: float, keep: float) -> Array:
    """Keep the part of a polygon before (+1) or behind (-1) a forward position."""
    kept: list[Array] = []
    for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if (first[0] - at) * keep >= 0:
            kept.append(first)
        if (first[0] - at) * (second[0] - at) < 0:
            share = (at - first[0]) / (second[0] - first[0])
            kept.append(first + share * (second - first))
    return np.array(kept) if len(kept) >= 3 else corners


def _lower_parts(lower: tuple[tuple[float, float], ...]) -> list[str]:
    """Name the faces between the points of the lower profile, front to rear."""
    parts = []
    for (x0, _), (x1, _) in zip(lower[:-1], lower[1:], strict=True):
        middle = 0.5 * (x0 + x1)
        parts.append(
            'front'
            if middle > 0.47
            else 'rear'
            if middle < -0.47
            else 'hood'
            if middle > 0.1
            else 'deck'
        )
    return parts


def _strip(
    points: tuple[tuple[float, float], ...],
    size: tuple[float, float, float],
    half0: float,
    half1: float,
    *,
    parts: list[str],
    run: float,
) -> list[Face]:
    del half1
    faces = []
    warm = {'front': 5.0, 'hood': 8.0, 'rear': 1.2, 'deck': 0.0}
    for (x0, z0), (x1, z1), part in zip(points[:-1], points[1:], parts, strict=True):
        corners = np.array(
            [
                [x0 * size[0], -half0, z0 * size[2]],
                [x0 * size[0], half0, z0 * size[2]],
                [x1 * size[0], half0, z1 * size[2]],
                [x1 * size[0], -half0, z1 * size[2]],
            ]
        )
        faces.append(Face(corners, part, warm[part] * run))
    for x, z, part in (
        (points[0][0], points[0][1], 'front'),
        (points[-1][0], points[-1][1], 'rear'),
    ):
        corners = np.array(
            [
                [x * size[0], -half0, z * size[2]],
                [x * size[0], half0, z * size[2]],
                [x * size[0], half0, 0.13 * size[2]],
                [x * size[0], -half0, 0.13 * size[2]],
            ]
        )
        faces.append(Face(corners, f'{part}_low', (7.0 if part == 'front' else 5.0) * run))
    return faces


def _upper_strip(
    car: CarBody, upper: tuple[tuple[float, float], ...], half: float, roof: float
) -> list[Face]:
    faces = []
    left = _taper(upper, car.size, -1.0, half, roof)
    right = _taper(upper, car.size, 1.0, half, roof)
    for index in range(len(upper) - 1):
        corners = np.stack([left[index], right[index], right[index + 1], left[index + 1]])
        rise = abs(corners[0, 2] - corners[2, 2])
        steep = rise > 0.35 * abs(corners[0, 0] - corners[2, 0])
        faces.append(Face(corners, 'roof', 0.5 * car.cabin))
        if steep and rise > 0.2:
            centre = corners.mean(axis=0)
            pane = centre + (corners - centre) * 0.88
            faces.append(Face(pane, 'screen', 0.0))
    return faces


def _box(car: CarBody) -> list[Face]:
    length, width, height = car.size
    x0, x1, half = 0.26 * length, -0.5 * length, 0.5 * width
    low, high = 0.3 * height, height
    rings = [(x, r, z) for x in (x0, x1) for r in (-half, half) for z in (low, high)]
    corner = {index: np.array(point) for index, point in enumerate(rings)}
    quads = {
        'side': ((0, 1, 5, 4), (2, 3, 7, 6)),
        'rear': ((4, 5, 7, 6),),
        'post': ((0, 1, 3, 2),),
        'roof': ((1, 3, 7, 5),),
    }
    return [
        Face(np.stack([corner[i] for i in quad]), part, 0.0)
        for part, items in quads.items()
        for quad in items
    ]


_WHEEL = np.stack([np.cos(np.arange(14) * np.pi / 7), np.sin(np.arange(14) * np.pi / 7)], axis=1)


def draw_car(
    canvas: Canvas,
    camera: Camera,
    car: CarBody,
    faces: list[Face],
    place: Place,
    *,
    temps: Temperatures,
    light: Light,
) -> int:
    """Draw a car and return the object number, 0 when nothing could be drawn."""
    counts = [len(face.corners) for face in faces]
    world = place.points(np.concatenate([face.corners for face in faces]))
    if float(world[:, 1].min()) < 0.9:
        return 0
    pixels = np.split(camera.project(world), np.cumsum(counts)[:-1])
    depths = [float(part.mean()) for part in np.split(world[:, 1], np.cumsum(counts)[:-1])]
    scale = camera.scale_at(place.ahead)
    shop = _Paintshop(car, place, temps, light)
    base = shop.paint('floor', 0.0)
    patch = Patch.around(np.concatenate(pixels), base, margin=0.2 * scale + 2, limit=3000)
    if patch is None:
        return 0
    eye = np.array([camera.lateral, 0.0, camera.height])
    order = sorted(range(len(faces)), key=lambda index: -depths[index] - _bias(faces[index].part))
    wheels = _wheels(car, place, camera)
    body_done = False
    for index in order:
        face = faces[index]
        if not body_done and face.part not in {'floor'}:
            for outline, hub in wheels[0]:
                patch.fill(outline, shop.paint('tyre', 0.0))
                patch.fill(hub, shop.paint('hub', 0.0))
            body_done = True
        if _faces_away(faces[index], place, eye):
            continue
        patch.fill(pixels[index], shop.paint(face.part, face.heat))
        if face.part in {'front', 'rear'} and len(face.corners) == 4:
            _draw_lamps(patch, pixels[index], face.part, shop)
    for outline, hub in wheels[1]:
        patch.fill(outline, shop.paint('tyre', 0.0))
        patch.fill(hub, shop.paint('hub', 0.0))
    _finish(patch, car, scale)
    ident = canvas.new_object(CAR)
    patch.stamp(canvas, ident)
    if light.night and car.running > 0.5:
        _add_glows(canvas, camera, car, place)
    return ident


def _bias(part: str) -> float:
    return {'floor': 2.0, 'glass': -0.3, 'screen': -0.3}.get(part, 0.0)


def _faces_away(face: Face, place: Place, eye: Array) -> bool:
    """Whether a face looks away from the camera: its outward side is away from the middle."""
    if face.part == 'floor':
        return False
    corners = face.corners
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    middle = corners.mean(axis=0)
    outward = middle - (0.0, 0.0, 0.55 * middle[2])
    if face.part in {'front', 'rear', 'front_low', 'rear_low'}:
        outward = np.array([middle[0], 0.0, 0.0])
    elif face.part in {'side', 'glass'} or (face.part == 'post' and abs(middle[1]) > 0.2):
        outward = np.array([0.0, middle[1], 0.0])
    elif face.part in {'roof', 'screen'}:
        outward = np.array([0.3 * middle[0], 0.0, 1.0])
    if float(normal @ outward) < 0:
        normal = -normal
    world = place.points(np.stack([middle, middle + normal]))
    return bool((world[1] - world[0]) @ (eye - world[0]) <= 0)


def _wheels(
    car: CarBody, place: Place, camera: Camera
) -> tuple[list[tuple[Array, Array]], list[tuple[Array, Array]]]:
    """Outlines of tyres and hubs: those on the far side, then those on the near side."""
    length, width, _ = car.size
    radius = 0.31 if car.kind != 'truck' else 0.36
    far: list[tuple[Array, Array]] = []
    near: list[tuple[Array, Array]] = []
    for sign in (-1.0, 1.0):
        normal = place.points(np.array([[0.0, 0.0, 0.0], [0.0, sign, 0.0]]))
        towards = (normal[1] - normal[0]) @ (np.array([camera.lateral, 0.0, 0.6]) - normal[0])
        for forward in (0.31, -0.3):
            inner = sign * (0.5 * width - 0.2)
            outer = sign * (0.5 * width + 0.01)
            rims = [
                np.stack(
                    [
                        forward * length + r * _WHEEL[:, 0],
                        np.full(14, right),
                        radius + r * _WHEEL[:, 1],
                    ],
                    axis=1,
                )
                for r, right in (
                    (radius, inner),
                    (radius, outer),
                    (0.6 * radius, outer + sign * 0.01),
                )
            ]
            tread = camera.project(place.points(np.concatenate(rims[:2])))
            outline = cv2.convexHull(tread.astype(np.float32))[:, 0]
            hub = camera.project(place.points(rims[2]))
            if towards > 0:
                near.append((outline, hub))
            else:
                far.append((outline, outline.mean(axis=0) + 0.01 * (hub - hub.mean(axis=0))))
    return far, near


class _Paintshop:
    """Colours and temperatures of a car's parts at one place."""

    def __init__(self, car: CarBody, place: Place, temps: Temperatures, light: Light) -> None:
        self.car, self.place, self.temps, self.light = car, place, temps, light
        self.at = (place.lateral, place.station, place.ahead)

    def exposure(self, part: str) -> str:
        """How a part lies towards the sun."""
        if part in {'roof', 'hood', 'deck'}:
            return 'flat'
        along = math.cos(self.place.heading)
        if part in {'front', 'front_low', 'screen'}:
            return 'back' if along > 0.5 else 'front' if along < -0.5 else 'right'
        if part in {'rear', 'rear_low'}:
            return 'front' if along > 0.5 else 'back' if along < -0.5 else 'left'
        return 'left' if self.place.lateral > 0 else 'right'

    def paint(self, part: str, warm: float) -> Paint:
        """Return the paint of a part that is ``warm`` kelvin above its material."""
        car, temps = self.car, self.temps
        lies = self.exposure(part)
        direct = temps.sunny(lies)
        air = temps.air
        if part in {'glass', 'screen'}:
            heat = temps.of('glass', 'shaded') * 0.4 + 0.6 * (air + 0.5 * car.cabin)
            tone = self.light.shade((44.0, 52.0, 58.0), 0.8 * direct, self.at)
            return Paint(colour=tone, heat=heat, shine=0.34 if part == 'screen' else 0.2)
        if part == 'tyre':
            heat = temps.of('rubber', 'shaded') + 16.0 * car.running
            return Paint(
                colour=self.light.shade((26.0, 26.0, 27.0), 0.3 * direct, self.at), heat=heat
            )
        if part == 'hub':
            heat = temps.of('steel', 'shaded') + 24.0 * car.running
            tone = self.light.shade((120.0, 122.0, 126.0), 0.4 * direct, self.at)
            return Paint(colour=tone, heat=heat, shine=0.1)
        if part == 'floor':
            heat = temps.of('asphalt', 'shaded') + 1.0 + 12.0 * car.running
            return Paint(colour=self.light.shade((14.0, 14.0, 15.0), 0.0, self.at), heat=heat)
        return self._sheet(part, warm, lies, direct)

    def _sheet(self, part: str, warm: float, lies: str, direct: float) -> Paint:
        temps = self.temps
        cold = temps.of('sheet', 'shaded')
        heat = cold + (temps.of('sheet', lies) - cold) * (0.4 + 0.75 * self.car.absorb) + warm
        colour = scaled(self.car.colour, 0.35 if part.endswith('_low') else 1.0)
        sky = {'flat': 1.15}.get(lies, 0.85)
        tone = self.light.shade(scaled(colour, sky), direct, self.at)
        shine = self.car.gloss * (1.8 if lies == 'flat' else 0.7)
        return Paint(colour=tone, heat=heat, shine=shine)


def _draw_lamps(patch: Patch, corners: Array, part: str, shop: _Paintshop) -> None:
    """Headlamps or tail lamps and a number plate on a front or rear face."""
    left0, right0, right1, left1 = corners
    on = shop.light.night and shop.car.running > 0.5
    if part == 'front':
        colour: Colour = (250.0, 248.0, 236.0) if on else (206.0, 208.0, 206.0)
        heat = shop.temps.air + (14.0 if on else 3.0 * shop.car.running)
    else:
        colour = (255.0, 40.0, 30.0) if on else (150.0, 24.0, 26.0)
        heat = shop.temps.air + (6.0 if on else 1.0)
    if not on:
        colour = shop.light.shade(colour, 0.4, shop.at)
    paint = Paint(colour=colour, heat=heat, shine=0.08)
    for share0, share1 in ((0.03, 0.2), (0.8, 0.97)):
        quad = np.stack(
            [
                left0 + share0 * (right0 - left0),
                left0 + share1 * (right0 - left0),
                left1 + share1 * (right1 - left1),
                left1 + share0 * (right1 - left1),
            ]
        )
        patch.fill(quad, paint)
    plate = Paint(
        colour=shop.light.shade((222.0, 222.0, 210.0), 0.4, shop.at), heat=shop.temps.air
    )
    plate_quad = np.stack(
        [
            left1 + 0.38 * (right1 - left1),
            left1 + 0.62 * (right1 - left1),
            0.45 * left0 + 0.55 * left1 + 0.62 * (right1 - left1),
            0.45 * left0 + 0.55 * left1 + 0.38 * (right1 - left1),
        ]
    )
    patch.fill(plate_quad, plate)


def _finish(patch: Patch, car: CarBody, scale: float) -> None:
    """Let heat spread in the sheet metal, and add dents and dirt."""
    sigma = min(7.0, 0.03 * scale)
    if sigma > 0.4:
        cv2.GaussianBlur(patch.heat, (0, 0), sigma, dst=patch.heat)
    height, width = patch.heat.shape
    zoom = max(1.0, scale / 40.0)
    rows = (car.grain[0] + (np.arange(height) / zoom).astype(int)) % TILE
    columns = (car.grain[1] + (np.arange(width) / zoom).astype(int)) % TILE
    patch.heat += noise(10, 1.2).take(rows, axis=0).take(columns, axis=1) * np.float32(0.4)


def _add_glows(canvas: Canvas, camera: Camera, car: CarBody, place: Place) -> None:
    """Note the lamps whose glare the RGB camera sees."""
    length, width, height = car.size
    coming = math.cos(place.heading) < -0.5
    going = math.cos(place.heading) > 0.5
    if not (coming or going):
        return
    forward = 0.5 * length if coming else -0.5 * length
    local = np.array([[forward, sign * 0.4 * width, 0.46 * height] for sign in (-1.0, 1.0)])
    colour = (255.0, 246.0, 225.0) if coming else (255.0, 30.0, 20.0)
    radius = (0.55 if coming else 0.22) * camera.scale_at(place.ahead) + (9.0 if coming else 2.0)
    for u, v in camera.project(place.points(local)).tolist():
        canvas.glows.append((u, v, radius, colour))
