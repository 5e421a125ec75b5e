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
from xspec_ros.bag.results import read_results
from xspec_ros.core.radiometry import tone_range
from xspec_ros.core.result import Detections, Result
from xspec_ros.errors import MessageError
from xspec_ros.perception.overlay import draw_overlay, grey
from xspec_ros.report.data import pick_frames, Picture

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.judging import Judge
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.core.frame import Frame, Modality, UInt8Array
    from xspec_ros.core.result import Mode
    from xspec_ros.report.data import FrameNote


def make_gallery(
    bag: BagReader,
    inputs: Inputs,
    results: BagReader | None,
    notes: Sequence[FrameNote],
    *,
    judge: Judge,
    mode: Mode = 'thermal',
) -> tuple[Picture, ...]:
    """Return pictures of the best, typical and worst frames.

    Args:
        bag: The bag that was answered.
        inputs: Its topics.
        results: The answers; None where there are none to read.
        notes: What became of every frame.
        judge: The truth, and the model's names and colours.
        mode: The mode that answered; its reference camera is shown.
    """
    chosen = pick_frames(tuple(notes))
    wanted = {note.stamp_ns for frames in chosen.values() for note in frames}
    if not wanted:
        return ()
    reference: Modality = 'rgb' if mode == 'rgb' else 'thermal'
    frames = _frames(bag, inputs, reference, wanted)
    answers: dict[int, Result] = {}
    if results is not None:
        for result in read_results(results, judge.manifest, mode, wanted=wanted):
            answers.setdefault(result.stamp_ns, result)
    pictures = []
    for kind, kept in chosen.items():
        for note in kept:
            if note.stamp_ns not in frames:
                continue
            base = _for_people(frames[note.stamp_ns], note.tone)
            panels: list[tuple[str, UInt8Array]] = [(reference, base)]
            answer = answers.get(note.stamp_ns)
            if answer is not None and answer.label_map.shape == base.shape[:2]:
                panels.append(('answer', _drawn(base, answer, judge)))
            truth = _truth(base, note.stamp_ns, judge, mode)
            if truth is not None:
                panels.append(('truth', _drawn(base, truth, judge)))
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


def _for_people(frame: Frame, tone: tuple[float, float] | None) -> UInt8Array:
    if frame.image.ndim == 3:
        return frame.image.astype(np.uint8, copy=False)
    return grey(frame.image, tone or tone_range(frame.image))


def _drawn(base: UInt8Array, result: Result, judge: Judge) -> UInt8Array:
    manifest = judge.manifest
    return draw_overlay(
        base,
        result,
        manifest.classes,
        manifest.detection_classes,
        score_threshold=judge.score_threshold,
    )


def _truth(base: UInt8Array, stamp_ns: int, judge: Judge, mode: Mode) -> Result | None:
    """Return the truth as an answer that is sure of itself; None without truth."""
    book = judge.book
    truth = book.label_map(stamp_ns, base.shape[:2])
    boxes = book.rgb_boxes(stamp_ns) if mode == 'rgb' else book.boxes(stamp_ns)
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
    return Result(
        stamp_ns=stamp_ns,
        frame_id='',
        label_map=unlabelled if truth is None else truth,
        confidence=unlabelled,
        detections=detections,
        mode=mode,
    )


def _caption(note: FrameNote) -> str:
    parts = [f'at {note.time_s:.2f} s', f'{note.detections} boxes']
    if note.score is not None:
        parts.append(f'agreement {note.score:.2f}')
    parts.append(f'mean confidence {note.confidence:.2f}')
    return ', '.join(parts)
