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

"""torch: the network itself with its weights; the reference the others are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safetensors import SafetensorError
from safetensors.torch import load
import torch

from xspec_ros.engines.arrays import graph_inputs, graph_output
from xspec_ros.engines.engine import GraphOutput, INPUTS
from xspec_ros.errors import ConfigError, EngineError
from xspec_ros.learn.models import build_network, graphs
from xspec_ros.learn.models.deploy import deploy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Mode
    from xspec_ros.learn.models.deploy import DeployGraph

PRECISIONS = ('fp32', 'fp16')


class TorchEngine:
    """The deployable graph in torch, on CUDA where there is a device.

    Args:
        bundle: An opened bundle.
        precision: ``fp32``, or ``fp16`` on CUDA.
        mode: Which graph.
        threads: Threads on the CPU, for the whole process; None leaves torch's choice.
    """

    name = 'torch'

    def __init__(
        self, bundle: Bundle, *, precision: str, mode: Mode, threads: int | None = None
    ) -> None:
        bundle.graph_path(mode, precision)
        if precision not in PRECISIONS:
            message = f'the torch engine has no precision {precision!r}'
            raise EngineError(message, hint='use onnxruntime or openvino')
        if precision == 'fp16' and not torch.cuda.is_available():
            message = 'the torch engine runs fp16 on CUDA only'
            raise EngineError(message, hint='use fp32 here: half precision is slow on a CPU')
        if threads:
            torch.set_num_threads(threads)
        self.precision = precision
        self.mode: Mode = mode
        self._device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        if self._device.type == 'cuda':
            torch.backends.cudnn.allow_tf32 = False  # fp32 as verified, not 10-bit products
        self._graph = _load(bundle, mode, half=precision == 'fp16').to(self._device)

    @property
    def device(self) -> str:
        """``cuda`` or ``cpu``."""
        return self._device.type

    def infer(
        self, thermal: UInt8Array | None, rgb: UInt8Array | None, tone: tuple[float, float]
    ) -> GraphOutput:
        """Run one frame; see ``Engine.infer``."""
        feeds = graph_inputs(INPUTS[self.mode], thermal=thermal, rgb=rgb, tone=tone)
        try:
            with torch.inference_mode():
                tensors = [_tensor(feeds[name]).to(self._device) for name in INPUTS[self.mode]]
                arrays = [out.cpu().numpy() for out in self._graph(*tensors)]
        except RuntimeError as error:
            message = f'torch failed: {str(error).strip().splitlines()[0][:300]}'
            raise EngineError(message, hint='try another engine') from error
        return graph_output(arrays)

    def close(self) -> None:
        """Free the network."""
        del self._graph


def _tensor(array: NDArray[np.generic]) -> torch.Tensor:
    """Return a view; a read-only picture (a message's own bytes) is copied, torch warns else."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _load(bundle: Bundle, mode: Mode, *, half: bool) -> DeployGraph:
    manifest = bundle.manifest
    try:
        network = build_network(manifest.network.name, manifest.network.arguments)
        # bytes, not the path: no file stays mapped while a bundle is replaced
        network.load_state_dict(load(bundle.weights_path.read_bytes()))
    except (ConfigError, RuntimeError, SafetensorError) as error:
        message = f'weights of {bundle.path} do not fit network {manifest.network.name!r}: {error}'
        raise EngineError(message, hint='export the model again with this package') from error
    part = graphs(network, manifest.input.camera)[mode]
    graph = deploy(part, mode, manifest.input.network_hw, half=half)
    for weight in graph.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return graph
