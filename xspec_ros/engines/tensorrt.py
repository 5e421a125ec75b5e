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

"""TensorRT on NVIDIA devices, against its public Python API (10 and up).

Written from the documentation: this file has never run, since TensorRT's libraries were not to be
had where it was made. The first start builds a plan from the ONNX file, which takes minutes; the
plan is cached for this GPU, TensorRT version and graph.
"""

from __future__ import annotations

import hashlib
from importlib import import_module
import logging
import os
from pathlib import Path
from typing import Any, TYPE_CHECKING

import numpy as np
import tensorrt as trt

from xspec_ros.engines.arrays import check_names, graph_inputs, graph_output
from xspec_ros.engines.engine import GraphOutput, OUTPUT_NAMES
from xspec_ros.errors import EngineError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.frame import UInt8Array
    from xspec_ros.core.result import Mode

LOGGER = logging.getLogger(__name__)

SMALLEST = (1, 120, 160, 1)
USUAL = (1, 512, 640, 2)
LARGEST = (1, 1024, 1280, 2)
COLOURS = 3
WORKSPACE_BYTES = 1 << 30


class TensorRtEngine:
    """One plan with its device memory.

    Args:
        bundle: An opened bundle.
        precision: ``fp32``, ``fp16`` or ``int8``: which graph, and what the builder may use.
        mode: Which graph.
        threads: Not used: the GPU schedules itself.
    """

    name = 'tensorrt'

    def __init__(
        self, bundle: Bundle, *, precision: str, mode: Mode, threads: int | None = None
    ) -> None:
        del threads
        self.precision = precision
        self.mode: Mode = mode
        self._cuda = _Cuda()
        graph = bundle.graph_path(mode, precision).read_bytes()
        logger = trt.Logger(trt.Logger.WARNING)
        plan = _cached_plan(graph, precision, self._cuda.device_key(), logger)
        self._engine = trt.Runtime(logger).deserialize_cuda_engine(plan)
        if self._engine is None:
            message = f'TensorRT cannot load the plan of {bundle.path}'
            raise EngineError(message, hint=f'remove {cache_folder()} and start again')
        self._context = self._engine.create_execution_context()
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        is_input = trt.TensorIOMode.INPUT
        self._inputs = [n for n in names if self._engine.get_tensor_mode(n) == is_input]
        outputs = [n for n in names if n not in self._inputs]
        check_names(self._inputs, outputs, str(bundle.path), mode=mode)
        self._memory: dict[str, tuple[int, int]] = {}

    def infer(
        self, thermal: UInt8Array | None, rgb: UInt8Array | None, tone: tuple[float, float]
    ) -> GraphOutput:
        """Run one frame; see ``Engine.infer``."""
        feeds = graph_inputs(self._inputs, thermal=thermal, rgb=rgb, tone=tone)
        for name, array in feeds.items():
            if not self._context.set_input_shape(name, array.shape):
                message = f'{name} of shape {array.shape} lies outside the plan'
                raise EngineError(message, hint=f'sizes up to {LARGEST[2]}x{LARGEST[1]}')
            self._context.set_tensor_address(name, self._room(name, array.nbytes))
            self._cuda.upload(self._memory[name][0], array)
        arrays = []
        for name in OUTPUT_NAMES:
            shape = tuple(self._context.get_tensor_shape(name))
            host = np.empty(shape, trt.nptype(self._engine.get_tensor_dtype(name)))
            self._context.set_tensor_address(name, self._room(name, host.nbytes))
            arrays.append(host)
        if not self._context.execute_async_v3(self._cuda.stream):
            message = 'TensorRT did not run the frame'
            raise EngineError(message, hint='try another engine')
        for name, host in zip(OUTPUT_NAMES, arrays, strict=True):
            self._cuda.download(host, self._memory[name][0])
        self._cuda.wait()
        return graph_output(arrays)

    def close(self) -> None:
        """Free the device memory and the plan."""
        for address, _ in self._memory.values():
            self._cuda.free(address)
        self._memory.clear()
        self._cuda.close()
        del self._context, self._engine

    def _room(self, name: str, size: int) -> int:
        """Return device memory of at least this many bytes; it only ever grows."""
        address, have = self._memory.get(name, (0, 0))
        if have < size:
            if address:
                self._cuda.free(address)
            address = self._cuda.allocate(size)
            self._memory[name] = (address, size)
        return address


