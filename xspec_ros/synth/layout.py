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

"""Where everything stands and how it moves, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
import math
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.synth.furniture import draw_post, Post
from xspec_ros.synth.ground import GroundPlan, PERIOD_M

if TYPE_CHECKING:
    from xspec_ros.synth.bicycle import Bike
    from xspec_ros.synth.canvas import Array
    from xspec_ros.synth.car_body import CarBody
    from xspec_ros.synth.climate import Temperatures, Weather
    from xspec_ros.synth.light import Light
    from xspec_ros.synth.panels import Panel
    from xspec_ros.synth.person import Body
    from xspec_ros.synth.textures import LazyTexture


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree: where, how big, which texture, mirrored or not."""

    lateral: float
    station: float
    height: float
    texture: LazyTexture
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
    bike: Bike | None = None
    cadence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """Cross-section of the road: half width; sidewalks and building lines left and right."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A world under construction: what is known, and what is filled in."""

    street: Street
    weather: Weather
    temps: Temperatures
    light: Light
    rng: np.random.Generator
    layout: Layout
    plan: GroundPlan

    def shadow_shifts(self, tall: float) -> list[tuple[Array, Array]]:
        """Shadow planes with the displacement of a shadow's tip for a height in metres."""
        shifts = []
        planes = [self.plan.lit_now, *self.plan.lit_past]
        for plane, hours in zip(planes, (0.0, 1.0, 2.2), strict=True):
            right, along, up = self.weather.sun(self.weather.hour - hours)
            if up >= 0.03:
                reach = min(tall / up, 60.0)
                shifts.append((plane, np.array([-right * reach, -along * reach])))
        return shifts

    def child(self) -> np.random.Generator:
        """Return a generator of its own for something painted later."""
        return np.random.default_rng(int(self.rng.integers(2**62)))


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
