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

"""What a synthetic drive looks like: the settings and their ranges."""

from __future__ import annotations

import math

import msgspec

from xspec_ros.errors import ConfigError

_RANGES: dict[str, tuple[float, float]] = {
    'frames': (1, 10_000_000),
    'seed': (0, 2**63 - 1),
    'rate_hz': (0.01, 1000.0),
    'offset_ms': (-10_000.0, 10_000.0),
    'jitter_ms': (0.0, 1000.0),
    'drop': (0.0, 0.95),
    'baseline_m': (-2.0, 2.0),
    'shutter_every_s': (0.0, 86_400.0),
    'height_m': (0.3, 6.0),
    'fov_deg': (20.0, 110.0),
    'pitch_deg': (-12.0, 12.0),
    'hour': (0.0, 24.0),
    'air_c': (-25.0, 45.0),
    'cloud': (0.0, 1.0),
    'gain': (0.1, 10.0),
    'noise': (0.0, 10.0),
    'tone': (0.3, 3.0),
    'start_ns': (0, 2**62),
}


class CameraChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What another camera on another vehicle in other weather changes of a drive.

    Names and ranges are those of ``DriveSettings``; ``None`` lets the seed choose.

    Attributes:
        height_m: Camera height above the road.
        pitch_deg: Camera pitch, up is positive.
        air_c: Air temperature in Celsius.
        cloud: Cloud cover.
        gain: Factor on the thermal response.
        noise: Factor on thermal noise and fixed pattern.
        tone: Exponent on the thermal response.
    """

    height_m: float | None = None
    pitch_deg: float | None = None
    air_c: float | None = None
    cloud: float | None = None
    gain: float = 1.0
    noise: float = 1.0
    tone: float = 1.0


class DriveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One synthetic drive; equal settings give bit-identical frames.

    ``None`` lets the seed choose.

    Attributes:
        frames: Thermal frames, at least 1.
        seed: World, weather, cameras and noise, 0 or more.
        night: Night instead of day.
        size_wh: Columns and rows of both cameras, each 64 to 4096.
        rate_hz: Frames a second, 0.01 to 1000; a low rate makes large steps between frames.
        offset_ms: Clock error of the RGB camera: its stamps are this much later, +-10000.
        jitter_ms: Standard deviation of the stamps about their grid, 0 to 1000; cut so that
            the stamps of one camera stay in order.
        drop: Probability that a frame of one camera is lost, 0 to 0.95, each by itself.
        baseline_m: RGB camera to the right of the thermal one, +-2; 0 = one optical axis.
        bits: 16 (14-bit counts in uint16) or 8 (the camera's own contrast stretch).
        shutter_every_s: Mean time between shutter events of about 0.5 s, during which the
            thermal frame is constant; 0 = never.
        height_m: Camera height above the road, 0.3 to 6.
        fov_deg: Horizontal field of view, 20 to 110.
        pitch_deg: Camera pitch, up is positive, +-12.
        hour: Solar time of day, 0 to 24; must fit ``night`` to make sense.
        air_c: Air temperature in Celsius, -25 to 45.
        cloud: Cloud cover, 0 to 1.
        gain: Factor on the thermal response in counts a kelvin, 0.1 to 10.
        noise: Factor on thermal noise and fixed pattern, 0 to 10.
        tone: Exponent on the thermal response, 0.3 to 3: a detector of another curve.
        start_ns: Stamp of the first thermal frame.
    """

    frames: int = 300
    seed: int = 0
    night: bool = False
    size_wh: tuple[int, int] = (640, 480)
    rate_hz: float = 30.0
    offset_ms: float = 0.0
    jitter_ms: float = 0.0
    drop: float = 0.0
    baseline_m: float = 0.0
    bits: int = 16
    shutter_every_s: float = 120.0
    height_m: float | None = None
    fov_deg: float | None = None
    pitch_deg: float | None = None
    hour: float | None = None
    air_c: float | None = None
    cloud: float | None = None
    gain: float = 1.0
    noise: float = 1.0
    tone: float = 1.0
    start_ns: int = 1_700_000_000_000_000_000

    def __post_init__(self) -> None:
        """Refuse values that make no drive."""
        for key, (low, high) in _RANGES.items():
            value = getattr(self, key)
            if value is not None and not (math.isfinite(value) and low <= value <= high):
                message = f'{key} = {value} of a synthetic drive'
                raise ConfigError(message, hint=f'give {low:g} to {high:g}')
        if any(not 64 <= side <= 4096 for side in self.size_wh):
            message = f'size {self.size_wh[0]}x{self.size_wh[1]} of a synthetic drive'
            raise ConfigError(message, hint='each side is 64 to 4096 pixels')
        if self.bits not in {8, 16}:
            message = f'bits = {self.bits} of a synthetic drive'
            raise ConfigError(message, hint='give 8 or 16')
