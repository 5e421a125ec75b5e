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

"""``xspec bag``: pictures into bags, bags into pictures, and what is in a bag."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.output import (
    DebugOption,
    EXIT_DONE,
    EXIT_PARTIAL,
    JsonOption,
    Outcome,
    run_verb,
)
from xspec_ros.errors import DataError

if TYPE_CHECKING:
    from xspec_ros.bag.info import BagSummary
    from xspec_ros.bag.inputs import Inputs
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.core.frame import Modality
    from xspec_ros.core.sync import SyncSettings

app = typer.Typer(help='Pack, extract and look into ROS 2 bags.', no_args_is_help=True)

BagArgument = Annotated[Path, typer.Argument(metavar='BAG', help='A .mcap file or a bag folder.')]
RgbOption = Annotated[str, typer.Option('--rgb', help='Topic of the RGB camera.')]
ThermalOption = Annotated[str, typer.Option('--thermal', help='Topic of the thermal camera.')]
SlopOption = Annotated[float, typer.Option('--slop-ms', help='Largest difference of a pair.')]
RgbOffsetOption = Annotated[
    float, typer.Option('--rgb-offset-ms', help='Added to RGB stamps before pairing.')
]
ThermalOffsetOption = Annotated[
    float, typer.Option('--thermal-offset-ms', help='Added to thermal stamps before pairing.')
]


@app.command('pack')
def pack_command(
    *,
    dataset: Annotated[Path, typer.Argument(metavar='DATASET_DIR', help='A data set folder.')],
    out: Annotated[
        Path, typer.Option('--out', help='The bag; a path ending in .mcap is one file.')
    ],
    rate: Annotated[float, typer.Option(help='Pictures a second.')] = 10.0,
    bits: Annotated[
        int | None, typer.Option(help='Bits a thermal pixel, 8 or 16; as they are by default.')
    ] = None,
    fold: Annotated[str | None, typer.Option(help='Only this fold.')] = None,
    part: Annotated[str | None, typer.Option(help='Only this part.')] = None,
    overwrite: Annotated[
        bool, typer.Option('--overwrite', help='Replace a bag that is there.')
    ] = False,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Pack a data set folder into a bag, with its masks and boxes as ground-truth topics.

    \b
    Examples:
      xspec bag pack data/msrs --out val.mcap --fold val
      xspec bag pack data/msrs --out counts.mcap --bits 16 --rate 30
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        from xspec_ros.bag.pack import pack
        from xspec_ros.bag.writer import BagWriter
        from xspec_ros.cli.progress import progress_bar
        from xspec_ros.datasets import open_dataset

        samples = open_dataset(dataset, fold=fold, part=part)
        with (
            BagWriter(out, overwrite=overwrite) as bag,
            progress_bar('packing', len(samples)) as step,
        ):
            drive = pack(samples, bag, rate_hz=rate, bits=bits, progress=step)
        return Outcome(
            data={
                'messages': bag.messages,
                'topics': bag.topics,
                'path': str(out),
                'pictures': drive.moments,
                'pairs': drive.pairs,
            },
            text=f'{out}: {bag.messages} messages on {", ".join(bag.topics)}',
        )

    run_verb(work, json_output=json_output, debug=debug)


@app.command('extract')
def extract_command(
    *,
    bag: BagArgument,
    out: Annotated[Path, typer.Option('--out', help='Folder of the data set.')],
    every: Annotated[int, typer.Option(help='Take one pair out of this many.')] = 1,
    rgb: RgbOption = '',
    thermal: ThermalOption = '',
    slop_ms: SlopOption = 50.0,
    rgb_offset_ms: RgbOffsetOption = 0.0,
    thermal_offset_ms: ThermalOffsetOption = 0.0,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write the pairs of a bag as a data set folder, ready for labelling.

    Ground truth that is in the bag becomes masks and boxes of the data set.

    \b
    Examples:
      xspec bag extract drive.mcap --out pairs --every 10
      xspec bag extract drive/ --out pairs --rgb /cam/image_raw --thermal /boson/image_raw
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        from xspec_ros.core.sync import SyncSettings

        sync = SyncSettings(
            slop_ms=slop_ms, rgb_offset_ms=rgb_offset_ms, thermal_offset_ms=thermal_offset_ms
        )
        return _extract(bag, out, every=every, topics=(rgb, thermal), sync=sync)

    run_verb(work, json_output=json_output, debug=debug)


@app.command('info')
def info_command(
    *,
    bag: BagArgument,
    rgb: RgbOption = '',
    thermal: ThermalOption = '',
    slop_ms: SlopOption = 50.0,
    rgb_offset_ms: RgbOffsetOption = 0.0,
    thermal_offset_ms: ThermalOffsetOption = 0.0,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show topics, types, rates, encodings, clock offsets, pairing and problems of a bag.

    \b
    Examples:
      xspec bag info drive.mcap
      xspec bag info drive/ --thermal /boson/image_raw --json
    """  # noqa: D301 - the escape keeps the lines of the examples apart

    def work() -> Outcome:
        from xspec_ros.bag.info import summarise_bag
        from xspec_ros.bag.reader import BagReader
        from xspec_ros.cli.progress import progress_bar
        from xspec_ros.core.sync import SyncSettings

        sync = SyncSettings(
            slop_ms=slop_ms, rgb_offset_ms=rgb_offset_ms, thermal_offset_ms=thermal_offset_ms
        )
        with BagReader(bag) as reader:
            inputs = camera_inputs(reader, rgb, thermal)
            total = sum(topic.count for topic in reader.topics())
            with progress_bar('reading', total) as step:
                found = summarise_bag(reader, inputs, sync, progress=step)
            return Outcome(
                data={
                    'topics': found.topics,
                    'pairs': found.pairs,
                    'problems': found.problems,
                    'duration_s': round(found.duration_s, 3),
                    'pairing': found.pairing,
                },
                text=_info_text(bag, found),
                error=_torn(reader),
                exit_code=EXIT_PARTIAL if reader.tear else EXIT_DONE,
            )

    run_verb(work, json_output=json_output, debug=debug)


