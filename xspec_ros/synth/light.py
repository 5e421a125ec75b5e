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

"""What light falls on things: sun and sky by day, lamps and headlights by night."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.synth.canvas import Array, Colour, mix

if TYPE_CHECKING:
    from xspec_ros.synth.climate import Weather

_GAMMA = 1.0 / 2.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """The light of one drive, linear, 1 = full sun as exposed.

    Attributes:
        night: Whether lamps are on.
        ambient: Light of sky and town, R, G, B.
        sun: Direct sunlight on a surface that faces it, R, G, B.
        lamps: (n, 3) lateral, station, power of street lamps.
        lamp_colour: Their colour, R, G, B.
        headlight: Power of the car's own headlights, 0 = off.
        haze: Colour that far things fade into, 0 to 255.
        sight: Distance in metres over which they do.
        period: Length after which the world repeats, metres.
    """

    night: bool
    ambient: Colour
    sun: Colour
    lamps: Array
    lamp_colour: Colour
    headlight: float
    haze: Colour
    sight: float
    period: float

    def spot(self, lateral: float, station: float, ahead: float) -> Spot:
        """Gather the light at a place: lateral, station, distance ahead, all in metres."""
        levels = self.levels(lateral, station, ahead)
        share = 1.0 - math.exp(-max(ahead, 0.0) / self.sight)
        return Spot(levels, self.sun, self.haze, share)

    def levels(self, lateral: float, station: float, ahead: float) -> Colour:
        """Linear light per channel at a place, without direct sun."""
        if not self.night:
            return self.ambient
        warm = 0.0
        if len(self.lamps):
            along = np.abs(self.lamps[:, 1] - station) % self.period
            along = np.minimum(along, self.period - along)
            distance = (self.lamps[:, 0] - lateral) ** 2 + along * along + 18.0
            warm = float(np.sum(self.lamps[:, 2] / distance))
        extra = self.headlight * beam(lateral, ahead)
        red, green, blue = (self.ambient[i] + self.lamp_colour[i] * warm + extra for i in range(3))
        return red, green, blue

    def fade(self, colour: Colour, ahead: float) -> Colour:
        """Blend a colour into the haze over distance."""
        return mix(colour, self.haze, 1.0 - math.exp(-max(ahead, 0.0) / self.sight))


@dataclass(frozen=True, slots=True)
class Spot:
    """The light at one place: linear levels, direct sun, haze colour and its share."""

    levels: Colour
    sun: Colour
    haze: Colour
    share: float

    def shade(self, albedo: Colour, direct: float = 0.0) -> Colour:
        """Return a surface's colour as the camera shows it; ``direct``: share of sun on it."""
        red, green, blue = (
            tone * (level + sun * direct) ** _GAMMA
            for tone, level, sun in zip(albedo, self.levels, self.sun, strict=True)
        )
        return mix((min(red, 255.0), min(green, 255.0), min(blue, 255.0)), self.haze, self.share)


def beam(lateral: float, ahead: float) -> float:
    """Light of low-beam headlights at a place ahead, 1 close by."""
    width = 1.2 + 0.22 * ahead
    fall = 60.0 / (60.0 + ahead * ahead)
    return fall * math.exp(-((lateral / width) ** 2)) if ahead > 0.5 else 0.0


def draw_light(weather: Weather, lamps: Array, period: float, rng: np.random.Generator) -> Light:
    """Draw the light that fits the weather."""
    if weather.night:
        town = float(np.exp(rng.uniform(np.log(0.0006), np.log(0.012))))
        tint = rng.uniform(0.75, 1.15, 3)
        warm = (1.0, 0.86, 0.62) if rng.random() < 0.5 else (0.85, 1.0, 0.86)
        return Light(
            night=True,
            ambient=(town * tint[0], town * 1.1, town * tint[2]),
            sun=(0.0, 0.0, 0.0),
            lamps=lamps,
            lamp_colour=warm,
            headlight=float(rng.choice([0.0, 0.02, 0.06, 0.15, 0.3])),
            haze=(3.0, 4.0, 5.0),
            sight=400.0,
            period=period,
        )
    elevation = max(0.05, weather.sun()[2])
    exposure = rng.uniform(0.75, 1.25)
    strength = exposure * weather.clear * min(1.0, 0.45 + 1.2 * elevation)
    base = exposure * (0.2 + 0.36 * weather.cloud) * (0.6 + 0.4 * elevation)
    low_sun = 1.0 - min(1.0, elevation * 2.2)
    # The camera exposes for the road, not for the sky.
    level = rng.uniform(0.6, 1.6) / (base + 0.6 * strength * elevation + 0.15 * strength)
    base, strength = base * level, strength * level
    haze = mix((205.0, 212.0, 220.0), (225.0, 215.0, 200.0), low_sun)
    return Light(
        night=False,
        ambient=(base * 0.92, base, base * (1.1 + 0.12 * weather.clear)),
        sun=(strength, strength * (0.97 - 0.1 * low_sun), strength * (0.9 - 0.3 * low_sun)),
        lamps=lamps,
        lamp_colour=(0.0, 0.0, 0.0),
        headlight=0.0,
        haze=haze,
        sight=float(rng.uniform(180.0, 900.0)),
        period=period,
    )
