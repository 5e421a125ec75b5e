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

"""``xspec live``: perception on a live DDS graph, without a ROS installation."""

from __future__ import annotations

import logging
from pathlib import Path
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
from xspec_ros.cli.parameters import read_settings
from xspec_ros.cli.signals import stop_on_signals
from xspec_ros.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xspec_ros.dds.live import LiveReport
    from xspec_ros.perception.notices import Notice
    from xspec_ros.perception.settings import Settings

log = logging.getLogger('xspec')

DDS_HINT = "add it with: pip install -c constraints.txt '.[dds]' (in the checkout)"


def command(
    *,
    domain: Annotated[
        int | None, typer.Option(help='DDS domain.', show_default='ROS_DOMAIN_ID, else 0')
    ] = None,
    rgb: Annotated[str | None, typer.Option(help='Topic of the RGB images.')] = None,
    thermal: Annotated[str | None, typer.Option(help='Topic of the thermal images.')] = None,
    model: Annotated[str | None, typer.Option(help='Bundle folder or shipped name.')] = None,
    rig: Annotated[
        str | None, typer.Option(help='Registration of the cameras, for mode fused.')
    ] = None,
    mode: Annotated[str | None, typer.Option(help='thermal, fused or rgb.')] = None,
    engine: Annotated[str | None, typer.Option(help='Inference engine.')] = None,
    seconds: Annotated[float | None, typer.Option(help='End after this time.', min=0.0)] = None,
    frames: Annotated[int | None, typer.Option(help='End after this many answers.', min=1)] = None,
    config: Annotated[Path | None, typer.Option(help='YAML file of run-time parameters.')] = None,
    overrides: Annotated[
        list[str] | None, typer.Option('--set', help='One parameter, as key=value.')
    ] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Join a live ROS 2 graph over DDS and publish segmentation and detections.

    Ends by --seconds, --frames or Ctrl-C and then prints its summary.

    \b
    Examples:
      xspec live
      xspec live --domain 7 --thermal /boson/image_raw --rgb /camera/image_raw
      xspec live --frames 1000 --json
      xspec live --model out/fused --mode fused --rig rig.yaml
      xspec live --set thermal.transport=compressed --set score_threshold=0.4
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        chosen = {
            'rgb.topic': rgb,
            'thermal.topic': thermal,
            'model': model,
            'mode': mode,
            'rig': rig,
            'engine': engine,
        }
        settings = read_settings(chosen, config=config, overrides=overrides or ())
        return _run(settings, domain=domain, seconds=seconds, frames=frames)

    run_verb(work, json_output=json_output, debug=debug)


def _run(
    settings: Settings, *, domain: int | None, seconds: float | None, frames: int | None
) -> Outcome:
    try:
        from xspec_ros.dds.live import live
        from xspec_ros.perception.memory import settle_memory
    except ImportError as error:
        message = f'the DDS door needs cyclonedds: {error}'
        raise ConfigError(message, hint=DDS_HINT) from error

    settle_memory()
    with stop_on_signals() as stop:
        report = live(
            settings,
            domain=domain,
            seconds=seconds,
            frames=frames,
            stop=stop.event,
            on_notice=tell,
        )
    return _outcome(report, interrupted=stop.signalled)


def tell(notice: Notice) -> None:
    """Put a notice on stderr."""
    level = {'info': logging.INFO, 'warning': logging.WARNING, 'error': logging.ERROR}
    log.log(level[notice.level], '%s', notice.text)


def _outcome(report: LiveReport, *, interrupted: bool) -> Outcome:
    summary = report.summary
    outcome = Outcome(data=summary, text=_text(summary))
    if report.failure is not None:
        outcome.error = report.failure
        outcome.exit_code = EXIT_PARTIAL if summary['answered'] else EXIT_NOTHING
    elif not (summary['answered'] or summary['rgb_alone']) and not interrupted:
        outcome.error = DataError(
            _reason(report.notices), hint='see docs/dds.md, "Nothing arrives"'
        )
        outcome.exit_code = EXIT_NOTHING
    return outcome


def _reason(notices: Sequence[Notice]) -> str:
    """Return the last error that was told, else the last warning."""
    for level in ('error', 'warning'):
        texts = [notice.text for notice in notices if notice.level == level]
        if texts:
            return texts[-1]
    return 'no thermal frame could be answered'


def _text(summary: dict[str, object]) -> str:
    lines = [
        f'{summary["answered"]} of {summary["thermal"]} thermal frames answered, '
        f'{summary["pairs"]} pairs, {summary["detections"]} detections, {summary["fps"]} fps',
        f'dropped {summary["dropped"]} {summary["dropped_by"]}, '
        f'rejected {summary["rejected"]} {summary["rejected_by"]}, missed {summary["missed"]}',
    ]
    return '\n'.join(lines)
