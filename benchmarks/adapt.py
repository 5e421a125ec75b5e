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

"""``xspec adapt`` as a fleet owner runs it: another camera, real pairs, and drives that mislead.

    python -m benchmarks.adapt --model MODEL                # synthetic drives of another camera
    python -m benchmarks.adapt --model MODEL --real DATA    # a bag of MSRS pairs instead

A model adapts to drives of a camera that it does not know, then to the same drives with frozen
thermal frames, with noise in place of thermal frames, and with RGB frames out of order. It is
measured before and after on labelled frames that no drive holds; where the command refuses, the
model that stays deployed is measured again. What each call printed is kept in ``--out``, and a
case that is there is not run again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
import hashlib
from pathlib import Path
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from xspec_ros.bag.pack import DriveWriter, Moment
from xspec_ros.bag.writer import BagWriter
from xspec_ros.cli.synth import moment_of, sample_of
from xspec_ros.core.labels import DEFAULT_CLASSES
from xspec_ros.datasets import write_dataset
from xspec_ros.synth import CameraChange, drive, DriveSettings, frames_for_training

if TYPE_CHECKING:
    from collections.abc import Sequence

OTHER = CameraChange(height_m=0.7, pitch_deg=4, air_c=-5, cloud=0.9, noise=4, tone=2.0)
SIZE_WH = (192, 160)
FOV_DEG = 36.0
DRIVES = ((701, False), (702, True), (703, False), (704, True))  # seed, and whether by night
FRAMES = 240
RATE_HZ = 4.0
TEST_FRAMES, TEST_SEED = 300, 94
Spoil = Callable[[Iterator[Moment]], Iterator[Moment]]


def frozen(moments: Iterator[Moment]) -> Iterator[Moment]:
    """Show the first thermal frame for ever."""
    first = next(moments)
    yield first
    for moment in moments:
        yield replace(moment, thermal=first.thermal)


def noise(moments: Iterator[Moment]) -> Iterator[Moment]:
    """Show noise in place of thermal frames."""
    rng = np.random.default_rng(0)
    for moment in moments:
        shape = SIZE_WH[::-1]
        yield replace(moment, thermal=rng.normal(8000, 200, shape).astype(np.uint16))


def shuffled(moments: Iterator[Moment]) -> Iterator[Moment]:
    """Give every thermal frame the RGB frame of another time."""
    held = list(moments)
    order = np.random.default_rng(0).permutation(len(held))
    for moment, other in zip(held, order, strict=True):
        yield replace(moment, rgb=held[other].rgb)


CASES: dict[str, Spoil | None] = {
    'as recorded': None,
    'frozen thermal': frozen,
    'noise for thermal': noise,
    'RGB out of order': shuffled,
}


def write_bag(path: Path, settings: DriveSettings, spoil: Spoil | None) -> None:
    """Write one drive without its truth, as it is or spoilt; a bag that is there stays."""
    if path.exists():
        return
    moments = (
        replace(moment_of(frame, settings), label_map=None, boxes_thermal=None, boxes_rgb=None)
        for frame in drive(settings)
    )
    with BagWriter(path) as bag:
        writer = DriveWriter(bag)
        for moment in moments if spoil is None else spoil(moments):
            writer.write(moment)


def write_drives(folder: Path, spoil: Spoil | None) -> list[Path]:
    """Write the drives of the other camera."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for seed, night in DRIVES:
        settings = DriveSettings(
            **msgspec.structs.asdict(OTHER),
            frames=FRAMES,
            seed=seed,
            night=night,
            size_wh=SIZE_WH,
            fov_deg=FOV_DEG,
            rate_hz=RATE_HZ,
            shutter_every_s=30.0,
        )
        paths.append(folder / f'{seed}.mcap')
        write_bag(paths[-1], settings, spoil)
    return paths


def write_test_set(folder: Path) -> Path:
    """Write labelled frames of the other camera, of worlds that no drive crosses."""
    if not folder.exists():
        frames = frames_for_training(
            TEST_FRAMES, TEST_SEED, SIZE_WH, fov_deg=FOV_DEG, camera=OTHER
        )
        samples = (sample_of(frame, f'{number:06d}') for number, frame in enumerate(frames))
        write_dataset(samples, folder, DEFAULT_CLASSES)
    return folder


