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

"""What is drawn: planes of colour, temperature and object numbers, filled far to near."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TYPE_CHECKING, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from xspec_ros.synth.noise import noise, TILE

if TYPE_CHECKING:
    from collections.abc import Sequence

Array: TypeAlias = NDArray[Any]
Colour: TypeAlias = tuple[float, float, float]

SHIFT = 4
FIRST_OBJECT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """One surface: how it looks to both cameras.

    Attributes:
        colour: R, G, B as the RGB camera sees it, 0 to 255, light included.
        heat: Surface temperature in kelvin.
        shine: Share of its thermal radiation that is reflected sky, 0 to 1.
    """

    colour: Colour
    heat: float
    shine: float = 0.04

    @property
    def scalar(self) -> tuple[float, float, float, float]:
        """The colour plane's four channels: R, G, B, shine."""
        red, green, blue = self.colour
        return red, green, blue, self.shine * 255.0


@dataclass(slots=True)
class Canvas:
    """The planes of one view.

    Attributes:
        surface: (H, W, 4) uint8: R, G, B, and the share of reflected sky times 255.
        heat: (H, W) float32 surface temperature in kelvin.
        ident: (H, W) uint16 object numbers; below 16 they are class ids of stuff.
        classes: Class id of every object number.
        whole: Of every object its pixels if nothing hid it, and where in the picture it lies.
        glows: Lamps seen by the RGB camera: column, row, radius in pixels, R, G, B.
    """

    surface: Array
    heat: Array
    ident: Array
    classes: list[int] = field(default_factory=lambda: list(range(FIRST_OBJECT)))
    whole: dict[int, tuple[float, Window]] = field(default_factory=dict)
    glows: list[tuple[float, float, float, Colour]] = field(default_factory=list)

    @classmethod
    def blank(cls, size_wh: tuple[int, int]) -> Canvas:
        """Make an empty canvas of this size in pixels."""
        width, height = size_wh
        return cls(
            surface=np.zeros((height, width, 4), np.uint8),
            heat=np.zeros((height, width), np.float32),
            ident=np.zeros((height, width), np.uint16),
        )

    @property
    def size_wh(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.heat.shape[1], self.heat.shape[0]

    def new_object(self, class_id: int) -> int:
        """Reserve the next object number for a class."""
        self.classes.append(class_id)
        return len(self.classes) - 1

    def label_map(self) -> Array:
        """Return (H, W) uint8 class ids."""
        table = np.array(self.classes, np.uint8)
        return table.take(self.ident)

    def fill(self, points: Array, paint: Paint, ident: int) -> None:
        """Fill a polygon given by (n, 2) pixel coordinates."""
        fixed = fixed_point(points)
        cv2.fillPoly(self.surface, [fixed], paint.scalar, cv2.LINE_8, SHIFT)
        cv2.fillPoly(self.heat, [fixed], paint.heat, cv2.LINE_8, SHIFT)
        cv2.fillPoly(self.ident, [fixed], ident, cv2.LINE_8, SHIFT)

    def window(self, left: float, top: float, right: float, bottom: float) -> Window | None:
        """Return the part of a rectangle that lies in the picture, None when none does."""
        width, height = self.size_wh
        x0, y0 = max(0, int(np.floor(left))), max(0, int(np.floor(top)))
        x1, y1 = min(width, int(np.ceil(right)) + 1), min(height, int(np.ceil(bottom)) + 1)
        if x1 <= x0 or y1 <= y0:
            return None
        return Window(x0, y0, x1, y1)

    def blit(self, part: Window, surface: Array, heat: Array, mask: Array, ident: int) -> None:
        """Copy masked pixels into a window; all arrays have the window's size."""
        area = (slice(part.y0, part.y1), slice(part.x0, part.x1))
        cv2.copyTo(surface, mask, self.surface[area])
        cv2.copyTo(heat, mask, self.heat[area])
        np.copyto(self.ident[area], np.uint16(ident), where=mask.view(np.bool_))


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of whole pixels inside the picture, right and bottom exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def size_wh(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.x1 - self.x0, self.y1 - self.y0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """Fine variation over an object: heat spreads, and neither camera sees flat surfaces.

    Attributes:
        kind: Which noise tile.
        slope: Its fall with frequency.
        offset: Row and column where the object starts in it.
        zoom: Pixels a texel, 1 or more.
        spread: Standard deviation of the heat's blur in pixels.
        heat: Amplitude in kelvin.
        tone: Amplitude as a share of brightness.
    """

    kind: int
    slope: float
    offset: tuple[int, int]
    zoom: float
    spread: float
    heat: float
    tone: float


@dataclass(slots=True)
class Patch:
    """A small drawing of one object, possibly reaching beyond the picture.

    Shapes are drawn as paint numbers and turned into colour and heat once, so that a shape
    costs one polygon.

    Attributes:
        x0: Picture column of its left edge.
        y0: Picture row of its top edge.
        index: (h, w) uint8, 0 = nothing, else 1 + the paint's place in ``paints``.
        paints: What was used; the first one also fills what heat spreads into.
    """

    x0: int
    y0: int
    index: Array
    paints: list[Paint]

    @classmethod
    def around(cls, points: Array, base: Paint, *, margin: float, limit: int) -> Patch | None:
        """Make a patch that holds (n, 2) points and a margin in pixels, None when too big."""
        left, top = np.floor(points.min(axis=0) - margin).tolist()
        right, bottom = np.ceil(points.max(axis=0) + margin).tolist()
        width, height = int(right - left) + 1, int(bottom - top) + 1
        if not (0 < width <= limit and 0 < height <= limit):
            return None
        return cls(int(left), int(top), np.zeros((height, width), np.uint8), [base])

    def add(self, paint: Paint) -> int:
        """Register a paint and return its number."""
        self.paints.append(paint)
        return len(self.paints)

    def fixed(self, points: Array) -> Array:
        """Turn (..., 2) picture coordinates into fixed-point ones of this patch."""
        return fixed_point(points - np.array((self.x0, self.y0), np.float64))

    def fill(self, points: Array, paint: int) -> None:
        """Fill a polygon given by (n, 2) picture coordinates."""
        cv2.fillPoly(self.index, [self.fixed(points)], paint, cv2.LINE_8, SHIFT)

    def fill_fixed(self, points: Array, paint: int) -> None:
        """Fill a polygon given by (n, 2) fixed-point coordinates of this patch."""
        cv2.fillPoly(self.index, [points], paint, cv2.LINE_8, SHIFT)

    def line(self, points: Array, width: float, paint: int) -> None:
        """Draw an open line of a width in pixels."""
        thick = max(1, round(width))
        cv2.polylines(self.index, [self.fixed(points)], False, paint, thick, cv2.LINE_8, SHIFT)

    def stamp(self, canvas: Canvas, class_id: int, grain: Grain | None = None) -> int:
        """Copy the drawing onto the canvas as a new object.

        Returns:
            The object's number, 0 when no pixel lies in the picture.
        """
        height, width = self.index.shape
        right, bottom = self.x0 + width - 1, self.y0 + height - 1
        part = canvas.window(self.x0, self.y0, right, bottom)
        if part is None:
            return 0
        x, y = part.x0 - self.x0, part.y0 - self.y0
        index = self.index[y : y + part.y1 - part.y0, x : x + part.x1 - part.x0]
        colours = np.empty((len(self.paints) + 1, 4), np.uint8)
        colours[1:] = [paint.scalar for paint in self.paints]
        heats = np.empty(len(self.paints) + 1, np.float32)
        heats[1:] = [paint.heat for paint in self.paints]
        colours[0], heats[0] = colours[1], heats[1]
        surface, heat = colours.take(index, axis=0), heats.take(index)
        if grain is not None:
            _vary(surface, heat, grain, (y, x))
        ident = canvas.new_object(class_id)
        canvas.whole[ident] = (float(cv2.countNonZero(self.index)), part)
        canvas.blit(part, surface, heat, np.minimum(index, 1), ident)
        return ident


def _vary(surface: Array, heat: Array, grain: Grain, start: tuple[int, int]) -> None:
    """Apply grain to planes that begin at ``start`` within the object."""
    if grain.spread > 0.4:
        cv2.GaussianBlur(heat, (0, 0), grain.spread, dst=heat)
    rows, columns = (
        (np.arange(first, first + count) * (1.0 / grain.zoom) + offset).astype(np.intp) % TILE
        for first, count, offset in zip(start, heat.shape, grain.offset, strict=True)
    )
    tile = noise(grain.kind, grain.slope).take(rows, axis=0).take(columns, axis=1)
    heat += tile * np.float32(grain.heat)
    tone = (tile * np.float32(128.0 * grain.tone) + np.float32(128.0)).astype(np.uint8)
    full = np.full_like(tone, 128)
    cv2.multiply(surface, cv2.merge([tone, tone, tone, full]), dst=surface, scale=1 / 128)


_HALF = np.linspace(0.0, np.pi, 6)
_CAP = np.stack([np.sin(_HALF), np.cos(_HALF)], axis=1)


def capsules(starts: Array, ends: Array, radii: Array) -> Array:
    """Outline tapered limbs with round ends.

    Args:
        starts: (n, 2) pixels.
        ends: (n, 2) pixels.
        radii: (n, 2) radius at the start and at the end, pixels.

    Returns:
        (n, 12, 2) closed outlines.
    """
    along = ends - starts
    length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
    unit = along / length
    cap = (
        _CAP[None, :, :1] * unit[:, None]
        + _CAP[None, :, 1:] * np.stack([-unit[:, 1], unit[:, 0]], axis=1)[:, None]
    )
    head = ends[:, None] + cap * radii[:, 1, None, None]
    tail = starts[:, None] - cap * radii[:, 0, None, None]
    return np.concatenate([head, tail], axis=1)


def fixed_point(points: Array) -> Array:
    """Turn (..., 2) pixel coordinates into the fixed-point integers of OpenCV's drawing."""
    scaled_up = points * float(1 << SHIFT)
    np.clip(scaled_up, -1e6, 1e6, out=scaled_up)
    return scaled_up.astype(np.int32)


def mix(colour: Colour, other: Sequence[float], share: float) -> Colour:
    """Blend two colours; ``share`` is the other one's part."""
    keep = 1.0 - share
    return (
        colour[0] * keep + other[0] * share,
        colour[1] * keep + other[1] * share,
        colour[2] * keep + other[2] * share,
    )


def scaled(colour: Sequence[float], factor: float) -> Colour:
    """Brighten or darken a colour, kept within 0 to 255."""
    red, green, blue = (min(255.0, max(0.0, value * factor)) for value in colour)
    return red, green, blue
