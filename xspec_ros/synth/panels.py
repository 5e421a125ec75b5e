"""Upright textured surfaces: walls, fences, hedges, trees, drawn in perspective."""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from xspec_ros.synth.camera import Camera, NEAR_M
from xspec_ros.synth.canvas import Array, Canvas, fixed_point, SHIFT, Window
from xspec_ros.synth.light import Light
from xspec_ros.synth.textures import Texture


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
    texture: Texture
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
    ends = [(*panel.start, panel.span[0]), (*panel.end, panel.span[1])]
    ends = [(lateral, station + offset, share) for lateral, station, share in ends]
    clipped = _clip_near(ends)
    if clipped is None:
        return
    (l0, z0, t0), (l1, z1, t1) = clipped
    corners = camera.project(
        np.array(
            [
                [l0, z0, panel.top],
                [l1, z1, panel.top],
                [l1, z1, panel.bottom],
                [l0, z0, panel.bottom],
            ]
        )
    )
    if abs(corners[0, 0] - corners[1, 0]) < 0.75:
        return
    part = canvas.window(*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
    if part is None:
        return
    full_height, full_width = panel.texture.heat.shape
    tall = float(np.linalg.norm(corners[[0, 1]] - corners[[3, 2]], axis=1).max())
    wide = float(np.linalg.norm(corners[0] - corners[1])) / max(t1 - t0, 1e-3)
    level, _ = panel.texture.at_scale(max(tall / full_height, wide / full_width))
    height, width = level.heat.shape
    source = np.array(
        [[t0 * width, 0], [t1 * width, 0], [t1 * width, height], [t0 * width, height]]
    )
    origin = (part.x0, part.y0)
    target = corners - origin
    warp = cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32))
    look = Look(class_id=panel.class_id, table=haze_table(light, 0.5 * (z0 + z1)))
    _warp_onto(canvas, level, warp, part, target, look=look)


def _clip_near(
    ends: list[tuple[float, float, float]],
) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
    """Cut a segment at the near plane; None when all of it lies behind."""
    (l0, z0, t0), (l1, z1, t1) = ends
    if z0 < NEAR_M and z1 < NEAR_M:
        return None
    if z0 < NEAR_M or z1 < NEAR_M:
        share = (NEAR_M - z0) / (z1 - z0)
        cut = (l0 + share * (l1 - l0), NEAR_M, t0 + share * (t1 - t0))
        return (cut, (l1, z1, t1)) if z0 < NEAR_M else ((l0, z0, t0), cut)
    return (l0, z0, t0), (l1, z1, t1)


def _warp_onto(
    canvas: Canvas, level: Texture, warp: Array, part: Window, target: Array, *, look: Look
) -> None:
    """Warp a texture into a window of the canvas."""
    size, edge = part.size_wh, cv2.BORDER_REPLICATE
    surface = cv2.warpPerspective(level.surface, warp, size, borderMode=edge)
    if look.table is not None:
        surface = cv2.LUT(surface, look.table)
    heat = cv2.warpPerspective(level.heat, warp, size, borderMode=edge)
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(mask, fixed_point(target), 1, cv2.LINE_8, SHIFT)
    if level.alpha is not None:
        alpha = cv2.warpPerspective(level.alpha, warp, size)
        cv2.bitwise_and(mask, cv2.compare(alpha, 120, cv2.CMP_GT), dst=mask)
    canvas.blit(part, surface, heat, mask, look.class_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a warped texture is put down: its label and, far away, a table that adds haze."""

    class_id: int
    table: Array | None


def haze_table(light: Light, ahead: float) -> Array | None:
    """Return (1, 256, 4) uint8 that fades colours into the haze, None when it hardly does."""
    share = 1.0 - math.exp(-ahead / light.sight)
    if share < 0.03:
        return None
    ramp = np.arange(256.0)
    channels = [ramp * (1.0 - share) + tone * share for tone in light.haze]
    return np.stack([*channels, ramp], axis=-1)[None].astype(np.uint8)
