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

"""``xspec evaluate``: a model against a labelled data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TYPE_CHECKING

import typer

from xspec_ros.cli.output import DebugOption, EXIT_PARTIAL, JsonOption, Outcome, run_verb
from xspec_ros.cli.parameters import parse_mode
from xspec_ros.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

UNLABELLED_RULES = ('ignore', 'background')


def command(
    model: Annotated[str, typer.Argument(help='Bundle folder or shipped name.')],
    dataset: Annotated[Path, typer.Argument(help='Data set folder with labels.')],
    *,
    fold: Annotated[str | None, typer.Option(help='Only this fold of split.csv.')] = None,
    part: Annotated[str | None, typer.Option(help='Only this part, for example pool.')] = None,
    mode: Annotated[str, typer.Option(help='thermal, fused or rgb.')] = 'thermal',
    engine: Annotated[str, typer.Option(help='Engine name, or auto.')] = 'auto',
    precision: Annotated[str, typer.Option(help='Precision variant, or auto.')] = 'auto',
    unlabelled: Annotated[
        str,
        typer.Option(
            help='Unlabelled pixels: ignore, or background (classes given there are false alarms).'
        ),
    ] = 'ignore',
    layout: Annotated[str, typer.Option(help='Layout of the data set, or auto.')] = 'auto',
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Measure mIoU and AP of a model on a data set, by class, day and night.

    mIoU is the mean over the classes that the truth holds; AP follows COCO's rules over all
    boxes with a score of at least 0.01.

    \b
    Examples:
      xspec evaluate default data/msrs --fold val
      xspec evaluate out/model data/mfnet --fold val --unlabelled background --json
      xspec evaluate out/fused data/msrs --mode rgb --engine onnxruntime
    """  # noqa: D301 - click wants the character

    def work() -> Outcome:
        from xspec_ros.cli.progress import progress_bar
        from xspec_ros.datasets import open_dataset
        from xspec_ros.perception.evaluate import evaluate
        from xspec_ros.perception.perception import open_perception

        chosen_mode = parse_mode(mode)
        _check_unlabelled(unlabelled)
        perception = open_perception(model, engine=engine, mode=chosen_mode, precision=precision)
        manifest = perception.bundle.manifest
        samples = open_dataset(
            dataset,
            classes=manifest.classes,
            detection_classes=manifest.detection_classes,
            fold=fold,
            part=part,
            other='complement' if unlabelled == 'background' else 'ignore',
            layout=layout,
        )
        with progress_bar('evaluate', len(samples)) as step:
            result = evaluate(
                perception, samples, background=unlabelled == 'background', step=step
            )
        used = perception.engine
        figures = result.as_json() | {
            'model': manifest.name,
            'dataset': str(dataset),
            'fold': fold,
            'part': part,
            'mode': mode,
            'unlabelled': unlabelled,
            'engine': used.name,
            'precision': used.precision,
            'fingerprint': samples.fingerprint(),
        }
        perception.close()
        outcome = Outcome(data=figures, text=as_text(figures))
        if result.problems:
            message = f'{len(result.problems)} samples left out, first: {result.problems[0]}'
            outcome.error = DataError(message, hint='restore or remove these files')
            outcome.exit_code = EXIT_PARTIAL
        return outcome

    run_verb(work, json_output=json_output, debug=debug)


def as_text(figures: Mapping[str, object]) -> str:
    """Return the figures as a table for a person.

    Args:
        figures: What ``--json`` prints.
    """
    groups = {name: figures[name] for name in ('day', 'night') if figures[name] is not None}
    lines = [
        f'{figures["pictures"]} pictures, {figures["skipped"]} skipped, mode {figures["mode"]}, '
        f'{figures["engine"]} {figures["precision"]}',
        '',
        f'{"":<12}{"mIoU":>8}{"mAP":>8}{"mAP50":>8}{"mAP75":>8}',
    ]
    for name, values in {'all': figures, **groups}.items():
        cells = [_cell(values, key) for key in ('miou', 'map', 'map50', 'map75')]
        lines.append(f'{name:<12}' + ''.join(cells))
    lines += ['', f'{"class":<12}{"IoU":>8}{"AP":>8}{"AP50":>8}']
    per_class = figures['per_class']
    for name, values in per_class.items() if isinstance(per_class, dict) else ():
        lines.append(f'{name:<12}' + ''.join(_cell(values, k) for k in ('iou', 'ap', 'ap50')))
    scored = figures['scored_classes']
    if isinstance(scored, list) and scored:
        lines += ['', f'mIoU over {", ".join(map(str, scored))}']
    return '\n'.join(lines)


def _cell(values: object, key: str) -> str:
    value = values.get(key) if isinstance(values, dict) else None
    return f'{value:>8.3f}' if isinstance(value, float) else f'{"-":>8}'


def _check_unlabelled(value: str) -> None:
    if value not in UNLABELLED_RULES:
        message = f'--unlabelled {value!r}'
        raise ConfigError(message, hint=f'give {", ".join(UNLABELLED_RULES)}')
