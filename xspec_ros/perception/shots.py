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

"""Camera messages as they came, beside what is decoded from them: the shots of a recording."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from xspec_ros.core.compressed import decode_compressed, judge_compressed
from xspec_ros.core.encodings import decode_image
from xspec_ros.core.frame import Frame, Modality
from xspec_ros.core.shutter import FreezeDetector, is_constant, sample_pixels
from xspec_ros.errors import MessageError
from xspec_ros.messages.image import decode_compressed_message, decode_image_message
from xspec_ros.messages.topics import COMPRESSED_SUFFIX, COMPRESSED_TYPE, IMAGE_TYPE

if TYPE_CHECKING:
    from xspec_ros.core.frame import PixelArray
    from xspec_ros.core.limits import DecodeLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraMessage:
    """A message exactly as it was received.

    Attributes:
        topic: Full topic name.
        type_name: Type name with ``/msg/``.
        cdr: The message.
        arrived_ns: When it arrived, on the clock of the log times.
    """

    topic: str
    type_name: str
    cdr: bytes
    arrived_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot(Frame):
    """A frame that still has the message it came in.

    Attributes:
        message: The message.
        shutter: The picture is uniform: the closed shutter of a thermal camera.
        frozen: The picture is identical to the one before.
    """

    message: CameraMessage
    shutter: bool
    frozen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotPair:
    """A thermal shot, its RGB partner, and what else belongs into the bag with them.

    Attributes:
        thermal: The thermal shot.
        rgb: Its partner.
        infos: The newest calibration of each camera that sends one.
        epoch: How often the stamps of the pairs before it went back.
    """

    thermal: Shot
    rgb: Shot
    infos: tuple[CameraMessage, ...] = ()
    epoch: int = 0

    @property
    def stamp_ns(self) -> int:
        """Stamp of the thermal shot, which names the pair."""
        return self.thermal.stamp_ns

    @property
    def log_ns(self) -> int:
        """When the pair was complete."""
        return max(self.thermal.message.arrived_ns, self.rgb.message.arrived_ns)

    @property
    def pictures(self) -> tuple[CameraMessage, CameraMessage]:
        """Both pictures in the order of the bag.

        RGB comes first: where pairs are seconds apart, a reader that meets thermal first would
        take the RGB camera for dead and not wait.
        """
        return self.rgb.message, self.thermal.message

    @property
    def nbytes(self) -> int:
        """Bytes of all messages."""
        return sum(len(message.cdr) for message in (*self.pictures, *self.infos))


class ShotReader:
    """Turns the messages of one camera into shots, in order of arrival.

    Thermal pictures are decoded to be looked at. RGB is judged and not decompressed: only its
    stamp matters, and its bytes are recorded as they are.

    Args:
        modality: Which camera.
    """

    def __init__(self, modality: Modality) -> None:
        self.modality: Modality = modality
        self._freeze = FreezeDetector()

    def read(self, message: CameraMessage, limits: DecodeLimits) -> Shot:
        """Return the shot of one message.

        Args:
            message: An ``Image`` or ``CompressedImage``.
            limits: Sizes and policies.

        Raises:
            MessageError: The message cannot be used.
        """
        frame, face = self._decode(message, limits)
        if frame.stamp_ns == 0:
            text = f'{self.modality} frame with stamp 0'
            raise MessageError(text, reason='zero_stamp', hint='let the camera driver set stamps')
        sample = sample_pixels(face)
        still = self._freeze.update(replace(frame, image=face), sample)
        return Shot(
            modality=frame.modality,
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            image=frame.image,
            encoding=frame.encoding,
            received_ns=frame.received_ns,
            notes=frame.notes,
            message=message,
            shutter=self.modality == 'thermal' and is_constant(face, sample),
            frozen=still.frozen,
        )

    def _decode(self, message: CameraMessage, limits: DecodeLimits) -> tuple[Frame, PixelArray]:
        """Return the frame and what stands for its picture when two are compared."""
        if message.type_name == IMAGE_TYPE:
            image = decode_image_message(message.cdr, max_bytes=limits.max_image_bytes)
            frame = decode_image(image, self.modality, limits=limits)
            return frame, frame.image
        if message.type_name == COMPRESSED_TYPE:
            packed = decode_compressed_message(message.cdr, max_bytes=limits.max_image_bytes)
            if self.modality == 'rgb':
                return judge_compressed(packed, 'rgb', limits=limits), packed.data[None, :]
            frame = decode_compressed(packed, self.modality, limits=limits)
            return frame, frame.image
        text = f'{self.modality} message of type {message.type_name}'
        raise MessageError(text, reason='type', hint=f'use {IMAGE_TYPE} or {COMPRESSED_TYPE}')


def picture_topic(topic: str, type_name: str) -> str:
    """Return the topic on which a camera sends pictures of one type.

    Args:
        topic: Topic of the camera's images.
        type_name: ``sensor_msgs/msg/Image`` or ``sensor_msgs/msg/CompressedImage``.
    """
    if type_name != COMPRESSED_TYPE:
        return topic
    return topic.removesuffix(COMPRESSED_SUFFIX) + COMPRESSED_SUFFIX
