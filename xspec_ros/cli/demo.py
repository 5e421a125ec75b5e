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

"""``xspec demo``: the main job on an embedded synthetic drive, from bag to report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.output import DebugOption, JsonOption, Outcome, run_verb
from xspec_ros.cli.parameters import read_settings
from xspec_ros.cli.replay import run_replay
from xspec_ros.cli.synth import write_drive

if TYPE_CHECKING:
    from xspec_ros.synth import DriveSettings

DRIVE = 'drive.mcap'
RATE_HZ = 10.0
SEED = 7


def command(
    *,
    out: Annotated[Path, typer.Option(help='Folder for drive and results.')] = Path('xspec_demo'),
    model: Annotated[str, typer.Option(help='Bundle folder or shipped name.')] = 'default',
    frames: Annotated[int, typer.Option(help='Frames, half by day and half at night.')] = 80,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Synthesise a short drive by day and night and run the shipped model over it.

    Writes drive.mcap (two cameras and ground truth), results.mcap (segmentation, detections,
    overlay), summary.json and report.html.

    \b
    Examples:
      xspec demo
      xspec demo --out /tmp/demo --json
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        settings = read_settings({'model': model})
        _check_model(model)
        _write_demo_drive(out / DRIVE, frames)
        outcome = run_replay(out / DRIVE, settings, out)
        outcome.text += f'\n\nopen {out / "report.html"} in a browser'
        return outcome

    run_verb(work, json_output=json_output, debug=debug)


def _check_model(model: str) -> None:
    """Refuse a missing model before half a minute of drawing."""
    from xspec_ros.bundle.store import resolve_bundle

    resolve_bundle(model)


def _write_demo_drive(path: Path, frames: int) -> None:
    from xspec_ros.bag.pack import DriveWriter
    from xspec_ros.bag.writer import BagWriter
    from xspec_ros.cli.progress import progress_bar

    with (
        BagWriter(path, overwrite=True) as bag,
        progress_bar('synthesising a drive', frames) as step,
    ):
        drive = DriveWriter(bag)
        for settings in demo_drives(frames):
            write_drive(settings, drive, step)


def demo_drives(frames: int) -> tuple[DriveSettings, DriveSettings]:
    """Return a drive by day and one at night that follows it.

    Args:
        frames: Frames of both together, at least 2.
    """
    from xspec_ros.synth import DriveSettings

    by_day = max(1, frames // 2)
    day = DriveSettings(frames=by_day, seed=SEED, rate_hz=RATE_HZ, shutter_every_s=0.0)
    night = DriveSettings(
        frames=max(1, frames - by_day),
        seed=SEED + 1,
        rate_hz=RATE_HZ,
        night=True,
        shutter_every_s=0.0,
        start_ns=day.start_ns + round(by_day * 1e9 / RATE_HZ),
    )
    return day, night
