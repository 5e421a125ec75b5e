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

"""onnxruntime: CPU everywhere, CUDA where its GPU build is installed."""

from __future__ import annotations

from typing import cast, TYPE_CHECKING

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from xspec_ros.engines.arrays import check_names, graph_inputs, graph_output
from xspec_ros.engines.engine import GraphOutput, OUTPUT_NAMES
from xspec_ros.engines.files import first_line, read_graph
from xspec_ros.engines.machine import fast_int8
from xspec_ros.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Mode

PROVIDERS: dict[str, dict[str, str]] = {
    'CUDAExecutionProvider': {'use_tf32': '0'},  # fp32 as verified, not 10-bit products
    'CPUExecutionProvider': {},
}

_FAILURES = (
    RuntimeError,
    ValueError,
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class OnnxRuntimeEngine:
    """One graph in one onnxruntime session.

    Args:
        bundle: An opened bundle.
        precision: Variant, for example ``fp32``.
        mode: Which graph.
        threads: Threads within an operator; None for one a physical core.
    """

    name = 'onnxruntime'

    def __init__(
        self, bundle: Bundle, *, precision: str, mode: Mode, threads: int | None = None
    ) -> None:
        self.precision = precision
        self.mode: Mode = mode
        exact = precision == 'int8' and not fast_int8()
        path = bundle.graph_path(mode, precision)
        self._session = open_session(path, threads=threads, exact_int8=exact)
        self._inputs = [item.name for item in self._session.get_inputs()]
        outputs = [item.name for item in self._session.get_outputs()]
        check_names(self._inputs, outputs, str(bundle.path), mode=mode)

    @property
    def device(self) -> str:
        """The provider that runs the graph, for example ``CPUExecutionProvider``."""
        return cast('str', self._session.get_providers()[0])

    def infer(
        self, thermal: UInt8Array | None, rgb: UInt8Array | None, tone: tuple[float, float]
    ) -> GraphOutput:
        """Run one frame; see ``Engine.infer``."""
        feeds = graph_inputs(self._inputs, thermal=thermal, rgb=rgb, tone=tone)
        try:
            arrays = self._session.run(list(OUTPUT_NAMES), feeds)
        except _FAILURES as error:
            message = f'onnxruntime failed: {first_line(error)}'
            raise EngineError(message, hint='try another engine') from error
        return graph_output(cast('list[NDArray[np.generic]]', arrays))

    def close(self) -> None:
        """Free the session."""
        del self._session


def providers() -> list[tuple[str, dict[str, str]]]:
    """Return the execution providers to use here with their options, best first."""
    present = set(ort.get_available_providers())
    return [(name, options) for name, options in PROVIDERS.items() if name in present]


def open_session(
    path: Path, *, threads: int | None = None, exact_int8: bool = False
) -> ort.InferenceSession:
    """Open a graph.

    Args:
        path: ONNX file.
        threads: Threads within an operator; None for one a physical core.
        exact_int8: Compute what int8 layers mean in float32 (slow), for processors whose own
            int8 products saturate.

    Raises:
        EngineError: It cannot be opened.
    """
    options = ort.SessionOptions()
    if exact_int8:
        options.add_session_config_entry('session.disable_quant_qdq', '1')
    options.log_severity_level = 3
    options.intra_op_num_threads = threads or 0
    options.inter_op_num_threads = 1
    graph = read_graph(path)
    try:
        return ort.InferenceSession(graph, options, providers=providers())
    except _FAILURES as error:
        message = f'onnxruntime cannot open {path}: {first_line(error)}'
        raise EngineError(message, hint='export the model again, or try another engine') from error