def camera_inputs(reader: BagReader, rgb: str, thermal: str) -> Inputs:
    """Find the cameras of a bag; only a camera that was named must be there.

    Args:
        reader: The opened bag.
        rgb: Topic, or empty for the default.
        thermal: Topic, or empty for the default.
    """
    from xspec_ros.bag.inputs import choose_inputs
    from xspec_ros.perception.settings import InputSettings

    wanted: dict[Modality, InputSettings] = {
        'rgb': InputSettings(topic=rgb),
        'thermal': InputSettings(topic=thermal),
    }
    return choose_inputs(reader, wanted, needed=())


def _torn(reader: BagReader) -> DataError | None:
    """Return the error of a bag that could not be read whole."""
    if reader.tear is None:
        return None
    return DataError(reader.tear, hint='everything that can be read was used')


def _extract(
    bag: Path, out: Path, *, every: int, topics: tuple[str, str], sync: SyncSettings
) -> Outcome:
    from xspec_ros.bag.extract import extract_pairs, Extraction
    from xspec_ros.bag.reader import BagReader
    from xspec_ros.cli.progress import progress_bar
    from xspec_ros.core.labels import DEFAULT_CLASSES
    from xspec_ros.datasets import write_dataset

    with BagReader(bag) as reader:
        inputs = camera_inputs(reader, *topics)
        if inputs.absent:
            from xspec_ros.bag.reader import describe_topics

            held = describe_topics(reader.topics())
            message = f'{bag} has no {" and no ".join(inputs.absent)} topic; it holds: {held}'
            raise DataError(message, hint='name it with --rgb or --thermal')
        total = sum(topic.count for topic in reader.topics() if topic.name in inputs.cameras)
        state = Extraction()
        with progress_bar('extracting', total) as step:
            samples = extract_pairs(reader, inputs, sync, every=every, state=state, progress=step)
            write_dataset(samples, out, DEFAULT_CLASSES)
        if not state.written and reader.tear is None:
            message = f'no pairs in {bag}'
            raise DataError(message, hint=f'xspec bag info {bag} shows stamps and offsets')
        return Outcome(
            data={'pairs': state.written, 'path': str(out), 'rejected_by': state.rejected},
            text=f'{out}: {state.written} pairs of {state.pairs} in {bag}',
            error=_torn(reader),
            exit_code=EXIT_PARTIAL if reader.tear else EXIT_DONE,
        )


def _info_text(bag: Path, found: BagSummary) -> str:
    rows: list[tuple[str, ...]] = [
        ('topic', 'type', 'count', 'Hz', 'encoding', 'size', 'log-stamp ms')
    ]
    for entry in found.topics:
        keys = ('name', 'type', 'count', 'rate_hz', 'encoding', 'size', 'clock_offset_ms')
        rows.append(tuple('-' if entry[key] is None else str(entry[key]) for key in keys))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [f'{bag}: {found.duration_s:.1f} s, {found.pairs} pairs']
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append('  '.join(cells).rstrip())
    lines += [f'problem: {problem}' for problem in found.problems] or ['no problems found']
    return '\n'.join(lines)
