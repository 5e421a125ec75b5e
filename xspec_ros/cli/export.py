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

"""``xspec export``: a checkpoint becomes a verified bundle."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.output import DebugOption, EXIT_PARTIAL, JsonOption, Outcome, run_verb
from xspec_ros.cli.parameters import parse_size_hw
from xspec_ros.errors import ConfigError, EngineError

if TYPE_CHECKING:
    from xspec_ros.bundle.manifest import Verified
    from xspec_ros.learn.export import ExportReport

NEEDS = ('torch', 'onnx', 'onnxscript', 'safetensors', 'onnxruntime')


def command(
    checkpoint: Annotated[
        Path, typer.Argument(help='Checkpoint folder, or the run folder that xspec train wrote.')
    ],
    *,
    out: Annotated[Path, typer.Option(help='Folder of the bundle to write.')],
    precision: Annotated[
        str, typer.Option(help='Comma-separated: fp32, fp16, int8; fp32 is always made.')
    ] = 'fp32',
    data: Annotated[
        Path | None, typer.Option(help="Data set to verify on; default: the recipe's own.")
    ] = None,
    fold: Annotated[str | None, typer.Option(help='Fold of --data.')] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Size the network works at, WxH; default: the recipe's own."),
    ] = None,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Export a checkpoint as a bundle and verify every engine present.

    fp32 must give the labels of torch on 99.9 % of the pixels and boxes within 0.5 pixels; a
    lower precision may lose 0.5 points of mIoU and mAP50, else it is left out. Frames are those
    of --data, else the recipe's validation set, else synthetic ones (said so in the card).

    \b
    Examples:
      xspec export runs/default --out out/model
      xspec export runs/default/best --out out/model --precision fp32,int8
      xspec export runs/default --out out/small --size 480x384
      xspec export runs/default --out out/model --data data/msrs --fold val --json
    """  # noqa: D301 - click wants the character

    def work() -> Outcome:
        check_installed()
        from xspec_ros.learn.export import (
            at_size,
            calibration_frames,
            export_checkpoint,
            verification_frames,
        )
        from xspec_ros.learn.train.checkpoint import load_checkpoint

        names = tuple(dict.fromkeys(part.strip() for part in precision.split(',') if part.strip()))
        if fold is not None and data is None:
            message = f'--fold {fold} without --data'
            raise ConfigError(message, hint='name the data set that has this fold')
        loaded = load_checkpoint(checkpoint)
        if size is not None:
            loaded = at_size(loaded, parse_size_hw(size))
        frames = verification_frames(loaded.info, data=data, fold=fold)
        report = export_checkpoint(
            loaded,
            out,
            frames=frames,
            precisions=names,
            calibration=calibration_frames(loaded.info) if 'int8' in names else None,
        )
        return _outcome(report)

    run_verb(work, json_output=json_output, debug=debug)


def check_installed() -> None:
    """Refuse to begin without what trains and exports.

    Raises:
        EngineError: Something is not installed.
    """
    missing = [name for name in NEEDS if find_spec(name) is None]
    if missing:
        message = f'{", ".join(missing)} not installed'
        raise EngineError(message, hint="pip install 'xspec_ros[train]'")


def _outcome(report: ExportReport) -> Outcome:
    bundle = report.bundle
    variants = bundle.manifest.precisions
    data: dict[str, object] = {
        'engines': {name: _row(seen) for name, seen in variants['fp32'].verified.items()},
        'precisions': {
            precision: {name: _row(seen) for name, seen in variant.verified.items()}
            for precision, variant in variants.items()
        },
        'dropped': dict(report.dropped),
        'files': {name: entry.size for name, entry in bundle.manifest.files.items()},
        'frames': report.origin,
        'path': str(bundle.path),
    }
    outcome = Outcome(data=data, text=_text(report))
    if not report.ok:
        outcome.exit_code = EXIT_PARTIAL
        failed = [name for name, seen in variants['fp32'].verified.items() if not seen.ok]
        parts = [f'{name} at fp32 failed' for name in failed]
        parts += [f'{name} left out: {why}' for name, why in report.dropped.items()]
        message = '; '.join(parts) or 'no engine was verified'
        outcome.error = EngineError(message, hint='the rest of the bundle is good to use')
    return outcome


def _row(seen: Verified) -> dict[str, object]:
    return {
        'label_agreement': seen.label_agreement,
        'box_px': seen.box_px,
        'ok': seen.ok,
        'frames': seen.frames,
        'miou_loss': seen.miou_loss,
        'map50_loss': seen.map50_loss,
    }


def _text(report: ExportReport) -> str:
    bundle = report.bundle
    lines = [f'{bundle.path}: verified on {report.origin}', '']
    for precision, variant in bundle.manifest.precisions.items():
        for name, seen in variant.verified.items():
            verdict = 'ok' if seen.ok else 'FAILED'
            lines.append(
                f'{name:<12} {precision:<5} labels {100 * seen.label_agreement:8.4f} %  '
                f'boxes {seen.box_px:7.3f} px  {verdict}'
            )
    total = sum(entry.size for entry in bundle.manifest.files.values())
    lines.append(f'\n{len(bundle.manifest.files)} files, {total / 1e6:.1f} MB')
    return '\n'.join(lines)
