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

"""``xspec register``: where RGB pixels lie on the thermal picture, from a drive."""

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
    EXIT_PARTIAL,
    JsonOption,
    Outcome,
    run_verb,
)
from xspec_ros.errors import ConfigError, DataError

if TYPE_CHECKING:
    from xspec_ros.bag.spread import DriveChoice
    from xspec_ros.core.registration import Registration, View
    from xspec_ros.core.sync import SyncSettings


def command(
    drive: Annotated[
        Path, typer.Argument(metavar='BAG_OR_DIR', help='A bag, or a data set folder of pairs.')
    ],
    *,
    out: Annotated[Path, typer.Option('--out', help='The rig file to write (YAML).')],
    pairs: Annotated[
        int, typer.Option(min=1, max=1000, help='Pairs to use, spread over the drive.')
    ] = 48,
    rgb: RgbOption = '',
    thermal: ThermalOption = '',
    slop_ms: SlopOption = 50.0,
    rgb_offset_ms: RgbOffsetOption = 0.0,
    thermal_offset_ms: ThermalOffsetOption = 0.0,
    fold: Annotated[str | None, typer.Option(help='Only this fold of a data set.')] = None,
    part: Annotated[str | None, typer.Option(help='Only this part of a data set.')] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure how the RGB camera of a rig lies on its thermal camera, and write it down.

    Nothing is written when the result cannot be trusted: exit 1. The residual is the median
    distance, in thermal pixels, of blocks of pairs that the homography was not fitted to.

    \b
    Examples:
      xspec register drive.mcap --out rig.yaml
      xspec register drive/ --out rig.yaml --rgb /cam/image_raw --thermal /boson/image_raw
      xspec register data/msrs --out rig.yaml --fold train_b --json
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        from xspec_ros.bag.spread import DriveChoice
        from xspec_ros.core.sync import SyncSettings

        if out.is_dir():
            message = f'{out} is a folder'
            raise ConfigError(message, hint='--out names the file to write')
        choice = DriveChoice(most=pairs, rgb=rgb, thermal=thermal, fold=fold, part=part)
        sync = SyncSettings(
            slop_ms=slop_ms, rgb_offset_ms=rgb_offset_ms, thermal_offset_ms=thermal_offset_ms
        )
        return _register(drive, out, choice, sync)

    run_verb(work, json_output=json_output, debug=debug)


def _register(drive: Path, out: Path, choice: DriveChoice, sync: SyncSettings) -> Outcome:
    from xspec_ros.cli.progress import progress_bar
    from xspec_ros.core.registration import count_steps, register
    from xspec_ros.core.rig import homography_rows, Rig, save_rig

    views = _read(drive, choice, sync)
    with progress_bar('registering', count_steps(len(views))) as step:
        found = register(views, step=step)
    data = _figures(found)
    if found.problem:
        return Outcome(
            data=data | {'path': None},
            error=DataError(f'{drive}: {found.problem}', hint=found.hint),
            exit_code=EXIT_PARTIAL,
        )
    rig = Rig(
        homography=homography_rows(found.homography),
        rgb_hw=found.rgb_hw,
        thermal_hw=found.thermal_hw,
        residual_px=round(found.residual_px, 3),
        pairs=found.pairs,
        source=drive.name,
    )
    save_rig(rig, out)
    return Outcome(data=data | {'path': str(out)}, text=_text(found, out))


def _read(drive: Path, choice: DriveChoice, sync: SyncSettings) -> list[View]:
    """Return the working copies of the pairs in which both pictures show something."""
    from xspec_ros.bag.spread import spread_pairs
    from xspec_ros.cli.progress import progress_bar
    from xspec_ros.core.registration import view_of

    views = []
    with progress_bar('reading', choice.most) as step:
        for sample in spread_pairs(drive, choice, sync):
            if sample.rgb is not None and sample.thermal is not None:
                views.append(view_of(sample.rgb, sample.thermal))
            step()
    return [view for view in views if view is not None]


def _figures(found: Registration) -> dict[str, object]:
    return {
        'homography': found.homography.tolist(),
        'residual_px': found.residual_px,
        'residual_p90_px': found.residual_p90_px,
        'pairs': found.pairs,
        'matches': found.matches,
        'blocks': found.blocks,
        'inliers': found.inliers,
        'beyond_chance': found.beyond_chance,
        'rgb_hw': found.rgb_hw,
        'thermal_hw': found.thermal_hw,
    }


def _text(found: Registration, out: Path) -> str:
    rows = '\n'.join(
        '  ' + ''.join(f'{value:>13.6g}' for value in row) for row in found.homography
    )
    return (
        f'{out}: RGB {found.rgb_hw[1]}x{found.rgb_hw[0]} to thermal '
        f'{found.thermal_hw[1]}x{found.thermal_hw[0]}\n{rows}\n'
        f'residual {found.residual_px:.2f} px (9 of 10 below {found.residual_p90_px:.2f} px): '
        f'{found.matches} blocks of {found.pairs} pairs, each in pairs held out from the fit\n'
        f'{found.inliers} of {found.blocks} blocks agree with the homography'
    )
