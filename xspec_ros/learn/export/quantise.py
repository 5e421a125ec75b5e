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

"""int8 variant of a graph: static quantisation of the network's inner convolutions."""

from __future__ import annotations

import logging
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    quantize_static,
    QuantType,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from xspec_ros.engines.arrays import graph_inputs
from xspec_ros.learn.export.graph import strip_traces

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from xspec_ros.learn.export.frames import LabelledFrame

CALIBRATION_FRAMES = 32


class FrameReader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Hands labelled frames to the calibrator, one by one."""

    def __init__(self, frames: Iterable[LabelledFrame], names: Sequence[str]) -> None:
        self._frames = iter(frames)
        self._names = names

    def get_next(self) -> dict[str, NDArray[np.generic]] | None:
        """Return the next frame's inputs, None at the end."""
        frame = next(self._frames, None)
        if frame is None:
            return None
        return graph_inputs(self._names, thermal=frame.pixel_bytes, rgb=frame.rgb, tone=frame.tone)


def int8_bytes(graph: bytes, frames: Sequence[LabelledFrame]) -> bytes:
    """Quantise a graph: 8-bit weights per channel and activations, the rest left in float32.

    Pre- and post-processing and the last convolution of every branch stay as they are: they
    cost little and carry coordinates and logits.

    Args:
        graph: The fp32 ONNX file.
        frames: Frames to calibrate on, spread over the set, with the cameras of the graph.

    Returns:
        The int8 ONNX file (QDQ).
    """
    step = max(1, len(frames) // CALIBRATION_FRAMES)
    chosen = frames[::step][:CALIBRATION_FRAMES]
    with tempfile.TemporaryDirectory() as folder:
        source, ready, out = (Path(folder) / f'{name}.onnx' for name in ('source', 'ready', 'out'))
        source.write_bytes(graph)
        root = logging.getLogger()
        level = root.level
        root.setLevel(logging.ERROR)  # onnxruntime logs advice on the root logger
        try:
            # its optimiser would turn the argmax back to the axis that OpenVINO is slow at
            quant_pre_process(source, ready, skip_symbolic_shape=True, skip_optimization=True)
            model = onnx.load(ready)
            quantize_static(
                ready,
                out,
                FrameReader(chosen, [item.name for item in model.graph.input]),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=['Conv', 'Clip', 'Add', 'Concat', 'MaxPool'],
                nodes_to_quantize=inner_nodes(model),
            )
        finally:
            root.setLevel(level)
        model = onnx.load(out)
    strip_traces(model)
    return bytes(model.SerializeToString(deterministic=True))


def inner_nodes(model: onnx.ModelProto) -> list[str]:
    """Return the names of the network's own nodes, the last convolutions of its branches left out.

    The network is what lies between the first convolution of each camera and the last ones.
    Convolutions over a single channel that is not the picture are post-processing.
    """
    nodes = list(model.graph.node)
    shapes = {item.name: list(item.dims) for item in model.graph.initializer}
    convs = [node for node in nodes if node.op_type == 'Conv' and node.input[1] in shapes]
    behind = _reached(nodes, {name for node in convs for name in node.output})
    first = {node.name for node in convs if node.name not in behind}
    network = [
        node
        for node in convs
        if node.name in first or shapes[node.input[1]][1:2] != [1] or (_groups(node) > 1)
    ]
    names = {node.name for node in network}
    last = [node for node in network if not names & _reached(nodes, set(node.output))]
    ends = {node.name for node in last}
    below = behind | first
    above = _reaching(nodes, {name for node in last for name in node.input})
    return [node.name for node in nodes if node.name in (below & above) - ends]


def _groups(node: onnx.NodeProto) -> int:
    return next((int(item.i) for item in node.attribute if item.name == 'group'), 1)


def _reached(nodes: list[onnx.NodeProto], tensors: set[str]) -> set[str]:
    """Return the names of the nodes that lie after these tensors (nodes are in order)."""
    known, found = set(tensors), set()
    for node in nodes:
        if known & set(node.input):
            known |= set(node.output)
            found.add(node.name)
    return found


def _reaching(nodes: list[onnx.NodeProto], tensors: set[str]) -> set[str]:
    """Return the names of the nodes that lie before these tensors."""
    known, found = set(tensors), set()
    for node in reversed(nodes):
        if known & set(node.output):
            known |= set(node.input)
            found.add(node.name)
    return found
