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

"""Day or night, for pictures whose source does not say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from xspec_ros.core.frame import UInt8Array

THRESHOLD = 0.20  # mean luma, share of full scale
HYSTERESIS = 0.05
_LUMA = np.array([0.299, 0.587, 0.114], np.float32) / 255.0


def is_day(rgb: UInt8Array, *, before: bool | None = None) -> bool:
    """Judge by the mean luma of the RGB picture.

    Args:
        rgb: (H, W, 3) uint8.
        before: What the drive's previous picture was judged to be; it takes half the hysteresis
            more to change that.
    """
    luma = float((rgb[::8, ::8].reshape(-1, 3) @ _LUMA).mean())
    lean = 0.0 if before is None else HYSTERESIS / 2 * (1 if before else -1)
    return luma + lean > THRESHOLD