class _Cuda:
    """The few calls of the CUDA runtime that an engine needs, with errors raised."""

    def __init__(self) -> None:
        self._api: Any = import_module('cuda.bindings.runtime')
        self.stream: int = int(self._call(self._api.cudaStreamCreate()))

    def device_key(self) -> str:
        """Return what tells GPUs with different plans apart."""
        index = self._call(self._api.cudaGetDevice())
        facts = self._call(self._api.cudaGetDeviceProperties(index))
        return f'{bytes(facts.name).decode(errors="replace")} {facts.major}.{facts.minor}'

    def allocate(self, size: int) -> int:
        """Return the address of new device memory."""
        return int(self._call(self._api.cudaMalloc(size)))

    def free(self, address: int) -> None:
        """Give device memory back."""
        self._call(self._api.cudaFree(address))

    def upload(self, address: int, array: NDArray[np.generic]) -> None:
        """Copy an array to the device, in stream order."""
        kind = self._api.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(address, array.ctypes.data, array.nbytes, kind)

    def download(self, array: NDArray[np.generic], address: int) -> None:
        """Copy from the device into an array, in stream order."""
        kind = self._api.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(array.ctypes.data, address, array.nbytes, kind)

    def wait(self) -> None:
        """Wait for the stream."""
        self._call(self._api.cudaStreamSynchronize(self.stream))

    def close(self) -> None:
        """Destroy the stream."""
        self._call(self._api.cudaStreamDestroy(self.stream))

    def _copy(self, target: int, source: int, size: int, kind: object) -> None:
        self._call(self._api.cudaMemcpyAsync(target, source, size, kind, self.stream))

    def _call(self, answer: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever CUDA returns
        error, *values = answer
        if error != self._api.cudaError_t.cudaSuccess:
            message = f'CUDA failed: {error}'
            raise EngineError(message, hint='xspec doctor shows the GPU and its driver')
        return values[0] if values else None


def cache_folder() -> Path:
    """Return where plans are kept, following the XDG rule."""
    root = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(root) / 'xspec_ros' / 'tensorrt'


def _cached_plan(graph: bytes, precision: str, device: str, logger: trt.Logger) -> bytes:
    key = hashlib.sha256(graph)
    key.update(f'{trt.__version__} {device} {precision} {SMALLEST} {LARGEST}'.encode())
    place = cache_folder() / f'{key.hexdigest()}.plan'
    if place.is_file():
        return place.read_bytes()
    LOGGER.info('building a TensorRT plan for %s; this takes minutes, once', device)
    plan = build_plan(graph, precision, logger)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_suffix(f'.{os.getpid()}')
        partial.write_bytes(plan)
        partial.replace(place)
    except OSError as error:
        LOGGER.warning('the plan cannot be kept in %s: %s', place.parent, error)
    return plan


def build_plan(graph: bytes, precision: str, logger: trt.Logger) -> bytes:
    """Build a plan from an ONNX file.

    Args:
        graph: The ONNX file.
        precision: What the builder may use beside float32; TF32 is never used, as it was not
            verified.
        logger: TensorRT's logger.

    Raises:
        EngineError: TensorRT cannot parse or build the graph.
    """
    builder = trt.Builder(logger)
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph):
        reasons = [str(parser.get_error(i).desc()) for i in range(parser.num_errors)]
        message = f'TensorRT cannot read the graph: {"; ".join(reasons)[:300]}'
        raise EngineError(message, hint='use onnxruntime with its CUDA provider')
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    config.clear_flag(trt.BuilderFlag.TF32)
    if precision in ('fp16', 'int8'):
        config.set_flag(trt.BuilderFlag.FP16 if precision == 'fp16' else trt.BuilderFlag.INT8)
    profile = builder.create_optimization_profile()
    names = [network.get_input(index).name for index in range(network.num_inputs)]
    for name in sorted({'thermal', 'rgb'} & set(names)):
        profile.set_shape(
            name, *(_camera_shape(name, size) for size in (SMALLEST, USUAL, LARGEST))
        )
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        message = 'TensorRT cannot build a plan of the graph'
        raise EngineError(message, hint='use onnxruntime with its CUDA provider')
    return bytes(plan)


def _camera_shape(name: str, thermal: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of a camera's input where the thermal one is this."""
    return thermal if name == 'thermal' else (*thermal[:3], COLOURS)
