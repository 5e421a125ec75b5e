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

"""``xspec adapt``: a deployed model and its robot's unlabelled drive in, a better model out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.bag import (
    RgbOffsetOption,
    RgbOption,
    SlopOption,
    ThermalOffsetOption,
    ThermalOption,
)
from xspec_ros.cli.output import (
    DebugOption,
    EXIT_NOTHING,
    EXIT_PARTIAL,
    JsonOption,
    Outcome,
    run_verb,
)
from xspec_ros.errors import ConfigError, DataError, XspecError

if TYPE_CHECKING:
    from xspec_ros.learn.adapt import AdaptJob, GuardChoice


def command(
    drives: Annotated[
        list[Path],
        typer.Argument(metavar='BAG_OR_DIR', help='Drives of one robot: bags, data set folders.'),
    ],
    *,
    from_model: Annotated[
        str, typer.Option('--from', help='The deployed thermal model: bundle folder or name.')
    ],
    out: Annotated[Path, typer.Option('--out', help='Folder of the new model.')],
    minutes: Annotated[float, typer.Option(help='Time for everything.')] = 10.0,
    guard: Annotated[
        Path | None,
        typer.Option(help='Labelled data set that the new model must not be worse on.'),
    ] = None,
    fold: Annotated[str | None, typer.Option(help='Only this fold of --guard.')] = None,
    part: Annotated[str | None, typer.Option(help='Only this part of --guard.')] = None,
    teacher: Annotated[
        str | None, typer.Option(help='RGB model to learn from by day: bundle or run folder.')
    ] = None,
    rig: Annotated[
        Path | None, typer.Option(help='Rig file (xspec register); else it is estimated.')
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help='Keep the chosen frames and the run in this folder.')
    ] = None,
    rgb: RgbOption = '',
    thermal: ThermalOption = '',
    slop_ms: SlopOption = 50.0,
    rgb_offset_ms: RgbOffsetOption = 0.0,
    thermal_offset_ms: ThermalOffsetOption = 0.0,
    settings: Annotated[
        list[str] | None, typer.Option('--set', help='Change a setting: key=value.')
    ] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Adapt a deployed model to a camera from its own drive, without labels and source data.

    The new model is measured against the old one on frames that were kept aside, and on --guard
    where there is one. Unless it is as good, nothing is written: exit 1, and the reason.

    \b
    Examples:
      xspec adapt drive.mcap --from default --out models/mine
      xspec adapt monday/ tuesday/ --from models/mine --out models/better --minutes 60
      xspec adapt drive.mcap --from default --out models/mine --guard labelled/ --fold val
      xspec adapt drive.mcap --from default --out models/mine --set frames=300 --json
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work_on() -> Outcome:
        from xspec_ros.cli.export import check_installed
        from xspec_ros.core.rig import load_rig
        from xspec_ros.core.sync import SyncSettings

        check_installed()
        from xspec_ros.learn.adapt import AdaptJob, DriveOptions, settings_with

        sync = SyncSettings(
            slop_ms=slop_ms, rgb_offset_ms=rgb_offset_ms, thermal_offset_ms=thermal_offset_ms
        )
        job = AdaptJob(
            drives=tuple(drives),
            model=from_model,
            out=out,
            minutes=minutes,
            guard=_guard(guard, fold, part),
            teacher=teacher,
            rig=None if rig is None else load_rig(rig),
            work=work,
            options=DriveOptions(rgb=rgb, thermal=thermal, sync=sync),
            settings=settings_with(settings or ()),
        )
        return _adapt(job, debug=debug)

    run_verb(work_on, json_output=json_output, debug=debug)


def _adapt(job: AdaptJob, *, debug: bool) -> Outcome:
    """Do it; what was achieved is told however it ends."""
    from xspec_ros.cli.progress import progress_bar
    from xspec_ros.cli.signals import interrupt_on_term
    from xspec_ros.learn.adapt import adapt, AdaptReport

    report = AdaptReport()
    error: XspecError | None = None
    code = EXIT_PARTIAL
    try:
        with interrupt_on_term():
            adapt(job, report, progress_bar)
    except KeyboardInterrupt:
        error = XspecError('stopped by Ctrl-C', hint=f'nothing was written to {job.out}')
        report.reason = error.message
    except XspecError as problem:
        if debug:
            raise
        error, report.reason = problem, problem.message
        code = EXIT_NOTHING if report.before is None else EXIT_PARTIAL
    data = report.as_json()
    if error is not None:
        return Outcome(data=data, error=error, exit_code=code)
    if report.accepted:
        return Outcome(data=data, text=report.as_text())
    refused = DataError(f'refused: {report.reason}', hint='the old model stays as it is')
    return Outcome(data=data, text=report.as_text(), error=refused, exit_code=EXIT_PARTIAL)


def _guard(path: Path | None, fold: str | None, part: str | None) -> GuardChoice | None:
    from xspec_ros.learn.adapt import GuardChoice

    if path is not None:
        return GuardChoice(path=path, fold=fold, part=part)
    if fold is not None or part is not None:
        message = '--fold or --part without --guard'
        raise ConfigError(message, hint='they choose of the labelled data set')
    return None