def pack_real(data: Path, folder: Path) -> list[Path]:
    """Pack the pairs of MSRS that are for training into a bag; its labels are not looked at."""
    bag = folder / 'msrs_train_b.mcap'
    if not bag.exists():
        folder.mkdir(parents=True, exist_ok=True)
        call('bag', 'pack', str(data / 'msrs'), '--out', str(bag), '--fold', 'train_b')
    return [bag]


def call(*arguments: str, kept: Path | None = None) -> dict[str, object]:
    """Call the command line with --json; what it prints is kept, and not asked for again.

    Raises:
        SystemExit: It could not do its work (exit code 2).
    """
    if kept is not None and kept.exists():
        return msgspec.json.decode(kept.read_bytes(), type=dict[str, object])
    command = [sys.executable, '-m', 'xspec_ros', *arguments, '--json']
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode not in {0, 1}:
        sys.exit(f'{" ".join(command)}: {done.stdout.decode()}')
    found = msgspec.json.decode(done.stdout, type=dict[str, object])
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    return found


def judge(model: str, sets: Sequence[tuple[Path, str]], kept: Path) -> list[str]:
    """Return mIoU and mAP50 of a model on labelled sets, as table cells."""
    cells = []
    for path, fold in sets:
        options = ('--fold', fold) if fold else ()
        name = f'{kept.name}_{path.name}.json'
        found = call('evaluate', model, str(path), *options, kept=kept.with_name(name))
        cells += [_percent(found[key]) for key in ('miou', 'map50')]
    return cells


def _percent(value: object) -> str:
    return f'{100 * value:.1f}' if isinstance(value, float) else '-'


def row(
    case: str,
    drives: Sequence[Path],
    sets: Sequence[tuple[Path, str]],
    *,
    options: argparse.Namespace,
) -> str:
    """Run one case and return its line of the table."""
    settings = ['--minutes', str(options.minutes)]
    settings += [word for setting in options.set for word in ('--set', setting)]
    if options.teacher is not None:
        settings += ['--teacher', options.teacher]
    key = hashlib.sha256(' '.join(settings).encode()).hexdigest()[:8]
    name = f'{options.name}_{case.replace(" ", "_")}_{key}'
    out = options.out / 'models' / name
    found = call(
        'adapt',
        *map(str, drives),
        '--from',
        options.model,
        '--out',
        str(out),
        *settings,
        kept=options.out / 'answers' / f'{name}.json',
    )
    frames = found['frames']
    chosen = frames['chosen'] if isinstance(frames, dict) else '-'
    before = judge(options.model, sets, options.out / 'answers' / f'{options.name}_before')
    after = before
    if found['accepted']:
        after = judge(str(out), sets, options.out / 'answers' / f'{name}_after')
    figures = ' | '.join(f'{one} -> {two}' for one, two in zip(before, after, strict=True))
    verdict = 'accepted' if found['accepted'] else 'refused'
    return (
        f'| {case} | {found["minutes"]} | {chosen} | {verdict} | {figures} | {found["reason"]} |'
    )


def main() -> int:
    """Run the cases and print their table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', required=True, help='bundle that is deployed')
    parser.add_argument('--name', default='model', help='what its cases are kept under')
    parser.add_argument('--teacher', help='RGB model that labels pairs by day: bundle or run')
    parser.add_argument('--real', type=Path, help='folder of the real data sets')
    parser.add_argument('--minutes', type=float, default=5.0)
    parser.add_argument('--set', action='append', default=[], help='key=value of the settings')
    parser.add_argument('--only', help='cases, with commas; all when left out')
    parser.add_argument('--out', type=Path, default=Path('runs/adapt'))
    options = parser.parse_args()
    if options.real is None:
        sets = [(write_test_set(options.out / 'test'), '')]
        cases = CASES if options.only is None else options.only.split(',')
        drives = {case: write_drives(options.out / case, CASES[case]) for case in cases}
    else:
        sets = [(options.real / name, 'val') for name in ('mfnet', 'msrs')]
        drives = {'MSRS pairs': pack_real(options.real, options.out / 'real')}
    titles = ' | '.join(f'{path.name} {key}' for path, _ in sets for key in ('mIoU', 'mAP50'))
    width = 5 + 2 * len(sets)
    sys.stdout.write(f'| drives | minutes | frames | verdict | {titles} | reason |\n')
    sys.stdout.write('|---' * width + '|\n')
    for case, paths in drives.items():
        sys.stdout.write(row(case, paths, sets, options=options) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
