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

"""A deployable graph to one ONNX file that takes any input size."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import TYPE_CHECKING
import warnings

import onnx
import torch

from xspec_ros.engines.engine import INPUTS, OUTPUT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xspec_ros.core.result import Mode
    from xspec_ros.learn.models.deploy import DeployGraph

OPSET = 18
SMALLEST, LARGEST = 32, 8192

_EXAMPLE_HW = (120, 160)


def graph_bytes(graph: DeployGraph, mode: Mode = 'thermal') -> bytes:
    """Export the graph for pictures (1, H, W, C) with H, W and the thermal C free.

    Args:
        graph: The deployable graph; put into evaluation mode here.
        mode: What it is the graph of; both pictures of ``fused`` have one size.

    Returns:
        The ONNX file, without traces of where it was made.
    """
    graph.eval()
    height = torch.export.Dim('height', min=SMALLEST, max=LARGEST)
    width = torch.export.Dim('width', min=SMALLEST, max=LARGEST)
    channels = torch.export.Dim('bytes', min=1, max=2)
    examples = {
        'thermal': torch.zeros((1, *_EXAMPLE_HW, 2), dtype=torch.uint8),
        'rgb': torch.zeros((1, *_EXAMPLE_HW, 3), dtype=torch.uint8),
        'tone': torch.tensor([0.0, 1.0]),
    }
    shapes = {
        'thermal': {1: height, 2: width, 3: channels},
        'rgb': {1: height, 2: width},
        'tone': None,
    }
    names = INPUTS[mode]
    with torch.no_grad(), _quiet():
        program = torch.onnx.export(
            graph,
            tuple(examples[name] for name in names),
            dynamo=True,
            opset_version=OPSET,
            input_names=list(names),
            output_names=list(OUTPUT_NAMES),
            dynamic_shapes=tuple(shapes[name] for name in names),
            verbose=False,
        )
    if program is None:
        message = 'torch.onnx.export returned nothing'
        raise RuntimeError(message)
    model = program.model_proto
    strip_traces(model)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def strip_traces(model: onnx.ModelProto) -> None:
    """Remove what the exporter writes of its machine: stack traces, source names, file paths."""
    del model.metadata_props[:]
    model.doc_string = ''
    graph = model.graph
    graph.doc_string = ''
    del graph.metadata_props[:]
    for item in (*graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        item.doc_string = ''
        del item.metadata_props[:]
    for function in model.functions:
        function.doc_string = ''
        for node in function.node:
            node.doc_string = ''
            del node.metadata_props[:]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporter's progress prints off stdout and its notes off the log."""
    names = ('torch.onnx', 'onnxscript', 'onnx_ir', 'torch.export')
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter('ignore')
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
