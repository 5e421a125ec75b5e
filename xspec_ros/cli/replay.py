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

"""``xspec replay``: the node's own pipeline over a bag, without ROS."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.output import DebugOption, JsonOption, Outcome, run_verb
from xspec_ros.cli.parameters import read_settings

if TYPE_CHECKING:
    from xspec_ros.bag.outcome import ReplayOutcome
    from xspec_ros.perception.settings import Settings


def command(
    bag: Annotated[Path, typer.Argument(metavar='BAG', help='A .mcap file or a bag folder.')],
    *,
    model: Annotated[str | None, typer.Option(help='Bundle folder or shipped name.')] = None,
    out: Annotated[
        Path | None, typer.Option(help='Folder for the results; BAG_replay by default.')
    ] = None,
    report: Annotated[bool, typer.Option(help='Write report.html.')] = True,
    overlay: Annotated[bool, typer.Option(help='Write overlay pictures.')] = True,
    engine: Annotated[str | None, typer.Option(help='Engine name, or auto.')] = None,
    precision: Annotated[str | None, typer.Option(help='Precision variant, or auto.')] = None,
    rate: Annotated[
        float | None,
        typer.Option(help='Speed, 1 as recorded: frames drop as live. Lock-step without it.'),
    ] = None,
    rgb: Annotated[str | None, typer.Option(help='Topic of the RGB camera.')] = None,
    thermal: Annotated[str | None, typer.Option(help='Topic of the thermal camera.')] = None,
    rig: Annotated[
        str | None, typer.Option(help='Registration of the cameras, for mode fused.')
    ] = None,
    mode: Annotated[str | None, typer.Option(help='thermal, fused or rgb.')] = None,
    config: Annotated[Path | None, typer.Option(help='YAML file of run-time parameters.')] = None,
    set_: Annotated[
        list[str] | None, typer.Option('--set', help='Any parameter, as key=value.')
    ] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Run perception over a bag; write results.mcap, summary.json and report.html.

    In lock-step every frame is answered, however slow the machine. With --rate frames come as
    they were recorded and the newest wins, as on a robot. Ground-truth topics in the bag are
    evaluated.

    \b
    Examples:
      xspec replay drive.mcap
      xspec replay drive/ --model out/model --out out/replay --json
      xspec replay drive.mcap --rate 1 --engine onnxruntime
      xspec replay drive.mcap --thermal /boson/image_raw --set score_threshold=0.5
      xspec replay drive.mcap --model out/fused --mode fused --rig rig.yaml
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        chosen = {
            'model': model,
            'engine': engine,
            'precision': precision,
            'mode': mode,
            'rig': rig,
            'rgb.topic': rgb,
            'thermal.topic': thermal,
        }
        settings = read_settings(chosen, config=config, overrides=set_ or ())
        return run_replay(
            bag, settings, out or default_out(bag), rate=rate, overlay=overlay, report=report
        )

    run_verb(work, json_output=json_output, debug=debug)


def default_out(bag: Path) -> Path:
    """Return the folder for the results of a bag, beside where the command runs."""
    return Path(f'{bag.resolve().name.removesuffix(".mcap")}_replay')


def run_replay(
    bag: Path,
    settings: Settings,
    out: Path,
    *,
    rate: float | None = None,
    overlay: bool = True,
    report: bool = True,
) -> Outcome:
    """Replay a bag and word the outcome.

    Args:
        bag: The bag.
        settings: Run-time parameters.
        out: Folder for the results.
        rate: Speed, None for lock-step.
        overlay: Write overlay pictures.
        report: Write the page.
    """
    from xspec_ros.bag.session import replay_bag, ReplayJob
    from xspec_ros.cli.progress import progress_bar

    job = ReplayJob(bag=bag, settings=settings, out=out, rate=rate, overlay=overlay, report=report)
    found = replay_bag(job, progress_bar)
    return Outcome(
        data=found.summary,
        text=summary_table(found),
        error=found.error,
        exit_code=found.exit_code,
    )


def summary_table(found: ReplayOutcome) -> str:
    """Return the one table that a person reads."""
    data = found.summary
    metrics = _mapping(data.get('metrics'))
    total = _mapping(_mapping(data.get('latency_ms')).get('total'))
    rows = [
        ('frames received', data.get('rgb' if data.get('mode') == 'rgb' else 'thermal')),
        ('answered', data.get('answered')),
        *(
            [('degraded', _with_causes(data.get('degraded'), data.get('degraded_by')))]
            if data.get('mode') == 'fused'
            else []
        ),
        ('rejected', _with_causes(data.get('rejected'), data.get('rejected_by'))),
        ('dropped', _with_causes(data.get('dropped'), data.get('dropped_by'))),
        ('pairs', data.get('pairs')),
        ('detections', data.get('detections')),
        ('frames a second', data.get('fps')),
        ('latency p50 / p99', f'{_round(total.get("p50"))} / {_round(total.get("p99"))} ms'),
        ('mIoU', _round(metrics.get('miou'), 3)),
        ('mAP50', _round(metrics.get('map50'), 3)),
        ('model', f'{data.get("model")} on {data.get("engine")} {data.get("precision")}'),
        ('written', f'{data.get("out")}: {", ".join(_texts(data.get("files")))}'),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f'{name.ljust(width)}  {value}' for name, value in rows]
    return '\n'.join([*lines, *(f'problem: {problem}' for problem in found.problems)])


def _with_causes(count: object, causes: object) -> str:
    told = ', '.join(f'{cause} {number}' for cause, number in _mapping(causes).items() if number)
    return f'{count} ({told})' if told else str(count)


def _round(value: object, digits: int = 1) -> str:
    return f'{value:.{digits}f}' if isinstance(value, int | float) else '-'


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
