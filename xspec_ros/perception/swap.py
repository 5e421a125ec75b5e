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

"""Hot swap: open another model beside the one that serves, and believe it only after a trial."""

from __future__ import annotations

import os
import sys
from threading import get_native_id, Thread
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.bundle.store import open_bundle
from xspec_ros.core.frame import Frame
from xspec_ros.core.labels import UNLABELLED
from xspec_ros.engines.choice import choose, OPENS_QUIETLY
from xspec_ros.errors import BundleError, EngineError, XspecError
from xspec_ros.perception.perception import open_perception

if TYPE_CHECKING:
    from collections.abc import Callable

    from xspec_ros.core.frame import Modality, PixelArray
    from xspec_ros.core.result import Result
    from xspec_ros.perception.perception import Perception
    from xspec_ros.perception.pipeline import Pipeline
    from xspec_ros.perception.settings import Settings

DEFAULT_HW = (480, 640)
LOWEST_PRIORITY = 19


def open_beside(
    settings: Settings,
    model: str,
    *,
    size_hw: tuple[int, int] = DEFAULT_HW,
    bytes_per_pixel: int = 1,
) -> Perception:
    """Open a model as ``open_tried`` does, giving way to the one that serves meanwhile.

    Where the engine allows it, on Linux, the work is done by a thread of the lowest priority: on
    two cores, compiling a model otherwise takes the processor from most frames of that second.

    Raises:
        BundleError: It fails its checks, or answers nonsense.
        EngineError: No engine runs it.
    """
    name, _ = choose(
        open_bundle(model),
        name=settings.engine,
        precision=settings.precision,
        mode=settings.mode,
    )

    def work() -> Perception:
        return open_tried(settings, model, size_hw=size_hw, bytes_per_pixel=bytes_per_pixel)

    if name not in OPENS_QUIETLY or sys.platform != 'linux':
        return work()
    opening = _Quiet(work)
    opening.start()
    opening.join()
    return opening.result()


def open_tried(
    settings: Settings,
    model: str,
    *,
    size_hw: tuple[int, int] = DEFAULT_HW,
    bytes_per_pixel: int = 1,
) -> Perception:
    """Open a model: verified, warmed, and tried on one picture.

    Args:
        settings: Run-time parameters: engine, mode, precision, threads.
        model: Bundle folder or shipped name.
        size_hw: Rows and columns of the camera's pictures.
        bytes_per_pixel: Of the thermal pictures, 1 or 2.

    Raises:
        BundleError: It fails its checks, or answers nonsense.
        EngineError: No engine runs it.
    """
    perception = open_perception(
        model,
        engine=settings.engine,
        mode=settings.mode,
        precision=settings.precision,
        threads=settings.threads,
    )
    try:
        perception.warm_up(*size_hw, bytes_per_pixel)
        try_out(perception, size_hw, bytes_per_pixel)
    except XspecError:
        perception.close()
        raise
    return perception


def input_shape(pipeline: Pipeline) -> tuple[tuple[int, int], int]:
    """Return size and bytes a pixel of the pictures that a pipeline gets, or the usual ones."""
    state = pipeline.intake.inputs[pipeline.intake.reference]
    size_hw = state.size_hw if all(state.size_hw) else DEFAULT_HW
    return size_hw, 2 if '16' in state.encoding or '32' in state.encoding else 1


def try_out(perception: Perception, size_hw: tuple[int, int], bytes_per_pixel: int) -> None:
    """Let a model answer for one gradient and check that the answer makes sense.

    Args:
        perception: The model.
        size_hw: Rows and columns.
        bytes_per_pixel: Of the thermal picture, 1 or 2.

    Raises:
        BundleError: Wrong size, unknown classes, or boxes that are no numbers.
    """
    height, width = size_hw
    ramp = np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)
    grey = ramp if bytes_per_pixel == 1 else ramp.astype(np.uint16) * np.uint16(257)
    thermal = _trial_frame('thermal', grey)
    rgb = _trial_frame('rgb', np.repeat(ramp[..., None], 3, axis=2))
    result = perception.infer_frame(
        None if perception.mode == 'rgb' else thermal,
        None if perception.mode == 'thermal' else rgb,
        (0.0, float(grey.max())),
    )
    fault = find_fault(result, perception, size_hw)
    if fault:
        message = f'model {perception.bundle.path} answers nonsense: {fault}'
        raise BundleError(message, hint='export it again, with verification')


class _Quiet(Thread):
    """Opens a model at the lowest priority; as a daemon it does not hold up the process's end."""

    def __init__(self, work: Callable[[], Perception]) -> None:
        super().__init__(name='open', daemon=True)
        self._work = work
        self._opened: Perception | None = None
        self._error: XspecError | None = None

    def run(self) -> None:
        os.setpriority(os.PRIO_PROCESS, get_native_id(), LOWEST_PRIORITY)
        try:
            self._opened = self._work()
        except XspecError as error:
            self._error = error

    def result(self) -> Perception:
        if self._opened is not None:
            return self._opened
        message = 'opening the model failed unexpectedly'
        raise self._error or EngineError(message, hint='the log has the reason')


def _trial_frame(modality: Modality, image: PixelArray) -> Frame:
    return Frame(modality=modality, image=image, stamp_ns=1, frame_id='', encoding='')


def find_fault(result: Result, perception: Perception, size_hw: tuple[int, int]) -> str:
    """Say what is wrong with an answer; empty when nothing is."""
    manifest = perception.bundle.manifest
    labels, boxes = result.label_map, result.detections
    if labels.shape != size_hw or result.confidence.shape != size_hw:
        return f'label map {labels.shape} for a picture of {size_hw}'
    classes = labels[labels != UNLABELLED]
    if classes.size and int(classes.max()) >= len(manifest.classes):
        return f'class {int(classes.max())} of {len(manifest.classes)}'
    if not np.isfinite(boxes.boxes_xyxy).all() or not np.isfinite(boxes.scores).all():
        return 'boxes or scores that are no numbers'
    if len(boxes) and int(boxes.class_ids.max()) >= len(manifest.detection_classes):
        return f'box class {int(boxes.class_ids.max())} of {len(manifest.detection_classes)}'
    return ''
