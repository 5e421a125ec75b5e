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

"""Upright textured surfaces: walls, fences, hedges, trees, drawn in perspective."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from xspec_ros.synth.camera import Camera, NEAR_M
from xspec_ros.synth.canvas import Array, Canvas, fixed_point, SHIFT, Window

if TYPE_CHECKING:
    from xspec_ros.synth.light import Light
    from xspec_ros.synth.textures import LazyTexture, Texture


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """An upright rectangle standing on the ground.

    Attributes:
        start: Lateral and station of its left end as the texture lies, metres.
        end: Lateral and station of its right end.
        bottom: Height of its lower edge, metres.
        top: Height of its upper edge.
        texture: What it shows.
        span: Part of the texture's width that it shows, 0 to 1.
        class_id: Label.
        recede: Metres added to the distance by which panels are sorted.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    bottom: float
    top: float
    texture: LazyTexture
    class_id: int
    span: tuple[float, float] = (0.0, 1.0)
    recede: float = 0.0


def draw_panel(canvas: Canvas, camera: Camera, panel: Panel, offset: float, light: Light) -> None:
    """Draw a panel.

    Args:
        canvas: Where to.
        camera: The view.
        panel: What.
        offset: Added to the panel's stations to give metres ahead of the camera.
        light: For the haze over distance.
    """
    first = (panel.start[0], panel.start[1] + offset, panel.span[0])
    clipped = _clip_near(first, (panel.end[0], panel.end[1] + offset, panel.span[1]))
    if clipped is None:
        return
    (l0, z0, t0), (l1, z1, t1) = clipped
    top, bottom = panel.top, panel.bottom
    corners = camera.project(
        np.array([[l0, z0, top], [l1, z1, top], [l1, z1, bottom], [l0, z0, bottom]])
    )
    xs, ys = corners[:, 0].tolist(), corners[:, 1].tolist()
    if abs(xs[0] - xs[1]) < 0.75:
        return
    part = canvas.window(min(xs), min(ys), max(xs), max(ys))
    if part is None:
        return
    texture = panel.texture.get()
    full_height, full_width = texture.heat.shape
    tall = max(ys[3] - ys[0], ys[2] - ys[1]) / full_height
    wide = abs(xs[1] - xs[0]) / (full_width * max(abs(t1 - t0), 1e-3))
    level = texture.at_scale(max(tall, wide))
    height, width = level.heat.shape
    source = np.array(
        [[t0 * width, 0], [t1 * width, 0], [t1 * width, height], [t0 * width, height]]
    )
    target = corners - (part.x0, part.y0)
    look = Look(class_id=panel.class_id, table=haze_table(light, 0.5 * (z0 + z1)))
    _warp_onto(canvas, level, source, part, target, look=look)


_End = tuple[float, float, float]


def _clip_near(first: _End, second: _End) -> tuple[_End, _End] | None:
    """Cut a segment at the near plane; None when all of it lies behind."""
    (l0, z0, t0), (l1, z1, t1) = first, second
    if z0 < NEAR_M and z1 < NEAR_M:
        return None
    if z0 >= NEAR_M and z1 >= NEAR_M:
        return first, second
    share = (NEAR_M - z0) / (z1 - z0)
    cut = (l0 + share * (l1 - l0), NEAR_M, t0 + share * (t1 - t0))
    return (cut, second) if z0 < NEAR_M else (first, cut)


def _warp_onto(
    canvas: Canvas, level: Texture, source: Array, part: Window, target: Array, *, look: Look
) -> None:
    """Warp a texture into a window of the canvas."""
    size, holes = part.size_wh, level.shine is not None
    edge = cv2.BORDER_CONSTANT if holes else cv2.BORDER_REPLICATE
    flat = target[0, 1] == target[1, 1] and target[2, 1] == target[3, 1]
    if flat and abs(target[0, 0] - target[3, 0]) < 1e-3:
        warp = cv2.getAffineTransform(source[:3].astype(np.float32), target[:3].astype(np.float32))
        surface = cv2.warpAffine(level.surface, warp, size, borderMode=edge)
        heat = cv2.warpAffine(level.heat, warp, size, borderMode=cv2.BORDER_REPLICATE)
    else:
        warp = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
        surface = cv2.warpPerspective(level.surface, warp, size, borderMode=edge)
        heat = cv2.warpPerspective(level.heat, warp, size, borderMode=cv2.BORDER_REPLICATE)
    if holes:
        mask = cv2.threshold(cv2.extractChannel(surface, 3), 120, 1, cv2.THRESH_BINARY)[1]
        surface[..., 3] = round(float(level.shine or 0.0) * 255.0)
    else:
        mask = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillConvexPoly(mask, fixed_point(target), 1, cv2.LINE_8, SHIFT)
    if look.table is not None:
        surface = cv2.LUT(surface, look.table)
    canvas.blit(part, surface, heat, mask, look.class_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a warped texture is put down: its label and, far away, a table that adds haze."""

    class_id: int
    table: Array | None


def haze_table(light: Light, ahead: float) -> Array | None:
    """Return (1, 256, 4) uint8 that fades colours into the haze, None when it hardly does."""
    share = 1.0 - math.exp(-ahead / light.sight)
    if share < 0.06:
        return None
    ramp = np.arange(256.0)
    channels = [ramp * (1.0 - share) + tone * share for tone in light.haze]
    return np.stack([*channels, ramp], axis=-1)[None].astype(np.uint8)
