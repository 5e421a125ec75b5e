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

"""``xspec bench``: latency, throughput and memory of a model on this machine's engines."""

from __future__ import annotations

from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.output import (
    DebugOption,
    EXIT_NOTHING,
    EXIT_PARTIAL,
    JsonOption,
    Outcome,
    run_verb,
)
from xspec_ros.cli.parameters import parse_mode, parse_size_hw
from xspec_ros.errors import XspecError

if TYPE_CHECKING:
    from xspec_ros.perception.bench import BenchResult


def command(
    model: Annotated[str, typer.Argument(help='Bundle folder or shipped name.')] = 'default',
    *,
    engine: Annotated[str, typer.Option(help='Engine name, several with commas, or all.')] = 'all',
    size: Annotated[str, typer.Option(help='Camera size, columns x rows.')] = '640x512',
    frames: Annotated[int, typer.Option(min=1, max=100_000, help='Frames to time.')] = 100,
    precision: Annotated[str, typer.Option(help='Precision variant, or auto.')] = 'auto',
    mode: Annotated[str, typer.Option(help='thermal, fused or rgb.')] = 'thermal',
    threads: Annotated[
        int, typer.Option(min=0, max=256, help="Threads of inference; 0: the engine's choice.")
    ] = 0,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Time the whole pipeline, 16-bit image message in, result messages out.

    Every engine runs in a process of its own, one after another, on the same frames. fps counts
    frames one after another, without overlap.

    \b
    Examples:
      xspec bench
      xspec bench default --engine openvino --size 640x480 --frames 300
      xspec bench out/model --engine all --precision int8 --json
      xspec bench out/fused --mode fused
    """  # noqa: D301 - click wants the character

    def work() -> Outcome:
        from xspec_ros.bundle.store import open_bundle
        from xspec_ros.engines.choice import available_engines
        from xspec_ros.perception.bench import bench_apart, BenchTask

        chosen_mode = parse_mode(mode)
        open_bundle(model)
        present = available_engines()
        chosen = [name for name, why in present.items() if why is None]
        if engine != 'all':
            chosen = [name.strip() for name in engine.split(',') if name.strip()]
        results: dict[str, BenchResult] = {}
        errors: dict[str, XspecError] = {}
        for name in chosen:
            task = BenchTask(
                model=model,
                engine=name,
                precision=precision,
                size_hw=parse_size_hw(size),
                frames=frames,
                threads=threads,
                mode=chosen_mode,
            )
            try:
                results[name] = bench_apart(task)
            except XspecError as error:
                errors[name] = error
        return _outcome(
            results, errors, {'size': size, 'frames': frames, 'model': model, 'mode': mode}
        )

    run_verb(work, json_output=json_output, debug=debug)


def _outcome(
    results: dict[str, BenchResult], errors: dict[str, XspecError], head: dict[str, object]
) -> Outcome:
    data: dict[str, object] = {
        'engines': {
            name: {
                'latency_ms': result.latency_ms,
                'fps': result.fps,
                'cpu_s_per_frame': result.cpu_s_per_frame,
                'rss_mb': result.rss_mb,
                'precision': result.precision,
            }
            for name, result in results.items()
        },
        'failed': {name: str(error) for name, error in errors.items()},
        **head,
    }
    outcome = Outcome(data=data, text=_text(results, head))
    if errors:
        outcome.error = next(iter(errors.values()))
        outcome.exit_code = EXIT_PARTIAL if results else EXIT_NOTHING
    return outcome


def _text(results: dict[str, BenchResult], head: dict[str, object]) -> str:
    lines = [
        f'{head["model"]}, mode {head["mode"]}, {head["size"]}, {head["frames"]} frames; '
        'p50 (p99) in ms',
        f'{"engine":<12} {"prec":<5} {"decode":>14} {"infer":>16} {"encode":>14} {"total":>16} '
        f'{"fps":>7} {"cpu s":>7} {"MiB":>6}',
    ]
    for name, result in results.items():
        cells = [
            _milliseconds(result.latency_ms[stage])
            for stage in ('decode', 'infer', 'encode', 'total')
        ]
        lines.append(
            f'{name:<12} {result.precision:<5} {cells[0]:>14} {cells[1]:>16} {cells[2]:>14} '
            f'{cells[3]:>16} {result.fps:>7.1f} {result.cpu_s_per_frame:>7.4f} '
            f'{result.rss_mb:>6.0f}'
        )
    return '\n'.join(lines)


def _milliseconds(stage: dict[str, float | None]) -> str:
    p50, p99 = stage['p50'], stage['p99']
    return '-' if p50 is None or p99 is None else f'{p50:.2f} ({p99:.2f})'
