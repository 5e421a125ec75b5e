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

"""``vision_msgs/LabelInfo``: what the ids of a label image mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xspec_ros.messages.cdr import Buffer, CdrReader, CdrWriter
from xspec_ros.messages.topics import LABEL_INFO_TYPE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.labels import ClassLabel

MIN_CLASS_BYTES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelInfo:
    """A decoded ``LabelInfo``.

    Attributes:
        stamp_ns: Header stamp in nanoseconds.
        frame_id: Header frame.
        names: Class name by id.
        threshold: Confidence below which pixels are unlabelled.
    """

    stamp_ns: int
    frame_id: str
    names: dict[int, str]
    threshold: float


def encode_label_info(
    classes: Sequence[ClassLabel | str], *, stamp_ns: int, frame_id: str, threshold: float
) -> bytes:
    """Write the class list of a label image; 255 (unlabelled) has no entry, by convention.

    Args:
        classes: Classes in id order.
        stamp_ns: Header stamp in nanoseconds.
        frame_id: Header frame.
        threshold: Confidence threshold in [0, 1].
    """
    writer = CdrWriter()
    writer.header(stamp_ns, frame_id)
    writer.uint32(len(classes))
    for index, label in enumerate(classes):
        writer.values('H', 2, index)
        writer.text(label if isinstance(label, str) else label.name)
    writer.values('f', 4, threshold)
    return writer.finish()


def decode_label_info(cdr: Buffer) -> LabelInfo:
    """Read a ``LabelInfo``.

    Raises:
        MessageError: Damaged or of another type.
    """
    reader = CdrReader(cdr, LABEL_INFO_TYPE)
    stamp_ns = reader.stamp_ns()
    frame_id = reader.text()
    names: dict[int, str] = {}
    for _ in range(reader.count(MIN_CLASS_BYTES)):
        class_id = reader.uint16()
        names[class_id] = reader.text()
    threshold = reader.float32()
    reader.finish()
    return LabelInfo(stamp_ns=stamp_ns, frame_id=frame_id, names=names, threshold=threshold)
