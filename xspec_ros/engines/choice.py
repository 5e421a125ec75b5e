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

"""Choose and open an engine: what is present, what was verified, what was asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
import logging
from typing import cast, Protocol, TYPE_CHECKING

from xspec_ros.engines.machine import fast_int8, has_nvidia
from xspec_ros.errors import EngineError

if TYPE_CHECKING:
    from xspec_ros.bundle.store import Bundle
    from xspec_ros.core.result import Mode
    from xspec_ros.engines.engine import Engine

LOGGER = logging.getLogger(__name__)

ENGINES: dict[str, tuple[str, str]] = {
    'onnxruntime': ('xspec_ros.engines.onnxruntime', 'OnnxRuntimeEngine'),
    'openvino': ('xspec_ros.engines.openvino', 'OpenVinoEngine'),
    'torch': ('xspec_ros.engines.torch', 'TorchEngine'),
    'tensorrt': ('xspec_ros.engines.tensorrt', 'TensorRtEngine'),
}
"""Module and class of each engine; the runtime is imported only when it is opened."""

NEEDS: dict[str, tuple[tuple[str, ...], str]] = {
    'onnxruntime': (('onnxruntime',), "pip install 'xspec_ros'"),
    'openvino': (('openvino',), "pip install 'xspec_ros[openvino]'"),
    'torch': (('torch', 'safetensors'), "pip install 'xspec_ros[train]'"),
    'tensorrt': (('tensorrt', 'cuda'), "pip install 'xspec_ros[tensorrt]'"),
}
"""Packages each engine imports, and the command that adds them."""

LOWER = ('int8', 'fp16')


class _Opener(Protocol):
    def __call__(
        self, bundle: Bundle, *, precision: str, mode: Mode, threads: int | None
    ) -> Engine: ...


# Threads that they make while they open do no inference, so they may be made at low priority;
# onnxruntime's worker threads would keep that priority (measured).
OPENS_QUIETLY = frozenset({'openvino'})


def available_engines() -> dict[str, str | None]:
    """Return, for every engine, None where it can run, else what is missing and how to add it."""
    answer: dict[str, str | None] = {}
    for name, (packages, command) in NEEDS.items():
        missing = [package for package in packages if find_spec(package) is None]
        if missing:
            answer[name] = f'{", ".join(missing)} not installed: {command}'
        elif name == 'tensorrt' and not has_nvidia():
            answer[name] = 'no NVIDIA device here'
        else:
            answer[name] = None
    return answer


def open_engine(
    bundle: Bundle,
    *,
    name: str = 'auto',
    precision: str = 'auto',
    mode: Mode = 'thermal',
    threads: int | None = None,
) -> Engine:
    """Open the engine asked for, or the best one here that passed verification.

    A precision below fp32 runs only on engines it was verified on when the bundle was made.

    Args:
        bundle: An opened bundle.
        name: Engine name, or ``auto``.
        precision: ``fp32``, ``fp16``, ``int8``, or ``auto``: the fastest that passed.
        mode: Which graph.
        threads: Threads of inference; None for the engine's choice.

    Raises:
        EngineError: Unknown, missing, not verified, or failing at start-up.
        BundleError: The bundle has no graph for this mode or precision.
    """
    if threads is not None and threads < 1:
        message = f'threads = {threads}'
        raise EngineError(message, hint='at least 1, or leave it out')
    name, precision = choose(bundle, name=name, precision=precision, mode=mode)
    LOGGER.debug('engine %s, precision %s, mode %s', name, precision, mode)
    return start_engine(bundle, name=name, precision=precision, mode=mode, threads=threads)


def start_engine(
    bundle: Bundle, *, name: str, precision: str, mode: Mode, threads: int | None
) -> Engine:
    """Open exactly this engine, verified or not: for verification itself and for benchmarks.

    Raises:
        EngineError: Unknown, missing, or failing at start-up.
        BundleError: The bundle has no such graph.
    """
    _check_present(name, available_engines())
    bundle.graph_path(mode, precision)
    module, cls = ENGINES[name]
    opener = cast('_Opener', getattr(import_module(module), cls))
    return opener(bundle, precision=precision, mode=mode, threads=threads)


def choose(bundle: Bundle, *, name: str, precision: str, mode: Mode) -> tuple[str, str]:
    """Return engine name and precision for what was asked; see ``open_engine``."""
    if precision != 'auto':
        bundle.graph_path(mode, precision)
    present = available_engines()
    if name != 'auto':
        _check_present(name, present)
        candidates = [name]
    else:
        candidates = [item for item in preference() if present[item] is None]
    for candidate in candidates:
        for variant in _precisions(bundle, candidate, precision):
            if _passed(bundle, candidate, variant):
                return candidate, variant
    return _unverified(bundle, candidates, precision, name)


def preference() -> tuple[str, ...]:
    """Return engine names, fastest expected first on this machine."""
    if has_nvidia():
        return ('tensorrt', 'onnxruntime', 'torch', 'openvino')
    return ('openvino', 'onnxruntime', 'torch')


def _precisions(bundle: Bundle, engine: str, asked: str) -> list[str]:
    if asked != 'auto':
        return [asked]
    on_gpu = has_nvidia() and engine != 'openvino'
    lower = 'fp16' if on_gpu else 'int8' if fast_int8() else ''
    return [item for item in (lower, 'fp32') if item in bundle.manifest.precisions]


def _passed(bundle: Bundle, engine: str, precision: str) -> bool:
    verified = bundle.manifest.precisions[precision].verified.get(engine)
    return verified is not None and verified.ok


def _check_present(name: str, present: dict[str, str | None]) -> None:
    if name not in ENGINES:
        message = f'unknown engine {name!r}'
        raise EngineError(message, hint=f'known: auto, {", ".join(sorted(ENGINES))}')
    reason = present[name]
    if reason is not None:
        here = [item for item, why in present.items() if why is None]
        message = f'engine {name!r} cannot run here: {reason}'
        raise EngineError(message, hint=f'engines present: {", ".join(here) or "none"}')


def _unverified(
    bundle: Bundle, candidates: list[str], precision: str, name: str
) -> tuple[str, str]:
    """Fall back to fp32 on an engine that was absent at export; never to one that failed."""
    for candidate in candidates:
        if precision in ('auto', 'fp32'):
            verified = bundle.manifest.precisions['fp32'].verified.get(candidate)
            if verified is None:
                LOGGER.warning(
                    'engine %s was not verified when %s was made; running fp32',
                    candidate,
                    bundle.manifest.name,
                )
                return candidate, 'fp32'
    message = (
        f'no engine here passed verification of {bundle.path} at {precision!r} (asked: {name})'
    )
    raise EngineError(message, hint=f'present: {", ".join(candidates) or "none"}; try fp32')
