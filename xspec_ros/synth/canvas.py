"""What is drawn: planes of colour, temperature and object numbers, filled far to near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

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
        whole: Pixels of every object if nothing hid it, cut edges included.
        glows: Lamps seen by the RGB camera: column, row, radius in pixels, R, G, B.
    """

    surface: Array
    heat: Array
    ident: Array
    classes: list[int] = field(default_factory=lambda: list(range(FIRST_OBJECT)))
    whole: dict[int, float] = field(default_factory=dict)
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


@dataclass(slots=True)
class Patch:
    """A small canvas for one object, possibly reaching beyond the picture.

    Attributes:
        x0: Picture column of its left edge.
        y0: Picture row of its top edge.
        surface: (h, w, 4) uint8 as in ``Canvas``.
        heat: (h, w) float32 kelvin.
        mask: (h, w) uint8, 1 where the object is.
    """

    x0: int
    y0: int
    surface: Array
    heat: Array
    mask: Array

    @classmethod
    def around(cls, points: Array, base: Paint, *, margin: float, limit: int) -> Patch | None:
        """Make a patch that holds (n, 2) points and a margin in pixels, None when too big."""
        low = np.floor(points.min(axis=0) - margin).astype(int)
        high = np.ceil(points.max(axis=0) + margin).astype(int) + 1
        width, height = (high - low).tolist()
        if not (0 < width <= limit and 0 < height <= limit):
            return None
        surface = np.empty((height, width, 4), np.uint8)
        surface[:] = np.array(base.scalar, np.uint8)
        heat = np.full((height, width), base.heat, np.float32)
        return cls(int(low[0]), int(low[1]), surface, heat, np.zeros((height, width), np.uint8))

    def fill(self, points: Array, paint: Paint) -> None:
        """Fill a polygon given by (n, 2) picture coordinates."""
        fixed = fixed_point(points - (self.x0, self.y0))
        cv2.fillPoly(self.surface, [fixed], paint.scalar, cv2.LINE_8, SHIFT)
        cv2.fillPoly(self.heat, [fixed], paint.heat, cv2.LINE_8, SHIFT)
        cv2.fillPoly(self.mask, [fixed], 1, cv2.LINE_8, SHIFT)

    def disc(self, centre: Array, radius: float, paint: Paint) -> None:
        """Fill a disc."""
        x = int((centre[0] - self.x0) * 16)
        y = int((centre[1] - self.y0) * 16)
        size = max(int(radius * 16), 8)
        cv2.circle(self.surface, (x, y), size, paint.scalar, -1, cv2.LINE_8, SHIFT)
        cv2.circle(self.heat, (x, y), size, paint.heat, -1, cv2.LINE_8, SHIFT)
        cv2.circle(self.mask, (x, y), size, 1, -1, cv2.LINE_8, SHIFT)

    def line(self, points: Array, width: float, paint: Paint) -> None:
        """Draw an open line of a width in pixels."""
        fixed = fixed_point(points - (self.x0, self.y0))
        thick = max(1, round(width))
        for plane, value in (
            (self.surface, paint.scalar),
            (self.heat, paint.heat),
            (self.mask, 1),
        ):
            cv2.polylines(plane, [fixed], False, value, thick, cv2.LINE_8, SHIFT)

    def limb(self, start: Array, end: Array, radii: tuple[float, float], paint: Paint) -> None:
        """Fill a tapered capsule between two points with radii in pixels."""
        self.fill(capsule(start, end, radii), paint)

    def stamp(self, canvas: Canvas, ident: int) -> None:
        """Copy the object onto the canvas and note its whole size."""
        canvas.whole[ident] = canvas.whole.get(ident, 0.0) + float(cv2.countNonZero(self.mask))
        height, width = self.mask.shape
        part = canvas.window(self.x0, self.y0, self.x0 + width - 1, self.y0 + height - 1)
        if part is None:
            return
        area = (
            slice(part.y0 - self.y0, part.y1 - self.y0),
            slice(part.x0 - self.x0, part.x1 - self.x0),
        )
        mask = np.ascontiguousarray(self.mask[area])
        canvas.blit(part, self.surface[area], self.heat[area], mask, ident)


_HALF = np.linspace(0.0, np.pi, 6)
_CAP = np.stack([np.sin(_HALF), np.cos(_HALF)], axis=1)


def capsule(start: Array, end: Array, radii: tuple[float, float]) -> Array:
    """Return the (12, 2) outline of a tapered limb with round ends."""
    along = np.asarray(end, np.float64) - start
    length = float(np.hypot(along[0], along[1]))
    unit = along / length if length > 1e-6 else np.array([0.0, 1.0])
    side = np.array([-unit[1], unit[0]])
    frame = np.stack([unit, side])
    return np.concatenate([end + radii[1] * (_CAP @ frame), start - radii[0] * (_CAP @ frame)])


def fixed_point(points: Array) -> Array:
    """Turn (n, 2) pixel coordinates into the fixed-point integers of OpenCV's drawing."""
    bounded = np.clip(np.asarray(points, np.float64), -60000.0, 60000.0)
    return np.rint(bounded * (1 << SHIFT)).astype(np.int32)


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
