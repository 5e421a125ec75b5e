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

"""The pictures of a report, read back from the bag and its results by stamp."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.bag.extract import decode_record
from xspec_ros.core.result import Detections, Result
from xspec_ros.errors import MessageError
from xspec_ros.messages.image import decode_image_message
from xspec_ros.messages.topics import IMAGE_TYPE, OVERLAY
from xspec_ros.perception.overlay import draw_overlay, grey
from xspec_ros.report.data import pick_frames, Picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.bag.truth import TruthBook
    from xspec_ros.bundle.manifest import Manifest
    from xspec_ros.core.frame import Frame, Modality, UInt8Array
    from xspec_ros.report.data import FrameNote


def make_gallery(
    bag: BagReader,
    inputs: Inputs,
    results: BagReader | None,
    notes: Sequence[FrameNote],
    *,
    book: TruthBook,
    manifest: Manifest,
    reference: Modality = 'thermal',
) -> tuple[Picture, ...]:
    """Return pictures of the best, typical and worst frames.

    Args:
        bag: The replayed bag.
        inputs: Its topics.
        results: The results with their overlays; None where there are none.
        notes: What became of every frame.
        book: The truth.
        manifest: The model's manifest, for names and colours.
        reference: Camera whose frames were answered.
    """
    chosen = pick_frames(tuple(notes))
    wanted = {note.stamp_ns for frames in chosen.values() for note in frames}
    if not wanted:
        return ()
    frames = _frames(bag, inputs, reference, wanted)
    overlays = {} if results is None else _overlays(results, wanted)
    pictures = []
    for kind, kept in chosen.items():
        for note in kept:
            if note.stamp_ns not in frames:
                continue
            base = _for_people(frames[note.stamp_ns], note.tone)
            panels: list[tuple[str, UInt8Array]] = [(reference, base)]
            if note.stamp_ns in overlays:
                panels.append(('answer', overlays[note.stamp_ns]))
            truth = _truth_panel(base, note.stamp_ns, book, manifest, reference)
            if truth is not None:
                panels.append(('truth', truth))
            pictures.append(Picture(title=kind, caption=_caption(note), panels=tuple(panels)))
    return tuple(pictures)


def _frames(
    bag: BagReader, inputs: Inputs, reference: Modality, wanted: set[int]
) -> Mapping[int, Frame]:
    topics = [name for name, (modality, _) in inputs.cameras.items() if modality == reference]
    found: dict[int, Frame] = {}
    for record in bag.messages(topics):
        try:
            frame = decode_record(record, reference)
        except MessageError:
            continue
        stamp_ns = frame.stamp_ns or record.log_ns
        if stamp_ns in wanted and stamp_ns not in found:
            found[stamp_ns] = replace(frame, image=frame.image.copy())
        if len(found) == len(wanted):
            break
    return found


def _overlays(results: BagReader, wanted: set[int]) -> Mapping[int, UInt8Array]:
    found: dict[int, UInt8Array] = {}
    for record in results.messages([OVERLAY]):
        if record.type_name != IMAGE_TYPE:
            continue
        message = decode_image_message(record.cdr, max_bytes=len(record.cdr))
        if message.stamp_ns in wanted:
            shape = (message.height, message.width, 3)
            found[message.stamp_ns] = np.array(message.data).reshape(shape)
    return found


def _for_people(frame: Frame, tone: tuple[float, float]) -> UInt8Array:
    if frame.image.ndim == 3:
        return frame.image.astype(np.uint8, copy=False)
    return grey(frame.image, tone)


def _truth_panel(
    base: UInt8Array, stamp_ns: int, book: TruthBook, manifest: Manifest, reference: Modality
) -> UInt8Array | None:
    """Draw the truth as an answer would be drawn; None without truth."""
    truth = book.label_map(stamp_ns, base.shape[:2])
    boxes = book.rgb_boxes(stamp_ns) if reference == 'rgb' else book.boxes(stamp_ns)
    if truth is None and boxes is None:
        return None
    unlabelled = np.full(base.shape[:2], 255, np.uint8)
    detections = Detections.empty()
    if boxes is not None:
        keep = (boxes.class_ids >= 0) & ~boxes.crowd
        detections = Detections(
            boxes_xyxy=boxes.boxes_xyxy[keep],
            scores=np.ones(int(keep.sum()), np.float32),
            class_ids=boxes.class_ids[keep],
        )
    result = Result(
        stamp_ns=stamp_ns,
        frame_id='',
        label_map=unlabelled if truth is None else truth,
        confidence=unlabelled,
        detections=detections,
        mode='rgb' if reference == 'rgb' else 'thermal',
    )
    return draw_overlay(base, result, manifest.classes, manifest.detection_classes)


def _caption(note: FrameNote) -> str:
    parts = [f'at {note.time_s:.2f} s', f'{note.detections} boxes']
    if note.score is not None:
        parts.append(f'agreement {note.score:.2f}')
    parts.append(f'mean confidence {note.confidence:.2f}')
    return ', '.join(parts)
