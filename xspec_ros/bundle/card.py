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

"""The model card (``README.md`` of a bundle), generated from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xspec_ros.bundle.manifest import Manifest

DATA_KEYS = ('name', 'use', 'fold', 'pictures', 'licence')
SUMMARY_KEYS = ('miou', 'map', 'map50', 'map75')
CLASS_KEYS = ('iou', 'ap', 'ap50')
FIGURE_KEYS = {*SUMMARY_KEYS, 'per_class', 'sources'}
VALIDATION = 'validation'
FIGURES_NOTE = (
    'Measured while training, on data that was not trained on. mIoU is the mean over the classes '
    'that the truth holds, unlabelled pixels left out; AP follows COCO, scores from 0.01.'
)
CAMERAS = {
    'thermal': 'a thermal camera of a ground robot or vehicle on\n'
    'roads, 8 or 16 bits a pixel, any size.',
    'rgb': 'an RGB camera of a ground robot or vehicle on\nroads, any size.',
    'both': 'a thermal and an RGB camera of a ground robot or\n'
    'vehicle on roads, RGB laid on the thermal grid, any size; with one camera missing it\n'
    'goes on with the other.',
}
INTENDED_USE = (
    'Segmentation and detection on the pictures of {cameras} '
    'It is a perception aid for research and evaluation. It is\n'
    'not a safety function: a missed person is possible in every frame.\n'
)
LIMITS = """\
- Scenes unlike the sources below (indoors, from the air, other thermal cameras) lose accuracy.
- The figures hold for the named data and fold; measure on your own drive before relying on them.
- The picture is stretched to the network size; sides far from its aspect ratio lose accuracy.
- Confidence is the network's own and is not calibrated.
"""


def model_card(manifest: Manifest) -> str:
    """Return the card as Markdown.

    Args:
        manifest: The manifest; its file list is not needed.
    """
    parts = [
        f'# {manifest.name}',
        _summary(manifest),
        f'## Intended use\n\n{INTENDED_USE.format(cameras=CAMERAS[manifest.input.modality])}',
        f'## Limits\n\n{LIMITS}',
        f'## Classes\n\n{_classes(manifest)}',
        f'## Figures\n\n{_figures(manifest)}',
        f'## Data and licences\n\n{_data(manifest)}',
        f'## Verification\n\n{_verification(manifest)}',
        f'## Provenance\n\n{_provenance(manifest)}',
    ]
    return '\n\n'.join(part.strip() for part in parts) + '\n'


def _summary(manifest: Manifest) -> str:
    rows, columns = manifest.input.network_hw
    tone = manifest.input.tone
    threshold = manifest.thresholds
    return '\n'.join(
        (
            f'- tasks: {", ".join(manifest.tasks)}',
            f'- modes: {", ".join(manifest.modes())}',
            f'- input: {_input(manifest)}, any size; works at {columns}x{rows} inside',
            f'- tone mapping: percentiles {tone.low_percentile:g} and {tone.high_percentile:g}, '
            f'smoothed over {tone.smoothing_s:g} s',
            f'- thresholds: score {threshold.score:g}, confidence {threshold.confidence:g}',
            f'- network: {manifest.network.name} {manifest.network.arguments}',
        )
    )


def _input(manifest: Manifest) -> str:
    bits = ' or '.join(str(item) for item in manifest.input.bits)
    thermal = f'thermal, {bits} bits'
    texts = {'thermal': thermal, 'rgb': 'RGB', 'both': f'{thermal}, and RGB on its grid'}
    return texts[manifest.input.modality]


def _classes(manifest: Manifest) -> str:
    rows = [
        f'| {index} | {label.name} | {", ".join(label.aliases)} |'
        for index, label in enumerate(manifest.classes)
    ]
    table = '\n'.join(('| id | name | also |', '|---|---|---|', *rows))
    return f'{table}\n\nDetection: {", ".join(manifest.detection_classes)}. 255 is unlabelled.'


def _figures(manifest: Manifest) -> str:
    metrics = manifest.provenance.metrics
    if not metrics:
        return 'None: these weights have not been measured.'
    sources = metrics.get('sources')
    sets = sources if isinstance(sources, Mapping) else {}
    folds = {
        str(entry.get('name')): _cell(entry, 'fold')
        for entry in manifest.provenance.data
        if entry.get('use') == VALIDATION
    }
    rows = [
        f'| {name} | {folds.get(str(name), "-")} | {_numbers(values, SUMMARY_KEYS)} |'
        for name, values in {'all': metrics, **sets}.items()
    ]
    parts = ['| set | fold | mIoU | mAP | mAP50 | mAP75 |', '|---|---|---|---|---|---|', *rows]
    for name, values in {'all': metrics, **sets}.items():
        parts += _class_table(str(name), values)
    rest = {key: item for key, item in metrics.items() if key not in FIGURE_KEYS}
    parts += ['', *(f'- {line}' for line in _flat(rest))] if rest else []
    return '\n'.join((*parts, '', FIGURES_NOTE))


def _class_table(name: str, values: object) -> list[str]:
    """Return the table of the classes that the truth of a set holds."""
    per_class = values.get('per_class') if isinstance(values, Mapping) else None
    rows = [
        f'| {label} | {_numbers(figures, CLASS_KEYS)} |'
        for label, figures in (per_class.items() if isinstance(per_class, Mapping) else ())
        if any(_number(figures, key) != '-' for key in CLASS_KEYS)
    ]
    if not rows:
        return []
    return ['', f'| {name}: class | IoU | AP | AP50 |', '|---|---|---|---|', *rows]


def _numbers(values: object, keys: tuple[str, ...]) -> str:
    return ' | '.join(_number(values, key) for key in keys)


def _number(values: object, key: str) -> str:
    value = values.get(key) if isinstance(values, Mapping) else None
    return f'{value:.3f}' if isinstance(value, float) else '-'


def _flat(value: Mapping[str, object], prefix: str = '') -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        name = f'{prefix}{key}'
        if isinstance(item, Mapping):
            lines += _flat(item, f'{name} / ')
        elif isinstance(item, float):
            lines.append(f'{name}: {item:.4f}')
        else:
            lines.append(f'{name}: {item}')
    return lines


def _data(manifest: Manifest) -> str:
    entries = manifest.provenance.data
    if not entries:
        return 'No data: these weights were not trained.'
    rows = []
    for entry in entries:
        cells = [_cell(entry, key) for key in DATA_KEYS]
        rows.append(f'| {" | ".join(cells)} |')
    header = '| set | use | fold | pictures | licence as its README states it |'
    note = (
        'Where no licence or one for research is stated, these weights are for research and '
        'evaluation too. No picture of these sets is in this bundle. Fingerprints: `bundle.json`.'
    )
    return '\n'.join((header, '|---|---|---|---|---|', *rows)) + f'\n\n{note}'


def _cell(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    if value is None or value == '':
        return 'not stated'
    text = ', '.join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return text.replace('|', '/').replace('\n', ' ')


def _verification(manifest: Manifest) -> str:
    rows = []
    for precision, variant in manifest.precisions.items():
        for engine, seen in variant.verified.items():
            lost = ' | '.join(
                '-' if value is None else f'{value:.2f}'
                for value in (seen.miou_loss, seen.map50_loss)
            )
            verdict = 'passed' if seen.ok else 'FAILED'
            rows.append(
                f'| {engine} | {precision} | {100 * seen.label_agreement:.3f} | {seen.box_px:.3f} '
                f'| {lost} | {seen.frames}, {seen.data} | {verdict} |'
            )
    if not rows:
        return 'None of the engines was verified.'
    header = (
        '| engine | precision | labels equal, % | boxes, px | mIoU points lost '
        '| mAP50 points lost | frames | result |'
    )
    rule = (
        'Against torch at fp32. fp32 passes with at least 99.9 % equal labels and boxes within '
        '0.5 px; a lower precision by losing at most 0.5 points of mIoU and mAP50.'
    )
    return '\n'.join((header, '|---|---|---|---|---|---|---|---|', *rows)) + f'\n\n{rule}'


def _provenance(manifest: Manifest) -> str:
    provenance = manifest.provenance
    lines = [f'- made by xspec_ros {provenance.code_version or "(version not stated)"}']
    if provenance.parent is not None:
        parent = provenance.parent
        lines.append(f'- begun from {parent.get("name", "?")} ({parent.get("hash", "?")[:12]})')
    lines.append('- the resolved recipe is in `bundle.json`')
    return '\n'.join(lines)
