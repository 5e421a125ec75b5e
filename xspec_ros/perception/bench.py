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

"""How fast this machine is: the whole pipeline on each engine, in a process of its own."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
import multiprocessing
import resource
import sys
from time import perf_counter, perf_counter_ns, process_time
from typing import TYPE_CHECKING

import numpy as np

from xspec_ros.core.health import LatencyRecorder
from xspec_ros.errors import EngineError
from xspec_ros.messages.image import encode_image
from xspec_ros.messages.topics import IMAGE_TYPE
from xspec_ros.perception.pipeline import open_pipeline
from xspec_ros.perception.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.core.frame import Modality
    from xspec_ros.core.result import Mode
    from xspec_ros.perception.pipeline import Pipeline

WARM_UP = 8
PICTURES = 6
PERIOD_NS = 33_333_333
CAMERAS: dict[Mode, tuple[Modality, ...]] = {
    'thermal': ('thermal',),
    'fused': ('rgb', 'thermal'),  # RGB first: the thermal frame completes the pair
    'rgb': ('rgb',),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchTask:
    """What to measure.

    Attributes:
        model: Bundle folder or shipped name.
        engine: Engine name.
        precision: Precision variant, or ``auto``.
        size_hw: Rows and columns of the camera.
        frames: Frames to time.
        threads: Threads of inference, 0 for the engine's choice.
        mode: Which graph answers.
    """

    model: str
    engine: str
    precision: str
    size_hw: tuple[int, int]
    frames: int
    threads: int
    mode: Mode = 'thermal'


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """What one engine needs.

    Attributes:
        precision: Variant that ran.
        latency_ms: p50, p95, p99, max, mean of each stage.
        fps: Frames a second, one after another.
        cpu_s_per_frame: Processor seconds a frame, all threads.
        rss_mb: Largest memory of the process, MiB.
    """

    precision: str
    latency_ms: dict[str, dict[str, float | None]]
    fps: float
    cpu_s_per_frame: float
    rss_mb: float


def bench_apart(task: BenchTask) -> BenchResult:
    """Measure in a fresh process, so that memory and threads of engines do not mix.

    Raises:
        EngineError: The engine failed or its process died.
        BundleError: The bundle is no good.
    """
    context = multiprocessing.get_context('spawn')
    try:
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            return pool.submit(bench, task).result()
    except BrokenProcessPool as error:
        message = f'the process of engine {task.engine!r} died'
        raise EngineError(message, hint='too little memory, or a broken installation') from error


def bench(task: BenchTask) -> BenchResult:
    """Measure in this process.

    Raises:
        EngineError: The engine is missing or failed.
        BundleError: The bundle is no good.
    """
    pipeline = open_pipeline(
        Settings(
            model=task.model,
            engine=task.engine,
            precision=task.precision,
            threads=task.threads,
            mode=task.mode,
        )
    )
    try:
        cameras = CAMERAS[task.mode]
        messages = [
            camera_messages(task.size_hw, WARM_UP + task.frames, source=source)
            for source in cameras
        ]
        frames = list(zip(*messages, strict=True))
        for frame in frames[:WARM_UP]:
            _answer(pipeline, cameras, frame)
        pipeline.latency = LatencyRecorder()
        wall, cpu = perf_counter(), process_time()
        for frame in frames[WARM_UP:]:
            _answer(pipeline, cameras, frame)
        wall, cpu = perf_counter() - wall, process_time() - cpu
        return BenchResult(
            precision=pipeline.perception.engine.precision,
            latency_ms=pipeline.latency.summary(),
            fps=round(task.frames / wall, 2),
            cpu_s_per_frame=round(cpu / task.frames, 5),
            rss_mb=round(_peak_mib(), 1),
        )
    finally:
        pipeline.close()


def camera_messages(
    size_hw: tuple[int, int], count: int, *, source: Modality = 'thermal'
) -> list[bytes]:
    """Return images as CDR, 30 a second; a few pictures over and over.

    Args:
        size_hw: Rows and columns.
        count: Images.
        source: 16-bit thermal or 8-bit RGB ones.
    """
    rng = np.random.default_rng(0)
    height, width = size_hw
    ramp = np.linspace(7000, 9000, width, dtype=np.float32)[None, :]
    pictures = [
        (ramp + rng.normal(0, 60, (height, width)) + 40 * index).astype(np.uint16)
        for index in range(PICTURES)
    ]
    encoding = 'mono16'
    if source == 'rgb':
        encoding = 'rgb8'
        pictures = [
            np.repeat((image >> 6).astype(np.uint8)[..., None], 3, 2) for image in pictures
        ]
    return [
        encode_image(
            pictures[index % PICTURES],
            stamp_ns=(index + 1) * PERIOD_NS,
            frame_id=source,
            encoding=encoding,
        )
        for index in range(count)
    ]


def _answer(pipeline: Pipeline, cameras: Sequence[Modality], frame: Sequence[bytes]) -> None:
    for source, message in zip(cameras, frame, strict=True):
        works = pipeline.accept(source, IMAGE_TYPE, message, received_ns=perf_counter_ns())
        for work in works:
            pipeline.run(work)


def _peak_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == 'darwin' else 1 << 10)
