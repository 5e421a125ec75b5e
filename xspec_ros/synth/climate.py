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

"""Weather, sun, and what every material's temperature becomes: a day's energy balance."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xspec_ros.synth.canvas import Array
    from xspec_ros.synth.settings import DriveSettings

KELVIN = 273.15
_SIGMA = 5.67e-8
_STEP_S = 900.0
_HISTORY_H = 36.0

# Solar absorptivity, heat capacity that follows the day (kJ/m2K), coupling to what is behind
# the surface (W/m2K), factor on convection (leaves and grass shed heat by evaporation too).
MATERIALS: dict[str, tuple[float, float, float, float]] = {
    'asphalt': (0.92, 110.0, 4.0, 0.9),
    'marking': (0.45, 110.0, 4.0, 0.9),
    'paving': (0.68, 130.0, 5.0, 0.9),
    'grass': (0.76, 16.0, 3.0, 2.6),
    'foliage': (0.70, 5.0, 0.0, 4.0),
    'trunk': (0.72, 120.0, 2.0, 1.3),
    'brick': (0.72, 150.0, 1.6, 1.0),
    'plaster': (0.42, 150.0, 1.4, 1.0),
    'cladding': (0.60, 14.0, 0.8, 1.0),
    'glass': (0.25, 12.0, 3.4, 1.0),
    'sheet': (0.70, 7.0, 0.6, 1.1),
    'steel': (0.55, 22.0, 0.0, 1.6),
    'board': (0.40, 6.0, 0.0, 1.5),
    'rubber': (0.93, 40.0, 0.5, 1.2),
}
# How a surface lies: share of sky it sees, then how the sun's direct light meets it.
EXPOSURES = ('flat', 'shaded', 'left', 'right', 'front', 'back')


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """State of the sky and air for one drive.

    Attributes:
        hour: Solar time of day.
        night: Whether the sun is down.
        noon_elevation: Sun's elevation at noon in radians.
        azimuth: Direction of the noon sun against the road's direction, radians, right positive.
        air_mean: Daily mean of the air temperature in kelvin.
        air_swing: Half of the daily swing in kelvin.
        cloud: Cloud cover, 0 to 1.
        wind: Wind speed in m/s.
        wet: Share of the day's heating lost because surfaces are damp, 0 to 1.
    """

    hour: float
    night: bool
    noon_elevation: float
    azimuth: float
    air_mean: float
    air_swing: float
    cloud: float
    wind: float
    wet: float

    def air(self, hour: float | None = None) -> float:
        """Air temperature in kelvin, warmest at 14:30."""
        at = self.hour if hour is None else hour
        return self.air_mean + self.air_swing * math.cos((at - 14.5) * math.pi / 12.0)

    def sun(self, hour: float | None = None) -> tuple[float, float, float]:
        """Unit vector towards the sun: right, along the road, up (up <= 0: below horizon)."""
        at = self.hour if hour is None else hour
        turn = (at - 12.0) * math.pi / 12.0
        up = math.sin(self.noon_elevation) * math.cos(turn) - 0.08 * (1.0 - math.cos(turn))
        up = max(-0.99, min(0.99, up))
        flat = math.sqrt(1.0 - up * up)
        bearing = self.azimuth + turn
        return flat * math.sin(bearing), flat * math.cos(bearing), up

    @property
    def clear(self) -> float:
        """Share of the sun that comes as direct light."""
        return float(max(0.0, 1.0 - 1.25 * self.cloud))

    @property
    def zenith(self) -> float:
        """Temperature of the sky overhead in the 8 to 14 um band, kelvin."""
        return self.air() - 58.0 * math.pow(1.0 - self.cloud, 0.8) - 4.0


def draw_weather(settings: DriveSettings, rng: np.random.Generator) -> Weather:
    """Draw the weather of a drive; settings that are given win."""
    night = settings.night
    hour = rng.uniform(19.0, 29.5) if night else rng.uniform(7.5, 17.0)
    mean_c = rng.uniform(0.0, 27.0)
    swing = rng.uniform(2.0, 6.5)
    cloud = float(np.clip(rng.beta(0.9, 0.7), 0.0, 1.0))
    noon = math.radians(rng.uniform(28.0, 72.0))
    azimuth = rng.uniform(-math.pi, math.pi)
    wind, wet = rng.uniform(0.3, 5.0), float(rng.uniform(0.0, 0.7) ** 2)
    weather = Weather(
        hour=settings.hour if settings.hour is not None else hour % 24.0,
        night=night,
        noon_elevation=noon,
        azimuth=azimuth,
        air_mean=mean_c + KELVIN,
        air_swing=swing,
        cloud=cloud if settings.cloud is None else settings.cloud,
        wind=wind,
        wet=wet,
    )
    if settings.air_c is None:
        return weather
    shift = settings.air_c + KELVIN - weather.air()
    return Weather(
        **{
            **{name: getattr(weather, name) for name in Weather.__slots__},
            'air_mean': weather.air_mean + shift,
        }
    )


class Temperatures:
    """Surface temperatures of one drive, by material and by how the surface lies.

    Every material and exposure is a one-node slab: sunlight in, thermal exchange with sky and
    surroundings, wind, heat held in the slab, and what lies behind it. The last 36 hours are
    run through implicitly, so that day-night inversion, lag and shadows follow from physics.
    """

    def __init__(self, weather: Weather) -> None:
        self.weather = weather
        self.air = weather.air()
        self._table = _simulate(weather)
        self._rows = {name: row for row, name in enumerate(MATERIALS)}

    def of(self, material: str, exposure: str = 'flat') -> float:
        """Temperature in kelvin of a material that has always lain so."""
        return float(self._table[self._rows[material], EXPOSURES.index(exposure)])

    def sunny(self, exposure: str) -> float:
        """Direct light on a surface now, 0 to 1."""
        return float(_facing(self.weather.sun())[EXPOSURES.index(exposure)] * self.weather.clear)


def _facing(sun: tuple[float, float, float]) -> Array:
    """Cosine of the sun's angle on each exposure; left means facing left."""
    right, along, up = sun
    if up <= 0.02:
        return np.zeros(len(EXPOSURES))
    cosines = np.array([up, 0.0, -right, right, -along, along])
    facing: Array = np.clip(cosines, 0.0, 1.0)
    return facing


