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

"""What every engine does with its arrays: name the inputs, shape the outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.engines.engine import GraphOutput, INPUTS, OUTPUT_NAMES
from xspec_ros.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Mode


def graph_inputs(
    names: Sequence[str],
    *,
    thermal: UInt8Array | None,
    rgb: UInt8Array | None,
    tone: tuple[float, float],
) -> dict[str, NDArray[np.generic]]:
    """Return the graph's inputs by name; pictures stay views, with a leading axis.

    Args:
        names: Input names of the graph.
        thermal: (H, W, C) uint8, C in {1, 2}, or None.
        rgb: (H, W, 3) uint8, or None.
        tone: Low and high in counts.

    Raises:
        EngineError: A picture that the graph needs is missing or has another shape.
    """
    feeds: dict[str, NDArray[np.generic]] = {}
    for name, picture, depths in (('thermal', thermal, (1, 2)), ('rgb', rgb, (3,))):
        if name in names:
            feeds[name] = _checked(name, picture, depths)[None]
    if len(feeds) == 2 and feeds['thermal'].shape[:3] != feeds['rgb'].shape[:3]:
        message = f'RGB {feeds["rgb"].shape[1:3]} beside thermal {feeds["thermal"].shape[1:3]}'
        raise EngineError(message, hint='a fused graph takes RGB on the thermal grid; give a rig')
    if 'tone' in names:
        feeds['tone'] = np.array(tone, np.float32)
    return feeds


def graph_output(arrays: Sequence[NDArray[np.generic]]) -> GraphOutput:
    """Wrap the outputs, in the order of ``OUTPUT_NAMES``, without their leading axis."""
    labels, confidence, boxes, scores, classes = (np.asarray(array)[0] for array in arrays)
    return GraphOutput(
        labels=labels.astype(np.uint8, copy=False),
        confidence=confidence.astype(np.uint8, copy=False),
        boxes_xyxy=boxes.astype(np.float32, copy=False),
        scores=scores.astype(np.float32, copy=False),
        classes=classes.astype(np.int32, copy=False),
    )


def check_names(inputs: Sequence[str], outputs: Sequence[str], where: str, *, mode: Mode) -> None:
    """Refuse a graph that is not one of ours.

    Args:
        inputs: Its input names.
        outputs: Its output names.
        where: Bundle, for the message.
        mode: What the bundle says it is.

    Raises:
        EngineError: Other inputs or outputs than the bundle format has.
    """
    if set(inputs) != set(INPUTS[mode]) or set(outputs) != set(OUTPUT_NAMES):
        message = f'{where}, mode {mode}: inputs {list(inputs)} and outputs {list(outputs)}'
        raise EngineError(message, hint='export the model again with this package')


def _checked(name: str, picture: UInt8Array | None, depths: tuple[int, ...]) -> UInt8Array:
    if picture is None:
        message = f'the graph needs a {name} picture'
        raise EngineError(message, hint='open the engine in a mode that fits the cameras')
    if picture.ndim != 3 or picture.shape[2] not in depths or picture.dtype != np.uint8:
        message = f'{name} input is {picture.dtype} {picture.shape}'
        raise EngineError(message, hint=f'uint8 (H, W, C) with C in {depths}')
    return np.ascontiguousarray(picture)
