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

"""A rig: where the RGB camera's pixels lie on the thermal grid, as a value and as a file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, cast, NamedTuple, TypeAlias

import cv2
from msgspec import Meta, Struct
import numpy as np
from numpy.typing import NDArray

from xspec_ros.config import dump_yaml, load_struct
from xspec_ros.core.geometry import check_homography, invert_homography, Matrix, warp_points
from xspec_ros.errors import ConfigError, DataError

UInt8Array: TypeAlias = NDArray[np.uint8]
Side: TypeAlias = Annotated[int, Meta(ge=1, le=16384)]
Row: TypeAlias = tuple[float, float, float]

MAX_PIXELS = 64 * 10**6
MAX_ZOOM = 64.0
COARSE = 0.75  # RGB that shrinks to less than this is averaged down before it is sampled
EDGE_PX = 1e-3


class Rig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the RGB picture of a camera rig lies on the thermal picture.

    Coordinates are those of ``geometry``: along pixel edges, so that the centre of the first
    pixel is (0.5, 0.5) and a resized picture needs nothing but a factor.

    Attributes:
        homography: 3 x 3; carries RGB pixels to thermal pixels, x' ~ H x.
        rgb_hw: Rows and columns of the RGB pictures it was measured with.
        thermal_hw: Rows and columns of the thermal pictures.
        residual_px: Median distance in thermal pixels between where the homography puts a
            place of the scene and where it was found, in frames that it was not fitted to;
            None when nobody measured it.
        pairs: Pairs of pictures it was measured with.
        source: What it was measured on, for people.
    """

    homography: tuple[Row, Row, Row]
    rgb_hw: tuple[Side, Side]
    thermal_hw: tuple[Side, Side]
    residual_px: Annotated[float, Meta(ge=0.0)] | None = None
    pairs: Annotated[int, Meta(ge=0)] = 0
    source: str = ''

    def __post_init__(self) -> None:
        """Refuse what cannot be warped with, before anything of that size is allocated."""
        for name, (height, width) in (('rgb_hw', self.rgb_hw), ('thermal_hw', self.thermal_hw)):
            if min(height, width) < 1 or height * width > MAX_PIXELS:
                message = f'{name} {height} x {width} of a rig'
                raise ConfigError(message, hint=f'at most {MAX_PIXELS} pixels')
        zoom = _zoom(check_homography(self.matrix), self.rgb_hw)
        if not 1.0 / MAX_ZOOM < zoom < MAX_ZOOM:
            message = f'the homography of a rig zooms by {zoom:.3g}, or mirrors'
            raise ConfigError(message, hint='measure the rig again: xspec register')

    @property
    def matrix(self) -> Matrix:
        """(3, 3) float64 homography from RGB to thermal pixels, at the sizes of the rig."""
        return np.array(self.homography, np.float64)

    def fits(self, rgb_hw: tuple[int, int], *, thermal_hw: tuple[int, int]) -> bool:
        """Tell whether pictures of these sizes can be brought together.

        Args:
            rgb_hw: Rows and columns of an RGB picture: the rig's aspect ratio to a pixel.
            thermal_hw: Rows and columns of a thermal picture: exactly the rig's.
        """
        return self.thermal_hw == thermal_hw and self._fits_rgb(rgb_hw)

    def homography_from(self, rgb_hw: tuple[int, int]) -> Matrix:
        """Return the (3, 3) homography for RGB pictures of another size.

        Args:
            rgb_hw: Their rows and columns.

        Raises:
            ConfigError: They have another aspect ratio than the rig's.
        """
        if not self._fits_rgb(rgb_hw):
            seen, known = (f'{width}x{height}' for height, width in (rgb_hw, self.rgb_hw))
            message = f'RGB picture of {seen}, the rig was measured at {known}'
            raise ConfigError(message, hint='give pictures of that shape, or xspec register again')
        factors = self.rgb_hw[1] / rgb_hw[1], self.rgb_hw[0] / rgb_hw[0], 1.0
        return np.asarray(self.matrix @ np.diag(factors), np.float64)

    def warp_rgb(self, rgb: UInt8Array) -> tuple[UInt8Array, NDArray[np.bool_]]:
        """Lay an RGB picture on the thermal grid.

        A picture much finer than the thermal one is averaged down first, so that it does not
        alias. Safe to call from several threads.

        Args:
            rgb: (h, w, 3) uint8 of the rig's aspect ratio.

        Returns:
            (H, W, 3) uint8 on the thermal grid, zero where there is no RGB; and (H, W) bool
            that says where there is. Both are the caller's.

        Raises:
            ConfigError: Another shape.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
            message = f'RGB picture of shape {rgb.shape} and type {rgb.dtype}'
            raise ConfigError(message, hint='give (h, w, 3) uint8')
        rgb_hw = rgb.shape[0], rgb.shape[1]
        maps = _maps(homography_rows(self.homography_from(rgb_hw)), rgb_hw, self.thermal_hw)
        if maps.from_hw != rgb_hw:
            small = cv2.resize(rgb, maps.from_hw[::-1], interpolation=cv2.INTER_AREA)
            rgb = cast('UInt8Array', small)
        warped = cv2.remap(
            rgb, maps.whole, maps.parts, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        warped[~maps.valid] = 0
        return cast('UInt8Array', warped), maps.valid.copy()

    def _fits_rgb(self, rgb_hw: tuple[int, int]) -> bool:
        (height, width), (known_height, known_width) = rgb_hw, self.rgb_hw
        if min(height, width) < 1 or height * width > MAX_PIXELS:
            return False
        return abs(height - width * known_height / known_width) <= 1.0


def homography_rows(matrix: Matrix) -> tuple[Row, Row, Row]:
    """Return a (3, 3) homography as the rows that a rig holds."""
    first, second, third = (
        (float(row[0]), float(row[1]), float(row[2])) for row in check_homography(matrix)
    )
    return first, second, third


def load_rig(path: str | Path) -> Rig:
    """Read a rig file.

    Args:
        path: YAML that ``save_rig`` wrote, or that has the same keys.

    Raises:
        ConfigError: The file is missing, no YAML, has another key, or numbers that cannot be
            a rig.
    """
    try:
        return load_struct(path, Rig)
    except ConfigError as error:
        if str(path) in error.message:
            raise
        message = f'{error.message} in {path}'
        raise ConfigError(message, hint=error.hint) from error


def save_rig(rig: Rig, path: str | Path) -> None:
    """Write a rig file; it is there whole or not at all.

    Raises:
        DataError: It cannot be written.
    """
    path = Path(path)
    draft = path.with_name(f'{path.name}.part')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(dump_yaml(rig), encoding='utf-8')
        draft.replace(path)
    except OSError as error:
        message = f'cannot write {path}: {error.strerror or error}'
        raise DataError(message, hint='give a path that can be written') from error
    finally:
        if draft.is_file():
            draft.unlink()


class _Maps(NamedTuple):
    """Where every thermal pixel is sampled: fixed-point maps of ``cv2.remap``."""

    from_hw: tuple[int, int]
    whole: NDArray[np.int16]
    parts: NDArray[np.uint16]
    valid: NDArray[np.bool_]


@lru_cache(maxsize=4)
def _maps(
    rows: tuple[Row, Row, Row], rgb_hw: tuple[int, int], thermal_hw: tuple[int, int]
) -> _Maps:
    matrix = np.array(rows, np.float64)
    zoom = _zoom(matrix, rgb_hw)
    shrink = zoom if zoom < COARSE else 1.0
    height, width = (max(1, round(side * shrink)) for side in rgb_hw)
    matrix = matrix @ np.diag([rgb_hw[1] / width, rgb_hw[0] / height, 1.0])
    rows_y, columns_x = (np.arange(side, dtype=np.float64) + 0.5 for side in thermal_hw)
    grid = np.stack(np.meshgrid(columns_x, rows_y), axis=-1)  # (H, W, xy)
    edges = warp_points(grid.reshape(-1, 2), invert_homography(matrix)).reshape(grid.shape)
    limits = np.array([width, height], np.float64)
    with np.errstate(invalid='ignore'):  # NaN beyond the horizon compares as outside
        valid = ((edges >= -EDGE_PX) & (edges <= limits + EDGE_PX)).all(axis=-1)
    # Centres for OpenCV; far ones would wrap around in 16 bits.
    centres = np.clip(np.nan_to_num(edges - 0.5, nan=-2.0), -2.0, limits + 1.0)
    x, y = np.ascontiguousarray(np.moveaxis(centres, -1, 0).astype(np.float32))
    whole, parts = cv2.convertMaps(x, y, cv2.CV_16SC2)
    return _Maps(
        from_hw=(height, width),
        whole=cast('NDArray[np.int16]', whole),
        parts=cast('NDArray[np.uint16]', parts),
        valid=np.asarray(valid, np.bool_),
    )


def _zoom(matrix: Matrix, rgb_hw: tuple[int, int]) -> float:
    """Thermal pixels an RGB pixel at the centre of the picture; 0 where it is mirrored."""
    height, width = rgb_hw
    x, y = width / 2.0, height / 2.0
    corners = np.array([[x, y], [x + 1.0, y], [x, y + 1.0]])
    origin, right, down = warp_points(corners, matrix)
    area = float(np.linalg.det(np.stack([right - origin, down - origin])))
    return float(np.sqrt(area)) if area > 0.0 else 0.0
