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

"""OpenVINO: the fast engine on x86 CPUs.

The precision hint is always set: left alone, OpenVINO computes in bf16 wherever the CPU can, which
is not what export verified.
"""

from __future__ import annotations

from typing import cast, TYPE_CHECKING

import openvino as ov

from xspec_ros.engines.arrays import check_names, graph_inputs, graph_output
from xspec_ros.engines.engine import GraphOutput, OUTPUT_NAMES
from xspec_ros.engines.files import first_line, read_graph
from xspec_ros.errors import EngineError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Mode

DEVICE = 'CPU'


class OpenVinoEngine:
    """One graph compiled for the CPU.

    Args:
        bundle: An opened bundle.
        precision: Variant, for example ``fp32``.
        mode: Which graph.
        threads: Threads of inference; None for OpenVINO's choice (the physical cores).
    """

    name = 'openvino'

    def __init__(
        self, bundle: Bundle, *, precision: str, mode: Mode, threads: int | None = None
    ) -> None:
        self.precision = precision
        self.mode: Mode = mode
        self._model = _compile(bundle.graph_path(mode, precision), threads)
        self._inputs = [port.get_any_name() for port in self._model.inputs]
        outputs = [port.get_any_name() for port in self._model.outputs]
        check_names(self._inputs, outputs, str(bundle.path), mode=mode)
        self._order = [outputs.index(name) for name in OUTPUT_NAMES]
        self._request = self._model.create_infer_request()

    def infer(
        self, thermal: UInt8Array | None, rgb: UInt8Array | None, tone: tuple[float, float]
    ) -> GraphOutput:
        """Run one frame; see ``Engine.infer``."""
        feeds = graph_inputs(self._inputs, thermal=thermal, rgb=rgb, tone=tone)
        try:
            # share_inputs: the picture stays where it is; outputs are copied, since the next
            # frame writes over the request's own
            answer = self._request.infer(feeds, share_inputs=True, share_outputs=False)
        except RuntimeError as error:
            message = f'OpenVINO failed: {first_line(error)}'
            raise EngineError(message, hint='try another engine') from error
        return graph_output([cast('NDArray[np.generic]', answer[index]) for index in self._order])

    def close(self) -> None:
        """Free the compiled model."""
        del self._request, self._model


def _compile(path: Path, threads: int | None) -> ov.CompiledModel:
    settings: dict[str, object] = {
        'INFERENCE_PRECISION_HINT': 'f32',
        'PERFORMANCE_HINT': 'LATENCY',
        'NUM_STREAMS': 1,
    }
    if threads:
        settings['INFERENCE_NUM_THREADS'] = threads
    graph = read_graph(path)
    try:
        core = ov.Core()
        core.set_property({'CACHE_DIR': ''})
        model = core.read_model(graph)
        return core.compile_model(model, DEVICE, settings)
    except RuntimeError as error:
        message = f'OpenVINO cannot open {path}: {first_line(error)}'
        raise EngineError(message, hint='export the model again, or try another engine') from error