def _simulate(weather: Weather) -> Array:
    """Run the energy balance; returns (materials, exposures) kelvin."""
    absorb, capacity, behind, convect = (
        np.array(column)[:, None] for column in zip(*MATERIALS.values(), strict=True)
    )
    capacity = capacity * 1000.0
    sky_view = np.array([0.9, 0.25, 0.4, 0.4, 0.4, 0.4])
    diffuse_view = np.array([1.0, 0.45, 0.6, 0.6, 0.6, 0.6])
    wind = (5.0 + 3.5 * weather.wind) * convect
    indoors = np.isin(np.array(list(MATERIALS)), ['brick', 'plaster', 'cladding', 'glass'])
    inner = np.where(indoors, 294.0, weather.air_mean + 1.5)[:, None]
    temp = np.full((len(MATERIALS), len(EXPOSURES)), weather.air_mean)
    steps = int(_HISTORY_H * 3600.0 / _STEP_S)
    for step in range(steps):
        hour = weather.hour - _HISTORY_H + (step + 1) * _STEP_S / 3600.0
        sun = weather.sun(hour)
        air = weather.air(hour)
        beam = 930.0 * weather.clear * (1.0 if sun[2] > 0.02 else 0.0)
        beam *= min(1.0, 0.35 + 1.3 * max(0.0, sun[2]))
        scatter = max(0.0, sun[2]) * (130.0 + 260.0 * weather.cloud * (1.2 - weather.cloud))
        heat_in = absorb * (1.0 - weather.wet) * (beam * _facing(sun) + scatter * diffuse_view)
        sky = air * (0.70 + 0.27 * weather.cloud) ** 0.25
        around = sky_view * sky + (1.0 - sky_view) * air
        radiative = 4.0 * 0.94 * _SIGMA * (0.5 * (temp + around)) ** 3
        inertia = capacity / _STEP_S
        gain = inertia * temp + heat_in + wind * air + radiative * around + behind * inner
        temp = gain / (inertia + wind + radiative + behind)
    return temp
