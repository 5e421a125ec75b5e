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

"""``results.mcap``: what perception answered, written as Foxglove, RViz and rosbags read it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.bag.reader import BagReader
from xspec_ros.bag.writer import BagWriter
from xspec_ros.core.labels import index_by_name
from xspec_ros.core.result import Result
from xspec_ros.errors import DataError, MessageError
from xspec_ros.messages.annotations import encode_annotations
from xspec_ros.messages.cdr import peek_stamp_ns
from xspec_ros.messages.detections import decode_detections
from xspec_ros.messages.image import decode_plane, encode_image
from xspec_ros.messages.topics import (
    ANNOTATIONS,
    ANNOTATIONS_TYPE,
    CONFIDENCE,
    DETECTIONS,
    IMAGE_TYPE,
    OVERLAY,
    SEGMENTATION,
)
from xspec_ros.perception.joining import StampJoin
from xspec_ros.perception.overlay import draw_overlay, grey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from xspec_ros.bundle.manifest import Manifest
    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Mode
    from xspec_ros.messages.cdr import Buffer
    from xspec_ros.messages.topics import Outgoing
    from xspec_ros.perception.pipeline import Answer, Pipeline


class ResultsWriter:
    """Writes answers; when the disk refuses, it says so once and the replay goes on without.

    Args:
        path: The ``.mcap`` file, replaced when it is there.
        pipeline: Whose answers these are.
        overlay: Also write a picture for people.
    """

    def __init__(self, path: Path, pipeline: Pipeline, *, overlay: bool = True) -> None:
        manifest = pipeline.perception.bundle.manifest
        self.error: DataError | None = None
        self._overlay = overlay
        self._pipeline = pipeline
        self._classes = manifest.classes
        self._names = manifest.detection_classes
        ids = index_by_name(manifest.classes)
        self._colours = [
            manifest.classes[ids[name.lower()]].colour if name.lower() in ids else (255, 255, 255)
            for name in manifest.detection_classes
        ]
        self._latched = False
        self._bag = BagWriter(path, compress=True, overwrite=True)

    def write(self, answer: Answer, log_ns: int) -> None:
        """Write one answer with its annotations and overlay.

        Args:
            answer: The answer.
            log_ns: Log time of the frame it answers, so that both bags play side by side.
        """
        if self.error is not None:
            return
        try:
            self._write(answer, log_ns)
        except DataError as error:
            self.error = error

    def close(self) -> None:
        """Finish the file."""
        try:
            self._bag.close()
        except DataError as error:
            self.error = self.error or error

    def _write(self, answer: Answer, log_ns: int) -> None:
        if not self._latched:
            self._latched = True
            for message in self._pipeline.latched():
                self._put(message, log_ns)
        for message in answer.messages:
            self._put(message, log_ns)
        shown = answer.result.detections.at_least(self._pipeline.score_threshold)
        stamp_ns = answer.result.stamp_ns
        marks = encode_annotations(shown, self._names, stamp_ns=stamp_ns, colours=self._colours)
        self._bag.write(ANNOTATIONS, ANNOTATIONS_TYPE, marks, log_ns)
        if self._overlay:
            picture = draw_overlay(
                answer_picture(answer),
                answer.result,
                self._classes,
                self._names,
                score_threshold=self._pipeline.score_threshold,
            )
            frame_id = answer.result.frame_id
            cdr = encode_image(picture, stamp_ns=stamp_ns, frame_id=frame_id, encoding='rgb8')
            self._bag.write(OVERLAY, IMAGE_TYPE, cdr, log_ns)

    def _put(self, message: Outgoing, log_ns: int) -> None:
        self._bag.write(message.topic, message.type_name, message.cdr, log_ns)


def answer_picture(answer: Answer) -> UInt8Array:
    """Return the reference picture of an answer for people: (H, W) grey or (H, W, 3) RGB."""
    work = answer.work
    if work.rgb is not None and (answer.result.mode == 'rgb' or work.thermal is None):
        return work.rgb.image.astype(np.uint8, copy=False)
    if work.thermal is None:
        message = 'an answer without a picture'
        raise DataError(message)
    return grey(work.thermal.image, work.tone)


@contextmanager
def opened_if_readable(path: Path) -> Iterator[BagReader | None]:
    """Open results for reading; None where they cannot be read."""
    try:
        reader = BagReader(path)
    except DataError:
        yield None
        return
    with reader:
        yield reader


def read_results(
    results: BagReader, manifest: Manifest, mode: Mode, *, wanted: Collection[int] | None = None
) -> Iterator[Result]:
    """Yield the answers of a results bag, in the order in which they were completed.

    Args:
        results: The opened results.
        manifest: The model that gave them, for the names of boxes.
        mode: The mode it ran in.
        wanted: Stamps to read; None for all.

    Yields:
        Answers with label map, confidence and boxes; one that lacks a part is left out.
    """
    join = StampJoin((SEGMENTATION, CONFIDENCE, DETECTIONS))
    for record in results.messages(join.parts):
        stamp_ns = peek_stamp_ns(record.cdr)
        if wanted is not None and stamp_ns not in wanted:
            continue
        whole = join.put(record.topic, stamp_ns, record.cdr)
        if whole is not None:
            try:
                yield _result(whole, manifest, mode)
            except MessageError:
                continue


def _result(whole: Mapping[str, Buffer], manifest: Manifest, mode: Mode) -> Result:
    stamped = decode_detections(whole[DETECTIONS], manifest.detection_classes)
    return Result(
        stamp_ns=stamped.stamp_ns,
        frame_id=stamped.frame_id,
        label_map=decode_plane(whole[SEGMENTATION]),
        confidence=decode_plane(whole[CONFIDENCE]),
        detections=stamped.detections,
        mode=mode,
    )
