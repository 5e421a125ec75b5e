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

"""What a camera delivers: the message as it lies in memory, the decoded frame, the pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Modality: TypeAlias = Literal['rgb', 'thermal']
UInt8Array: TypeAlias = NDArray[np.uint8]
PixelArray: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMessage:
    """A ``sensor_msgs/Image`` whose payload is still a view of the message buffer.

    Attributes:
        stamp_ns: Header stamp in nanoseconds.
        frame_id: Header frame, decoded leniently.
        height: Rows.
        width: Columns.
        encoding: Encoding name as sent.
        is_bigendian: Byte order of multi-byte pixels.
        step: Bytes a row, padding included.
        data: (n,) uint8 view of the payload.
        notes: Things worth a warning counter, for example ``frame_id``.
    """

    stamp_ns: int
    frame_id: str
    height: int
    width: int
    encoding: str
    is_bigendian: bool
    step: int
    data: UInt8Array
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CompressedMessage:
    """A ``sensor_msgs/CompressedImage``.

    Attributes:
        stamp_ns: Header stamp in nanoseconds.
        frame_id: Header frame, decoded leniently.
        format: Format text as sent.
        data: (n,) uint8 view of the payload.
        notes: Things worth a warning counter.
    """

    stamp_ns: int
    frame_id: str
    format: str
    data: UInt8Array
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One decoded picture.

    Attributes:
        modality: ``rgb`` or ``thermal``.
        stamp_ns: Header stamp in nanoseconds, as published (no offset applied).
        frame_id: Header frame.
        image: RGB: (H, W, 3) uint8, channels R, G, B. Thermal: (H, W) uint8 or uint16
            (native byte order). A view of the message wherever its bytes allow; C-contiguous.
        encoding: Encoding name as received.
        received_ns: Monotonic clock when the bytes were in hand; 0 offline.
        notes: Things worth a warning counter: ``gray``, ``trailing``, ``frame_id``, ...
    """

    modality: Modality
    stamp_ns: int
    frame_id: str
    image: PixelArray
    encoding: str
    received_ns: int = 0
    notes: tuple[str, ...] = ()

    @property
    def size_hw(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.image.shape[0], self.image.shape[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A thermal frame and its nearest RGB partner.

    Attributes:
        thermal: The reference frame.
        rgb: Its partner.
        skew_ns: RGB stamp minus thermal stamp, offsets applied: positive when RGB is later.
    """

    thermal: Frame
    rgb: Frame
    skew_ns: int
