"""Where everything stands: the static world and the paths of what moves, drawn by seed."""

from __future__ import annotations

from dataclasses import dataclass, field
import math

import numpy as np

from xspec_ros.synth import facades, plants
from xspec_ros.synth.bicycle import Bike, draw_bike
from xspec_ros.synth.canvas import Array, Colour, scaled
from xspec_ros.synth.car import build_faces, CarBody, draw_car_body, Face
from xspec_ros.synth.climate import Temperatures, Weather
from xspec_ros.synth.furniture import draw_post, Post
from xspec_ros.synth.ground import GRASS, GroundPlan, PERIOD_M, rectangle, ROAD, SIDEWALK
from xspec_ros.synth.light import Light
from xspec_ros.synth.panels import Panel
from xspec_ros.synth.person import Body, draw_body
from xspec_ros.synth.textures import Texture

BUILDING, FENCE, VEGETATION = 2, 3, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree: where, how big, which texture, mirrored or not."""

    lateral: float
    station: float
    height: float
    texture: Texture
    mirrored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """How something moves.

    Attributes:
        lateral: Metres at time 0.
        station: Metres at time 0.
        along: Speed along the road in m/s.
        across: Speed to the right in m/s.
        bounds: Laterals between which it goes to and fro.
        heading: Direction where it stands still, radians.
    """

    lateral: float
    station: float
    along: float = 0.0
    across: float = 0.0
    bounds: tuple[float, float] = (-30.0, 30.0)
    heading: float = 0.0

    def at(self, seconds: float) -> tuple[float, float, float]:
        """Lateral, station and heading at a time."""
        low, high = self.bounds
        span = max(high - low, 1e-6)
        moved = self.lateral - low + self.across * seconds
        turn = moved % (2.0 * span)
        back = turn > span
        lateral = low + (2.0 * span - turn if back else turn)
        across = -self.across if back else self.across
        heading = self.heading
        if self.along or across:
            heading = math.atan2(across, self.along)
        return lateral, self.station + self.along * seconds, heading


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """Something that can move: a person, a car, a bicycle with or without its rider."""

    path: Path
    body: Body | None = None
    car: CarBody | None = None
    faces: tuple[Face, ...] = ()
    bike: Bike | None = None
    cadence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """The cross-section of the road: half width, sidewalk widths left and right, building lines."""

    half: float
    walks: tuple[float, float]
    lines: tuple[float, float]
    campus: bool
    drive_left: bool


@dataclass(slots=True)
class Layout:
    """All that stands and moves."""

    street: Street
    panels: list[Panel] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    movers: list[Mover] = field(default_factory=list)


def draw_street(rng: np.random.Generator) -> Street:
    """Draw the road's cross-section."""
    campus = bool(rng.random() < 0.5)
    half = float(rng.uniform(2.6, 4.6) if campus else rng.uniform(3.0, 6.0))
    walks = tuple(0.0 if rng.random() < 0.15 else float(rng.uniform(1.4, 4.0)) for _ in range(2))
    lines = tuple(half + walk + float(rng.uniform(0.8, 7.0)) for walk in walks)
    return Street(
        half=half,
        walks=(walks[0], walks[1]),
        lines=(min(lines[0], 16.0), min(lines[1], 16.0)),
        campus=campus,
        drive_left=bool(rng.random() < 0.7),
    )


def place_lamps(street: Street, rng: np.random.Generator) -> tuple[list[Post], Array]:
    """Street lamps along the road: posts, and (n, 3) lateral, station, power."""
    posts: list[Post] = []
    spacing = float(rng.uniform(22.0, 48.0))
    side = float(rng.choice([-1.0, 1.0]))
    station = float(rng.uniform(0.0, spacing))
    power = float(np.exp(rng.uniform(np.log(0.05), np.log(1.6))))
    rows = []
    while station < PERIOD_M:
        lateral = side * (street.half + float(rng.uniform(0.4, 1.2)))
        post = draw_post('lamp', lateral, station, rng)
        posts.append(post)
        if rng.random() < 0.8:
            rows.append((lateral + post.arm, station, power))
        side = -side
        station += spacing * float(rng.uniform(0.8, 1.2))
    return posts, np.array(rows, np.float64).reshape(-1, 3)


