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

"""What the decoders accept: sizes, shares and the policies a user may change."""

from __future__ import annotations

from dataclasses import dataclass
import math

FLOAT_RANGE_K = (223.15, 873.15)
"""Range that 32FC1 pictures are quantised on: -50 to 600 degrees Celsius, 9.9 mK a count."""

CELSIUS_ZERO_K = 273.15


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeLimits:
    """Limits and policies of ``decode_image`` and ``decode_compressed``.

    Attributes:
        max_image_bytes: Largest payload, and largest decoded picture, in bytes.
        max_pixels: Most pixels of a picture, judged from its header before anything is decoded.
        max_nan_fraction: Largest share of pixels of a 32FC1 picture that may be NaN or infinite.
        allow_lossy_thermal: Accept 16-bit thermal pictures that went through an 8-bit codec.
        swap_rb: Swap red and blue of the RGB input (bgr data labelled rgb cannot be detected).
        float_range_k: Kelvin values that become count 0 and count 65535 of a 32FC1 picture.
        float_offset_k: Added to 32FC1 pixels to give kelvin: 273.15 for degrees Celsius, 0 for
            kelvin.
    """

    max_image_bytes: int = 64 * 2**20
    max_pixels: int = 16_000_000
    max_nan_fraction: float = 0.1
    allow_lossy_thermal: bool = False
    swap_rb: bool = False
    float_range_k: tuple[float, float] = FLOAT_RANGE_K
    float_offset_k: float = CELSIUS_ZERO_K

    def __post_init__(self) -> None:
        """Refuse a range that nothing can be quantised on."""
        low, high = self.float_range_k
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            message = f'float_range_k needs low < high in kelvin, got {self.float_range_k}'
            raise ValueError(message)
