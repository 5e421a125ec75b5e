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

"""Both pictures of a pair on the thermal grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xspec_ros.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.rig import Rig


def on_thermal_grid(
    rgb: UInt8Array, thermal_hw: tuple[int, int], rig: Rig | None, where: str
) -> tuple[UInt8Array, NDArray[np.bool_] | None]:
    """Lay the RGB half of a pair on the grid of the thermal one.

    Args:
        rgb: (h, w, 3) uint8.
        thermal_hw: Rows and columns of the thermal picture.
        rig: How the cameras stand; None for pairs that share a grid.
        where: Data set and picture, or bag, for messages.

    Returns:
        (H, W, 3) uint8, and (H, W) bool where it shows something; None = everywhere.

    Raises:
        DataError: The rig is of other cameras, or there is none and the sizes differ.
    """
    if rig is None and rgb.shape[:2] == thermal_hw:
        return rgb, None
    if rig is None:
        message = f'thermal and RGB of {where} differ in size'
        raise DataError(message, hint='register the cameras (xspec register) and name the rig')
    if not rig.fits((rgb.shape[0], rgb.shape[1]), thermal_hw=thermal_hw):
        message = f'the rig is of other cameras than those of {where}'
        raise DataError(message, hint='register these cameras (xspec register)')
    return rig.warp_rgb(rgb)
