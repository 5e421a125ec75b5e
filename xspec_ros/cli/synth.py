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

"""``xspec synth``: a synthetic RGB-thermal drive with masks and boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.output import DebugOption, JsonOption, Outcome, run_verb
from xspec_ros.cli.parameters import parse_size_hw
from xspec_ros.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xspec_ros.bag.pack import DriveWriter, Moment
    from xspec_ros.bag.writer import Storage
    from xspec_ros.core.truth import Boxes
    from xspec_ros.datasets import Sample
    from xspec_ros.synth import DriveBoxes, DriveFrame, DriveSettings

FORMATS = ('mcap', 'sqlite3', 'dataset')


def command(
    *,
    out: Annotated[
        Path, typer.Option('--out', help='What to write; a path ending in .mcap is one file.')
    ],
    frames: Annotated[int, typer.Option(help='Frames of the drive.')] = 300,
    seed: Annotated[int, typer.Option(help='World, weather and noise.')] = 0,
    night: Annotated[bool, typer.Option('--night', help='Drive at night.')] = False,
    size: Annotated[str, typer.Option(help='Picture size, WIDTHxHEIGHT.')] = '640x480',
    rate: Annotated[float, typer.Option(help='Frames a second.')] = 30.0,
    offset_ms: Annotated[float, typer.Option(help='RGB stamps are later by this.')] = 0.0,
    jitter_ms: Annotated[float, typer.Option(help='Spread of the stamps.')] = 0.0,
    drop: Annotated[float, typer.Option(help='Share of frames that a camera loses.')] = 0.0,
    bits: Annotated[int, typer.Option(help='Bits a thermal pixel, 8 or 16.')] = 16,
    camera: Annotated[
        list[str] | None,
        typer.Option(
            help='Another thermal camera, place or weather: KEY=VALUE of height_m, pitch_deg, '
            'air_c, cloud, gain, noise, tone.'
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option('--format', help='Of a folder: mcap, sqlite3 or dataset.')
    ] = 'mcap',
    overwrite: Annotated[
        bool, typer.Option('--overwrite', help='Replace a bag that is there.')
    ] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write a synthetic RGB-thermal drive, with its ground truth.

    \b
    Examples:
      xspec synth --out drive.mcap --frames 300 --seed 1
      xspec synth --out night_bag --night --format sqlite3
      xspec synth --out set --format dataset --frames 50 --size 320x240
      xspec synth --out late.mcap --offset-ms 40 --jitter-ms 3 --drop 0.05
      xspec synth --out other.mcap --camera height_m=0.7 --camera noise=4 --camera tone=2
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        import msgspec

        from xspec_ros.config import parse_struct
        from xspec_ros.synth import CameraChange, DriveSettings

        change = parse_struct('', CameraChange, '--camera', overrides=camera or ())
        settings = DriveSettings(
            **msgspec.structs.asdict(change),
            frames=frames,
            seed=seed,
            night=night,
            size_wh=parse_size_hw(size)[::-1],
            rate_hz=rate,
            offset_ms=offset_ms,
            jitter_ms=jitter_ms,
            drop=drop,
            bits=bits,
        )
        if format_ not in FORMATS:
            message = f'format {format_!r}'
            raise ConfigError(message, hint=f'give {", ".join(FORMATS)}')
        if format_ == 'dataset':
            return _write_dataset(settings, out)
        return _write_bag(settings, out, 'sqlite3' if format_ == 'sqlite3' else 'mcap', overwrite)

    run_verb(work, json_output=json_output, debug=debug)


def write_drive(settings: DriveSettings, drive: DriveWriter, step: Callable[[], None]) -> None:
    """Synthesise a drive into a bag.

    Args:
        settings: The drive.
        drive: Where it goes.
        step: Called after every frame.
    """
    from xspec_ros.synth import drive as synthesise

    for frame in synthesise(settings):
        drive.write(moment_of(frame, settings))
        step()


def moment_of(frame: DriveFrame, settings: DriveSettings) -> Moment:
    """Return what a bag holds of a frame; its log time is the true time, whatever stamps say."""
    from xspec_ros.bag.pack import Moment

    return Moment(
        log_ns=settings.start_ns + round(frame.index * 1e9 / settings.rate_hz),
        rgb_stamp_ns=frame.rgb_stamp_ns,
        thermal_stamp_ns=frame.thermal_stamp_ns,
        rgb=frame.rgb,
        thermal=frame.thermal,
        label_map=frame.label_map,
        boxes_thermal=_boxes(frame.boxes_thermal),
        boxes_rgb=_boxes(frame.boxes_rgb),
    )


def _write_bag(settings: DriveSettings, out: Path, storage: Storage, overwrite: bool) -> Outcome:
    from xspec_ros.bag.pack import DriveWriter
    from xspec_ros.bag.writer import BagWriter
    from xspec_ros.cli.progress import progress_bar

    with (
        BagWriter(out, storage=storage, overwrite=overwrite) as bag,
        progress_bar('synthesising', settings.frames) as step,
    ):
        drive = DriveWriter(bag)
        write_drive(settings, drive, step)
    return _outcome(drive.moments, drive.pairs, out)


def _write_dataset(settings: DriveSettings, out: Path) -> Outcome:
    from xspec_ros.cli.progress import progress_bar
    from xspec_ros.core.labels import DEFAULT_CLASSES
    from xspec_ros.datasets import write_dataset

    with progress_bar('synthesising', settings.frames) as step:
        counts = [0, 0]
        write_dataset(_samples(settings, counts, step), out, DEFAULT_CLASSES)
    return _outcome(counts[0], counts[1], out)


def _samples(
    settings: DriveSettings, counts: list[int], step: Callable[[], None]
) -> Iterator[Sample]:
    """Yield the frames as samples, one at a time so that long drives fit into memory."""
    from xspec_ros.synth import drive as synthesise

    for frame in synthesise(settings):
        counts[0] += 1
        counts[1] += frame.rgb is not None and frame.thermal is not None
        step()
        if frame.rgb is None and frame.thermal is None:
            continue
        yield sample_of(frame, f'{frame.index:06d}')


def sample_of(frame: DriveFrame, name: str) -> Sample:
    """Return what a data set holds of a frame."""
    from xspec_ros.datasets import Sample

    return Sample(
        name=name,
        rgb=frame.rgb,
        thermal=frame.thermal,
        label_map=frame.label_map,
        boxes_thermal=None if frame.thermal is None else _boxes(frame.boxes_thermal),
        boxes_rgb=None if frame.rgb is None else _boxes(frame.boxes_rgb),
        day=not frame.night,
    )


def _boxes(boxes: DriveBoxes) -> Boxes:
    from xspec_ros.core.truth import Boxes

    return Boxes.of(boxes.boxes_xyxy, boxes.class_ids)


def _outcome(frames: int, pairs: int, out: Path) -> Outcome:
    return Outcome(
        data={'frames': frames, 'pairs': pairs, 'path': str(out)},
        text=f'{out}: {frames} frames, {pairs} pairs',
    )
