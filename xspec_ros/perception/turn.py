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

"""Cameras that are mounted turned: upright for the model, as received for everybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import cast, TYPE_CHECKING

from xspec_ros.core.geometry import rotate_boxes, rotate_image

if TYPE_CHECKING:
    from xspec_ros.core.frame import Frame, UInt8Array
    from xspec_ros.core.result import Result


def upright(frame: Frame | None, rotate_deg: int) -> Frame | None:
    """Turn a frame clockwise; without a turn it is the frame itself.

    Args:
        frame: A frame, or None.
        rotate_deg: Multiple of 90.
    """
    if frame is None or rotate_deg == 0:
        return frame
    image = cast('UInt8Array', frame.image)  # or uint16: turning keeps the type
    return replace(frame, image=rotate_image(image, rotate_deg))


def as_received(result: Result, rotate_deg: int) -> Result:
    """Turn a result back into the picture as the camera sent it.

    Args:
        result: Result for the upright picture.
        rotate_deg: How far that had been turned, clockwise.
    """
    if rotate_deg == 0:
        return result
    found = result.detections
    boxes = rotate_boxes(found.boxes_xyxy, -rotate_deg, result.label_map.shape[:2])
    return replace(
        result,
        label_map=rotate_image(result.label_map, -rotate_deg),
        confidence=rotate_image(result.confidence, -rotate_deg),
        detections=replace(found, boxes_xyxy=boxes),
    )
