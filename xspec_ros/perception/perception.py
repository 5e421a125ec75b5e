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

"""Frame in, result out: one bundle on one engine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.bundle.store import Bundle, open_bundle
from xspec_ros.core.labels import UNLABELLED
from xspec_ros.core.result import Detections, Mode, Result
from xspec_ros.engines import open_engine
from xspec_ros.errors import BundleError, EngineError

if TYPE_CHECKING:
    from xspec_ros.core.frame import Frame, UInt8Array
    from xspec_ros.engines.engine import Engine, GraphOutput

MINIMUM_SCORE = 0.01  # boxes below it count nowhere, not even for AP


class Perception:
    """One bundle, opened on one engine for one mode.

    A fused bundle also opens its single-camera graphs, so that it can go on with either camera.

    Args:
        bundle: The verified bundle.
        engine: Engine name or ``auto``.
        mode: Mode that answers when both cameras are there.
        precision: Precision variant or ``auto``.
        threads: Engine threads, 0 for all cores.

    Raises:
        BundleError: The bundle has no graph for the mode.
        EngineError: The engine is missing or cannot run the graph.
    """

    def __init__(
        self,
        bundle: Bundle,
        engine: str = 'auto',
        mode: Mode = 'thermal',
        *,
        precision: str = 'auto',
        threads: int = 0,
    ) -> None:
        modes = bundle.manifest.modes()
        if mode not in modes:
            message = f'model {bundle.manifest.name!r} has no graph for mode {mode!r}'
            raise BundleError(message, hint=f'its modes are {", ".join(modes)}')
        self.bundle = bundle
        self.mode = mode
        wanted = modes if mode == 'fused' else (mode,)
        self.engines: dict[Mode, Engine] = {
            each: open_engine(
                bundle, name=engine, precision=precision, mode=each, threads=threads or None
            )
            for each in wanted
        }

    @property
    def engine(self) -> Engine:
        """The engine of the main mode."""
        return self.engines[self.mode]

    def warm_up(self, height: int, width: int, bytes_per_pixel: int = 1) -> None:
        """Run every graph once at an input size, so that the first frame is not the slow one."""
        thermal = np.zeros((height, width, bytes_per_pixel), np.uint8)
        rgb = np.zeros((height, width, 3), np.uint8)
        for mode, engine in self.engines.items():
            engine.infer(
                None if mode == 'rgb' else thermal,
                None if mode == 'thermal' else rgb,
                (0.0, 255.0),
            )

    def infer_frame(
        self,
        thermal: Frame | None,
        rgb: Frame | None,
        tone: tuple[float, float],
        *,
        confidence_threshold: float = 0.0,
    ) -> Result:
        """Answer for one frame or pair with whichever graph fits what is there.

        Args:
            thermal: Thermal frame, image (H, W) uint8 or uint16; None in mode ``rgb``.
            rgb: RGB frame, image (H, W, 3) uint8, on the thermal grid in mode ``fused``.
            tone: Low and high of the tone mapping, in counts.
            confidence_threshold: Pixels below it, 0 to 1, become 255; 0 keeps all.

        Returns:
            The result, stamped as the reference frame.

        Raises:
            EngineError: The runtime failed, or no graph fits what is there.
        """
        mode = self._mode_for(thermal, rgb)
        reference = rgb if mode == 'rgb' else thermal
        if reference is None:
            message = f'mode {self.mode!r} got neither of its cameras'
            raise EngineError(message, hint='check the input topics')
        output = self.engines[mode].infer(
            None if thermal is None or mode == 'rgb' else as_bytes(thermal),
            None if rgb is None or mode == 'thermal' else rgb.image.view(np.uint8),
            tone,
        )
        return Result(
            stamp_ns=reference.stamp_ns,
            frame_id=reference.frame_id,
            label_map=_confident_labels(output, confidence_threshold),
            confidence=output.confidence,
            detections=_detections(output),
            mode=mode,
            degraded=mode != self.mode,
        )

    def _mode_for(self, thermal: Frame | None, rgb: Frame | None) -> Mode:
        if self.mode != 'fused' or (thermal is not None and rgb is not None):
            return self.mode
        single: Mode = 'thermal' if thermal is not None else 'rgb'
        if single not in self.engines:
            message = f'the fused model has no graph for {single} alone'
            raise EngineError(message, hint='export it with its single-camera graphs')
        return single

    def close(self) -> None:
        """Free what the engines hold."""
        for engine in self.engines.values():
            engine.close()


def open_perception(
    model: str, *, engine: str, mode: Mode, precision: str, threads: int = 0
) -> Perception:
    """Open a bundle folder or shipped model by name, verified, on an engine."""
    bundle = open_bundle(model)
    return Perception(bundle, engine, mode, precision=precision, threads=threads)


def as_bytes(frame: Frame) -> UInt8Array:
    """View a thermal picture as the (H, W, 1 or 2) little-endian bytes that the graph takes."""
    image = frame.image
    if image.dtype == np.uint16 and sys.byteorder == 'big':
        image = image.byteswap()
    return image.view(np.uint8).reshape(*frame.size_hw, image.dtype.itemsize)


def _confident_labels(output: GraphOutput, threshold: float) -> UInt8Array:
    if threshold <= 0.0:
        return output.labels
    unsure = output.confidence < np.uint8(round(threshold * 255))
    return np.where(unsure, np.uint8(UNLABELLED), output.labels)


def _detections(output: GraphOutput) -> Detections:
    found = Detections(
        boxes_xyxy=output.boxes_xyxy, scores=output.scores, class_ids=output.classes
    )
    return found.at_least(MINIMUM_SCORE)
