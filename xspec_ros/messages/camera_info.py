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

"""``sensor_msgs/CameraInfo``: calibration of a camera."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.messages.cdr import Buffer, CdrReader, CdrWriter
from xspec_ros.messages.topics import CAMERA_INFO_TYPE

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraInfo:
    """A calibration as published.

    Attributes:
        stamp_ns: Header stamp in nanoseconds.
        frame_id: Header frame.
        height: Rows at calibration, not necessarily the image's.
        width: Columns at calibration.
        distortion_model: For example ``plumb_bob``.
        distortion: (n,) float64.
        matrix: (3, 3) float64; ``matrix[0, 0] == 0`` means uncalibrated.
        rectification: (3, 3) float64.
        projection: (3, 4) float64.
    """

    stamp_ns: int
    frame_id: str
    height: int
    width: int
    distortion_model: str
    distortion: NDArray[np.float64]
    matrix: NDArray[np.float64]
    rectification: NDArray[np.float64]
    projection: NDArray[np.float64]

    @property
    def calibrated(self) -> bool:
        """Whether there is a calibration at all."""
        return bool(self.matrix[0, 0] != 0)


def decode_camera_info(cdr: Buffer) -> CameraInfo:
    """Read a ``CameraInfo``; binning and region of interest are passed over.

    Raises:
        MessageError: Damaged or of another type.
    """
    reader = CdrReader(cdr, CAMERA_INFO_TYPE)
    stamp_ns = reader.stamp_ns()
    frame_id = reader.text()
    height, width = reader.uint32(), reader.uint32()
    model = reader.text()
    distortion = _floats(reader, reader.count(8))
    matrix, rectification, projection = (_floats(reader, number) for number in (9, 9, 12))
    reader.values('6I', 4)
    reader.uint8()
    reader.finish()
    return CameraInfo(
        stamp_ns=stamp_ns,
        frame_id=frame_id,
        height=height,
        width=width,
        distortion_model=model,
        distortion=distortion,
        matrix=matrix.reshape(3, 3),
        rectification=rectification.reshape(3, 3),
        projection=projection.reshape(3, 4),
    )


def encode_camera_info(info: CameraInfo) -> bytes:
    """Write a ``CameraInfo`` of the full frame, not binned."""
    writer = CdrWriter()
    writer.header(info.stamp_ns, info.frame_id)
    writer.values('II', 4, info.height, info.width)
    writer.text(info.distortion_model)
    writer.uint32(len(info.distortion))
    for block in (info.distortion, info.matrix, info.rectification, info.projection):
        if block.size:
            writer.values(f'{block.size}d', 8, *block.ravel().tolist())
    writer.values('6I', 4, 0, 0, 0, 0, 0, 0)
    writer.values('B', 1, 0)
    return writer.finish()


def _floats(reader: CdrReader, number: int) -> NDArray[np.float64]:
    return np.array(reader.values(f'{number}d', 8) if number else (), np.float64)
