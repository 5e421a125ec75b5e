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

"""A drive: frames of both cameras with their stamps and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import msgspec
import numpy as np

from xspec_ros.core.labels import DEFAULT_CLASSES, DEFAULT_DETECTION_CLASSES
from xspec_ros.synth.sensors import (
    draw_rgb_camera,
    draw_thermal_camera,
    expose_rgb,
    expose_thermal,
    stretch,
)
from xspec_ros.synth.settings import CameraChange, DriveSettings
from xspec_ros.synth.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from xspec_ros.synth.canvas import Canvas

MIN_SIDE_PX = 4
MIN_VISIBLE = 0.25
_SHUTTER_S = 0.5
_DETECTED = {
    next(i for i, label in enumerate(DEFAULT_CLASSES) if label.name == name): index
    for index, name in enumerate(DEFAULT_DETECTION_CLASSES)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveBoxes:
    """True boxes of one picture.

    Attributes:
        boxes_xyxy: (N, 4) float32 pixels, cut at the picture's edges.
        class_ids: (N,) int32, index into ``DEFAULT_DETECTION_CLASSES``.
    """

    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of boxes."""
        return len(self.class_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveFrame:
    """One moment of a drive.

    Attributes:
        index: Frame number from 0.
        rgb: (H, W, 3) uint8, None when the camera lost the frame.
        thermal: (H, W) uint16 14-bit counts (uint8 with ``bits=8``), None when lost.
        label_map: (H, W) uint8 ids of ``DEFAULT_CLASSES``, as the thermal camera sees it.
        boxes_thermal: Person, bicycle and car boxes in the thermal view.
        boxes_rgb: The same in the RGB view.
        rgb_stamp_ns: What the RGB camera's clock said.
        thermal_stamp_ns: What the thermal camera's clock said.
        shutter: The thermal frame shows the closed shutter: constant, truth still given.
        night: Whether it is night.
    """

    index: int
    rgb: NDArray[np.uint8] | None
    thermal: NDArray[np.uint16] | NDArray[np.uint8] | None
    label_map: NDArray[np.uint8]
    boxes_thermal: DriveBoxes
    boxes_rgb: DriveBoxes
    rgb_stamp_ns: int
    thermal_stamp_ns: int
    shutter: bool
    night: bool


def drive(settings: DriveSettings) -> Iterator[DriveFrame]:
    """Yield the frames of a drive; equal settings give bit-identical frames.

    Args:
        settings: What the drive looks like.

    Yields:
        One frame a period, lost ones included (as None).
    """
    world = World(settings)
    rng = np.random.default_rng([settings.seed, 2, int(settings.night)])
    thermal_camera = draw_thermal_camera(settings, world.temps, rng)
    rgb_camera = draw_rgb_camera(settings, rng)
    closed = _shutter_times(settings, rng)
    gain = None
    for index in range(settings.frames):
        seconds = index / settings.rate_hz
        draw = np.random.default_rng([settings.seed, 3, int(settings.night), index])
        lost = draw.random(2) < settings.drop
        stamps = _stamps(settings, index, draw)
        canvas = world.draw(seconds)
        boxes = _boxes(canvas)
        shutter = any(start <= seconds < start + _SHUTTER_S for start in closed)
        thermal = None
        if not lost[1]:
            counts = expose_thermal(
                canvas,
                thermal_camera,
                world.weather,
                seconds=seconds,
                tone=settings.tone,
                rng=draw,
            )
            if shutter:
                counts[:] = int(thermal_camera.offset)
            thermal = counts
            if settings.bits == 8:
                wanted = np.percentile(counts[::4, ::4], (1.0, 99.5))
                gain = wanted if gain is None or shutter else 0.9 * gain + 0.1 * wanted
                thermal = stretch(counts, (float(gain[0]), float(gain[1])))
        other, boxes_rgb = canvas, boxes
        if settings.baseline_m:
            other = world.draw(seconds, settings.baseline_m)
            boxes_rgb = _boxes(other)
        rgb = None if lost[0] else expose_rgb(other, rgb_camera, world.light, rng=draw)
        yield DriveFrame(
            index=index,
            rgb=rgb,
            thermal=thermal,
            label_map=canvas.label_map(),
            boxes_thermal=boxes,
            boxes_rgb=boxes_rgb,
            rgb_stamp_ns=stamps[0],
            thermal_stamp_ns=stamps[1],
            shutter=shutter,
            night=settings.night,
        )


def frames_for_training(
    count: int,
    seed: int,
    size_wh: tuple[int, int] = (640, 480),
    *,
    night_share: float = 0.5,
    fov_deg: float | None = None,
    camera: CameraChange | None = None,
) -> Iterator[DriveFrame]:
    """Yield frames of many different worlds, two moments of each.

    Args:
        count: Frames in all.
        seed: Which worlds.
        size_wh: Columns and rows.
        night_share: Share of worlds at night, 0 to 1.
        fov_deg: Horizontal field of view of every world; None lets each have its own.
        camera: What the thermal camera, its place and the weather are; None for any.

    Yields:
        Complete frames without shutter events.
    """
    rng = np.random.default_rng([seed, 5])
    change = {} if camera is None else msgspec.structs.asdict(camera)
    done = 0
    while done < count:
        settings = DriveSettings(
            frames=min(2, count - done),
            seed=int(rng.integers(2**62)),
            night=bool(rng.random() < night_share),
            size_wh=size_wh,
            fov_deg=fov_deg,
            rate_hz=0.2,
            shutter_every_s=0.0,
            **change,
        )
        yield from drive(settings)
        done += settings.frames


def _stamps(settings: DriveSettings, index: int, rng: np.random.Generator) -> tuple[int, int]:
    """RGB and thermal stamps of a frame in nanoseconds."""
    period_ns = 1e9 / settings.rate_hz
    limit = 0.45 * period_ns
    jitter = np.clip(rng.standard_normal(2) * settings.jitter_ms * 1e6, -limit, limit)
    grid = settings.start_ns + round(index * period_ns)
    return grid + round(settings.offset_ms * 1e6 + float(jitter[0])), grid + round(
        float(jitter[1])
    )


def _shutter_times(settings: DriveSettings, rng: np.random.Generator) -> list[float]:
    """Seconds at which the shutter closes."""
    if settings.shutter_every_s <= 0.0:
        return []
    times: list[float] = []
    at, end = 0.0, settings.frames / settings.rate_hz
    while True:
        at += settings.shutter_every_s * float(rng.uniform(0.6, 1.4))
        if at >= end:
            return times
        times.append(at)


def _boxes(canvas: Canvas) -> DriveBoxes:
    """Boxes of the visible part of every object that shows enough of itself."""
    rows: list[tuple[float, float, float, float]] = []
    ids: list[int] = []
    for ident, (whole, part) in canvas.whole.items():
        window = canvas.ident[part.y0 : part.y1, part.x0 : part.x1]
        mask = np.equal(window, ident).view(np.uint8)
        left, top, wide, tall = cv2.boundingRect(mask)
        if min(wide, tall) < MIN_SIDE_PX or cv2.countNonZero(mask) < MIN_VISIBLE * whole:
            continue
        left, top = left + part.x0, top + part.y0
        rows.append((left, top, left + wide, top + tall))
        ids.append(_DETECTED[canvas.classes[ident]])
    return DriveBoxes(
        boxes_xyxy=np.array(rows, np.float32).reshape(-1, 4), class_ids=np.array(ids, np.int32)
    )