class Builder:
    """Fills a layout and its ground plan side by side."""

    def __init__(
        self,
        street: Street,
        weather: Weather,
        temps: Temperatures,
        light: Light,
        rng: np.random.Generator,
    ) -> None:
        self.street, self.weather, self.temps, self.light, self.rng = (
            street,
            weather,
            temps,
            light,
            rng,
        )
        self.layout = Layout(street=street)
        self.plan = GroundPlan.blank()
        season: tuple[Colour, ...] = (
            (64.0, 92.0, 38.0),
            (52.0, 78.0, 40.0),
            (96.0, 108.0, 44.0),
            (128.0, 98.0, 42.0),
        )
        picks = rng.choice(plants.TREE_SHAPES, 3, replace=False)
        self.trees = [
            plants.tree_texture(
                plants.tree_shape(int(kind)),
                scaled(season[int(rng.integers(4))], float(rng.uniform(0.7, 1.2))),
                temps=temps,
                light=light,
                at=(6.0, float(rng.uniform(0, PERIOD_M))),
                rng=rng,
            )
            for kind in picks
        ]

    def build(self) -> tuple[Layout, GroundPlan]:
        """Place everything."""
        self._lay_ground()
        for side in (-1.0, 1.0):
            self._build_side(side)
            self._plant_street_trees(side)
            self._set_posts(side)
            self._park(side)
        self._people()
        self._traffic()
        return self.layout, self.plan

    def _lay_ground(self) -> None:
        """Asphalt, sidewalks, verges, kerbs, paint, patches, manholes."""
        rng, plan, street = self.rng, self.plan, self.street
        tone = float(rng.uniform(70.0, 112.0))
        asphalt = (tone, tone * 1.01, tone * float(rng.uniform(0.98, 1.06)))
        plan.strip(-25.0, 25.0, asphalt, ROAD)
        for side, walk in zip((-1.0, 1.0), street.walks, strict=True):
            pave = float(rng.uniform(110.0, 165.0))
            colour = (
                pave,
                pave * float(rng.uniform(0.93, 1.0)),
                pave * float(rng.uniform(0.85, 0.97)),
            )
            verge = rng.random() < 0.55
            green = scaled((88.0, 108.0, 54.0), float(rng.uniform(0.6, 1.1)))
            outer = (street.half + walk, 25.0)
            self._side_strip(side, outer, green if verge else colour, GRASS if verge else SIDEWALK)
            self._side_strip(side, (street.half, street.half + walk), colour, SIDEWALK)
            if walk:
                self._side_strip(
                    side, (street.half, street.half + 0.16), scaled(colour, 1.2), SIDEWALK
                )
                joint = float(rng.uniform(0.6, 2.0))
                for station in np.arange(0.0, PERIOD_M, joint).tolist():
                    low, high = sorted((side * street.half, side * (street.half + walk)))
                    row = rectangle(low, high, station, station + 0.06)
                    plan.fill(plan.albedo, row, scaled(colour, 0.8))
                    plan.fill(plan.extra, row, 0.3)
        self._patches(asphalt)
        self._markings()

    def _side_strip(
        self, side: float, reach: tuple[float, float], colour: Colour, label: int
    ) -> None:
        low, high = sorted((side * reach[0], side * reach[1]))
        self.plan.strip(low, high, colour, label)

    def _patches(self, asphalt: Colour) -> None:
        """Repairs, cracks and manholes."""
        rng, plan, half = self.rng, self.plan, self.street.half
        for _ in range(int(rng.integers(2, 12))):
            left, start = float(rng.uniform(-half, half - 1.0)), float(rng.uniform(0.0, PERIOD_M))
            box = rectangle(
                left,
                min(half, left + float(rng.uniform(0.6, 3.0))),
                start,
                start + float(rng.uniform(1.0, 12.0)),
            )
            plan.fill(plan.albedo, box, scaled(asphalt, float(rng.uniform(0.65, 1.2))))
            plan.fill(plan.extra, box, float(rng.uniform(-0.5, 0.6)))
        for _ in range(int(rng.integers(2, 9))):
            centre = np.array([float(rng.uniform(-half, half)), float(rng.uniform(0.0, PERIOD_M))])
            ring = np.arange(12) * math.pi / 6
            disc = centre + 0.36 * np.stack([np.cos(ring), np.sin(ring)], axis=1)
            plan.fill(plan.albedo, disc, scaled(asphalt, float(rng.uniform(0.5, 0.9))))
            plan.fill(plan.extra, disc, float(rng.uniform(-1.5, 3.0)))

    def _markings(self) -> None:
        """Edge lines, centre line, crossings: white or orange paint."""
        rng, plan, street = self.rng, self.plan, self.street
        white = (205.0, 205.0, 198.0) if rng.random() < 0.8 else (206.0, 150.0, 60.0)
        lines: list[tuple[float, float, float]] = []
        if not street.campus or rng.random() < 0.3:
            lines.append((0.0, 5.0 if rng.random() < 0.6 else PERIOD_M, 5.0))
        if rng.random() < 0.5:
            lines += [(-street.half + 0.35, PERIOD_M, 0.0), (street.half - 0.35, PERIOD_M, 0.0)]
        for lateral, dash, gap in lines:
            for station in np.arange(0.0, PERIOD_M, dash + gap).tolist():
                box = rectangle(lateral - 0.08, lateral + 0.08, station, station + dash)
                plan.fill(plan.albedo, box, white)
                plan.fill(plan.bright, box, 1)
        for _ in range(int(rng.integers(0, 4))):
            start = float(rng.uniform(0.0, PERIOD_M))
            for left in np.arange(-street.half + 0.4, street.half - 0.4, 0.95).tolist():
                box = rectangle(left, left + 0.5, start, start + 3.2)
                plan.fill(plan.albedo, box, (198.0, 198.0, 192.0))
                plan.fill(plan.bright, box, 1)

    def _build_side(self, side: float) -> None:
        """Buildings, walls, hedges and fences along one side."""
        rng, street = self.rng, self.street
        line = street.lines[0] if side < 0 else street.lines[1]
        station = float(rng.uniform(0.0, 10.0))
        end = station + PERIOD_M
        while station < end - 6.0:
            length = float(min(rng.uniform(10.0, 38.0), end - station))
            kind = rng.random()
            if kind < 0.5:
                self._building(side, line + float(rng.uniform(0.0, 3.0)), station, length)
            else:
                self._grove(side, line, station, length)
            edge = rng.random()
            if edge < 0.26:
                self._hedge(side, line - 0.4, station, length)
            elif edge < 0.44:
                self._barrier(side, line - 0.3, station, length, fence=True)
            elif edge < 0.56:
                self._barrier(side, line - 0.3, station, length, fence=False)
            if rng.random() < 0.16 and street.walks[0 if side < 0 else 1]:
                self._barrier(side, street.half + 0.3, station, min(length, 18.0), fence=True)
            station += length + float(rng.choice([0.0, rng.uniform(1.0, 8.0)]))

    def _wall_panels(
        self,
        side: float,
        lateral: float,
        station: float,
        length: float,
        *,
        tall: float,
        texture: Texture,
        class_id: int,
        recede: float,
    ) -> None:
        """A long panel parallel to the road, in pieces so that they sort by distance."""
        pieces = max(1, math.ceil(length / 14.0))
        ends = np.linspace(0.0, 1.0, pieces + 1)
        for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            first, second = (station + low * length, station + high * length)
            self.layout.panels.append(
                Panel(
                    start=(side * lateral, first),
                    end=(side * lateral, second),
                    bottom=0.0,
                    top=tall,
                    texture=texture,
                    class_id=class_id,
                    span=(low, high),
                    recede=recede,
                )
            )

    def _building(self, side: float, lateral: float, station: float, length: float) -> None:
        rng, temps, light = self.rng, self.temps, self.light
        style = facades.draw_style(rng)
        tall = float(style.storey * rng.integers(1, 8) + 0.6)
        facing: facades.Facing = 'left' if side > 0 else 'right'
        at = (side * lateral, station + 0.5 * length)
        texture = facades.facade(
            style, (length, tall), facing, temps=temps, light=light, at=at, rng=rng
        )
        self._wall_panels(
            side,
            lateral,
            station,
            length,
            tall=tall,
            texture=texture,
            class_id=BUILDING,
            recede=5.0,
        )
        depth = float(rng.uniform(8.0, 16.0))
        end = facades.facade(
            style, (depth, tall), 'front', temps=temps, light=light, at=at, rng=rng
        )
        inner, outer = side * lateral, side * (lateral + depth)
        self.layout.panels.append(
            Panel(
                start=(min(inner, outer), station),
                end=(max(inner, outer), station),
                bottom=0.0,
                top=tall,
                texture=end,
                class_id=BUILDING,
                recede=5.0,
            )
        )
        self._shadow_box(side, lateral, station, length, tall)

    def _shadow_box(
        self, side: float, lateral: float, station: float, length: float, tall: float
    ) -> None:
        """Shadow of a building now and over the last hours."""
        base = rectangle(
            *sorted((side * lateral, side * (lateral + 9.0))), station, station + length
        )
        for plane, shift in self._shadow_shifts(tall):
            moved = np.concatenate([base, base + shift])
            hull = _hull(moved)
            self.plan.fill(plane, hull, 0)

    def _shadow_shifts(self, tall: float) -> list[tuple[Array, Array]]:
        """Shadow planes with the displacement of a shadow's tip for a height."""
        shifts = []
        planes = [self.plan.lit_now, *self.plan.lit_past]
        for plane, hours in zip(planes, (0.0, 1.0, 2.2), strict=True):
            right, along, up = self.weather.sun(self.weather.hour - hours)
            if up < 0.03:
                continue
            reach = min(tall / up, 60.0)
            shifts.append((plane, np.array([-right * reach, -along * reach])))
        return shifts

    def _tree(self, lateral: float, station: float, height: float) -> None:
        rng = self.rng
        texture = self.trees[int(rng.integers(len(self.trees)))]
        tree = Tree(
            lateral=lateral,
            station=station,
            height=height,
            texture=texture,
            mirrored=bool(rng.random() < 0.5),
        )
        self.layout.trees.append(tree)
        ring = np.arange(12) * math.pi / 6
        for dx, ds, size in rng.uniform((-1, -1, 0.5), (1, 1, 0.9), (4, 3)).tolist():
            radius = 0.2 * height * size
            blob = np.array(
                [lateral + 0.12 * height * dx, station + 0.12 * height * ds]
            ) + radius * np.stack([np.cos(ring), np.sin(ring)], axis=1)
            self.plan.fill(self.plan.canopy, blob, 200)
            for plane, shift in self._shadow_shifts(0.65 * height):
                self.plan.fill(plane, blob + shift, 25)
        trunk = np.array([[lateral - 0.15, station], [lateral + 0.15, station]])
        for plane, shift in self._shadow_shifts(0.6 * height):
            self.plan.fill(plane, np.concatenate([trunk, trunk[::-1] + shift]), 40)

    def _grove(self, side: float, line: float, station: float, length: float) -> None:
        """Trees behind the building line."""
        rng = self.rng
        for _ in range(int(length / rng.uniform(4.0, 9.0)) + 1):
            self._tree(
                side * (line + float(rng.uniform(0.5, 9.0))),
                station + float(rng.uniform(0.0, length)),
                float(rng.uniform(5.0, 14.0)),
            )

    def _plant_street_trees(self, side: float) -> None:
        rng, street = self.rng, self.street
        if rng.random() > 0.45:
            return
        spacing = float(rng.uniform(7.0, 16.0))
        height = float(rng.uniform(5.0, 12.0))
        walk = street.walks[0 if side < 0 else 1]
        lateral = side * (street.half + (0.7 if walk > 1.0 else 1.2))
        for station in np.arange(float(rng.uniform(0.0, spacing)), PERIOD_M, spacing).tolist():
            if rng.random() < 0.85:
                self._tree(
                    lateral,
                    station + float(rng.uniform(-1.0, 1.0)),
                    height * float(rng.uniform(0.8, 1.2)),
                )

    def _hedge(self, side: float, lateral: float, station: float, length: float) -> None:
        tall = float(self.rng.uniform(0.6, 2.4))
        texture = plants.hedge_texture(
            (length, tall),
            temps=self.temps,
            light=self.light,
            at=(side * lateral, station),
            rng=self.rng,
        )
        self._wall_panels(
            side,
            lateral,
            station,
            length,
            tall=tall,
            texture=texture,
            class_id=VEGETATION,
            recede=2.0,
        )

    def _barrier(
        self, side: float, lateral: float, station: float, length: float, *, fence: bool
    ) -> None:
        tall = float(self.rng.uniform(0.7, 1.8 if fence else 2.4))
        facing: facades.Facing = 'left' if side > 0 else 'right'
        paint = facades.fence_texture if fence else facades.wall_texture
        texture = paint(
            (length, tall),
            facing,
            temps=self.temps,
            light=self.light,
            at=(side * lateral, station),
            rng=self.rng,
        )
        self._wall_panels(
            side,
            lateral,
            station,
            length,
            tall=tall,
            texture=texture,
            class_id=FENCE if fence else BUILDING,
            recede=1.0 if fence else 2.0,
        )

    def _set_posts(self, side: float) -> None:
        rng, street = self.rng, self.street
        for _ in range(int(rng.integers(2, 8))):
            self.layout.posts.append(
                draw_post(
                    'sign',
                    side * (street.half + float(rng.uniform(0.3, 1.4))),
                    float(rng.uniform(0, PERIOD_M)),
                    rng,
                )
            )
        if rng.random() < 0.4:
            for station in np.arange(
                float(rng.uniform(0, 20)), PERIOD_M, float(rng.uniform(24, 40))
            ).tolist():
                self.layout.posts.append(
                    draw_post('mast', side * (street.half + 0.7), station, rng)
                )
        if rng.random() < 0.35:
            start = float(rng.uniform(0, PERIOD_M - 20))
            for step in range(int(rng.integers(3, 10))):
                self.layout.posts.append(
                    draw_post('bollard', side * (street.half + 0.25), start + 1.6 * step, rng)
                )
        if not street.campus and rng.random() < 0.6:
            self.layout.posts.append(
                draw_post(
                    'signal', side * (street.half + 0.6), float(rng.uniform(0, PERIOD_M)), rng
                )
            )

    def _park(self, side: float) -> None:
        """Parked cars and bicycles."""
        rng, street = self.rng, self.street
        if rng.random() < 0.55:
            station = float(rng.uniform(0.0, 40.0))
            while station < PERIOD_M - 8:
                if rng.random() < 0.5:
                    lateral = side * (street.half - 1.0 + float(rng.uniform(-0.2, 0.3)))
                    self._parked_car(lateral, station, math.pi if rng.random() < 0.4 else 0.0)
                station += float(rng.uniform(6.0, 14.0))
        for _ in range(int(rng.integers(0, 4))):
            station = float(rng.uniform(0.0, PERIOD_M - 10))
            turned = rng.random() < 0.6
            lateral = side * (street.half + float(rng.uniform(0.3, 1.6)))
            for step in range(int(rng.integers(1, 8))):
                heading = (math.pi / 2 if turned else 0.0) + float(rng.normal(0.0, 0.15))
                path = Path(
                    lateral=lateral,
                    station=station + step * (0.65 if turned else 1.9),
                    heading=heading,
                )
                self.layout.movers.append(Mover(path=path, bike=draw_bike(rng, ridden=False)))

    def _parked_car(self, lateral: float, station: float, heading: float) -> None:
        car = draw_car_body(self.rng, moving=False, night=self.light.night)
        path = Path(
            lateral=lateral, station=station, heading=heading + float(self.rng.normal(0.0, 0.03))
        )
        self.layout.movers.append(Mover(path=path, car=car, faces=tuple(build_faces(car))))
        under = rectangle(lateral - 0.8, lateral + 0.8, station - 2.0, station + 2.0)
        self.plan.fill(self.plan.canopy, under, 255)
        for plane in self.plan.lit_past:
            self.plan.fill(plane, under, 40)
        self.plan.fill(self.plan.extra, under, 5.0 * car.running)
        for plane, shift in self._shadow_shifts(1.4):
            self.plan.fill(plane, _hull(np.concatenate([under, under + shift])), 0)

    def _people(self) -> None:
        """Walkers, groups, people who wait, people who cross, cyclists."""
        rng, street = self.rng, self.street
        density = float(rng.choice([0.3, 1.0, 2.2], p=[0.25, 0.5, 0.25]))
        for _ in range(int(rng.poisson(16 * density))):
            side = float(rng.choice([-1.0, 1.0]))
            walk = street.walks[0 if side < 0 else 1]
            on_road = rng.random() < (0.55 if street.campus else 0.15)
            lateral = (
                float(rng.uniform(-street.half, street.half))
                if on_road
                else side * (street.half + float(rng.uniform(0.3, max(walk, 1.5))))
            )
            self._group(lateral, float(rng.uniform(0.0, PERIOD_M)))
        for _ in range(int(rng.poisson(3 * density))):
            reach = street.half + 2.0
            path = Path(
                lateral=float(rng.uniform(-reach, reach)),
                station=float(rng.uniform(0.0, PERIOD_M)),
                across=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.8, 1.6)),
                bounds=(-reach, reach),
            )
            self._walker(path)
        for _ in range(int(rng.poisson(4 * density))):
            away = rng.random() < 0.5
            path = Path(
                lateral=float(rng.uniform(-street.half, street.half)),
                station=float(rng.uniform(0.0, PERIOD_M)),
                along=float(rng.uniform(2.5, 5.5)) * (1.0 if away else -1.0),
            )
            body = draw_body(rng, self.temps.air, walking=True)
            self.layout.movers.append(
                Mover(
                    path=path,
                    body=body,
                    bike=draw_bike(rng, ridden=True),
                    cadence=float(rng.uniform(5.0, 8.0)),
                )
            )

    def _group(self, lateral: float, station: float) -> None:
        rng = self.rng
        count = int(rng.choice([1, 2, 3, 4], p=[0.55, 0.28, 0.12, 0.05]))
        stands = rng.random() < 0.25
        speed = float(rng.uniform(0.9, 1.7)) * float(rng.choice([-1.0, 1.0]))
        for index in range(count):
            heading = float(rng.uniform(-math.pi, math.pi))
            path = Path(
                lateral=lateral + 0.62 * index * float(rng.uniform(0.7, 1.2)),
                station=station + float(rng.uniform(-0.5, 0.5)),
                along=0.0 if stands else speed,
                heading=heading,
            )
            self._walker(path)

    def _walker(self, path: Path) -> None:
        walking = bool(path.along or path.across)
        body = draw_body(self.rng, self.temps.air, walking=walking)
        pace = math.hypot(path.along, path.across)
        self.layout.movers.append(Mover(path=path, body=body, cadence=pace * 2.0 * math.pi / 1.4))

    def _traffic(self) -> None:
        """Cars that drive, one lane each way."""
        rng, street = self.rng, self.street
        keep = -1.0 if street.drive_left else 1.0
        for _ in range(int(rng.poisson(4.0))):
            coming = rng.random() < 0.5
            lane = keep * (-1.0 if coming else 1.0) * min(0.5 * street.half, 1.9)
            speed = float(rng.uniform(2.0, 11.0)) * (-1.0 if coming else 1.0)
            car = draw_car_body(rng, moving=True, night=self.light.night)
            path = Path(
                lateral=lane + float(rng.normal(0.0, 0.2)),
                station=float(rng.uniform(0.0, PERIOD_M)),
                along=speed,
            )
            self.layout.movers.append(Mover(path=path, car=car, faces=tuple(build_faces(car))))
        if rng.random() < 0.25:
            lateral = float(rng.uniform(-street.half + 1.5, street.half - 1.5))
            car = draw_car_body(rng, moving=True, night=self.light.night)
            path = Path(
                lateral=lateral,
                station=float(rng.uniform(0.0, PERIOD_M)),
                across=float(rng.choice([-1.0, 1.0]) * rng.uniform(1.0, 3.0)),
                bounds=(-14.0, 14.0),
            )
            self.layout.movers.append(Mover(path=path, car=car, faces=tuple(build_faces(car))))


def _hull(points: Array) -> Array:
    """Convex hull of (n, 2) points."""
    import cv2

    hull = cv2.convexHull(points.astype(np.float32))
    return np.asarray(hull[:, 0], np.float64)
